"""What sdists say that they need to be built."""

import msgspec
import pytest

from resolvers.pip import manager as pip
from resolvers.types import Target
from tests.support.pip_cases import request

MUSL = Target(platform="linux/amd64", python="3.12.12", musl="1.2.5")


@pytest.mark.index
def test_what_another_implementation_needs_is_not_asked_for() -> None:
    """watchdog wants an old setuptools for PyPy, and cftime one that is newer than that."""
    names = ("watchdog==7.1.0", "cftime==1.6.6.1")
    asked = request("uv", *names, sources=("watchdog", "cftime"), targets=(MUSL,), as_of=None)
    progress: list[str] = []
    files = pip.resolve(msgspec.structs.replace(asked, progress=progress.append))
    (told,) = (line for line in progress if line.startswith("resolving what builds sdists"))
    assert "PyPy" not in told.replace("!= 'PyPy'", "")
    (setuptools,) = (pin for pin in pip.build_pins(files, MUSL) if pin.name == "setuptools")
    assert int(setuptools.version.split(".")[0]) >= 77
    found = {pin.artifact.file for pin in pip.select(files, MUSL, ("base-build",))}
    assert {"watchdog-7.1.0.tar.gz", "cftime-1.6.6.1.tar.gz"} <= found
