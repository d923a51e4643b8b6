"""The build requirements that sdists declare."""

import msgspec
import pytest

from resolvers.pip import manager as pip
from resolvers.types.request import Target
from tests.support.pip_cases import request

MUSL = Target(platform="linux/amd64", python="3.12.12", musl="1.2.5")


@pytest.mark.index
def test_build_requirements_for_other_implementations_are_ignored() -> None:
    """Lock watchdog, which needs an old setuptools on PyPy, and cftime, which needs a newer one."""
    names = ("watchdog==7.1.0", "cftime==1.6.6.1")
    sdists = request("uv", *names, sources=("watchdog", "cftime"), targets=(MUSL,), as_of=None)
    progress: list[str] = []
    files = pip.resolve(msgspec.structs.replace(sdists, progress=progress.append))
    (resolving,) = (line for line in progress if line.startswith("resolving the build req"))
    assert "PyPy" not in resolving.replace("!= 'PyPy'", "")
    (setuptools,) = (pin for pin in pip.build_pins(files, MUSL) if pin.name == "setuptools")
    assert int(setuptools.version.split(".")[0]) >= 77
    selected = {pin.artifact.file for pin in pip.select(files, MUSL, ("base-build",))}
    assert {"watchdog-7.1.0.tar.gz", "cftime-1.6.6.1.tar.gz"} <= selected
