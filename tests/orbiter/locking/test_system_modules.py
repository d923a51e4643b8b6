"""Python modules of Debian and Alpine next to packages of pip or conda."""

from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from orbiter.locking.system_modules import system_module_warnings

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.{builder}]
from = "{base}"
[image.{builder}.core]
{system} = [{core}]
[image.{builder}.base]
from = "core"
[image.{builder}.base.build]
from = "core"
{manager} = ["six"]
[image.{builder}.other]
{system} = [{other}]
"""


def warnings(
    folder: Path, core: str, *, builder: str = "debian", manager: str = "pip", other: str = '"git"'
) -> list[tuple[str, str]]:
    path = folder / "images.toml"
    system, base = ("apk", "alpine:3.23") if builder == "alpine" else ("apt", "debian:trixie-slim")
    text = IMAGES.format(
        builder=builder, base=base, system=system, core=core, manager=manager, other=other
    )
    path.write_text(text)
    found = system_module_warnings(read_image_set(path), builder)
    return [(warning.package, warning.text.rpartition("concerns ")[2]) for warning in found]


def test_modules_of_parents_concern_each_stage_with_pip_packages(tmp_path: Path) -> None:
    core = '"python3", "python3-yaml=6.0.2-1+b2", "git"'
    stages = "debian-base, debian-base-build"
    assert warnings(tmp_path, core) == [("python3-yaml", stages)]


def test_alpine_names_its_modules_in_another_way(tmp_path: Path) -> None:
    stages = "alpine-base, alpine-base-build"
    core = '"python3", "py3-yaml~6"'
    assert warnings(tmp_path, core, builder="alpine") == [("py3-yaml", stages)]


def test_conda_does_not_import_them_either(tmp_path: Path) -> None:
    found = warnings(tmp_path, '"python3-yaml"', builder="micromamba", manager="conda")
    assert found == [("python3-yaml", "micromamba-base, micromamba-base-build")]


@pytest.mark.parametrize("package", ["python3", "python3-dev", "python3-venv", "python3-tk"])
def test_parts_of_python_itself_are_no_modules(tmp_path: Path, package: str) -> None:
    assert warnings(tmp_path, f'"{package}"') == []


def test_an_image_without_pip_packages_may_have_modules(tmp_path: Path) -> None:
    assert warnings(tmp_path, '"git"', other='"python3-yaml"') == []
