"""The engine pip-tools: hashed requirements per stage and platform, made by pip-compile."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.index import index as package_index
from resolvers.pip import manager as pip
from resolvers.pip import pip_tools
from resolvers.types.options import PipOptions, ProvidedDistribution
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Target, Upgrade
from tests.support.pip_cases import (
    AMD64,
    ARM64,
    check_lock,
    only_index,
    versions,
    written,
)
from tests.support.wheel_index import WheelIndex

pytestmark = pytest.mark.index  # pip-tools is installed from the index
CORE = Group(name="core", requirements=("app",))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    """Configure an empty index as the only one."""
    with only_index(monkeypatch) as served:
        yield served


def lock(
    *groups: Group,
    targets: tuple[Target, ...] = (AMD64,),
    previous: LockFiles | None = None,
    upgrade: Upgrade | None = None,
    options: PipOptions = PipOptions(),  # noqa: B008 (it is immutable)
    warnings: list[LockWarning] | None = None,
) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    request = Request(
        groups=groups,
        targets=targets,
        engine="pip-tools",
        previous=previous or {},
        upgrade=upgrade or Upgrade(),
        warn=(warnings if warnings is not None else []).append,
        pip=options,
    )
    return pip.resolve(request)


def installed(files: LockFiles, target: Target, *stages: str) -> dict[str, str]:
    """Map the names of the packages to the files that a target installs."""
    return {pin.name: pin.artifact.file for pin in pip.select(files, target, stages)}


def pip_install(file: Path) -> "subprocess.CompletedProcess[str]":
    """Run pip on a requirements file as far as it does not change anything."""
    python = pip_tools.interpreter(lambda _line: None)
    options = ["--dry-run", "--require-hashes", "--no-cache-dir", "--ignore-installed"]
    command = [python, "-m", "pip", "install", *options, "-r", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def requiring(group: Group, *requirements: str) -> Group:
    return msgspec.structs.replace(group, requirements=requirements)


def test_each_stage_has_requirements_that_pip_installs_and_pip_compile_keeps(
    index: WheelIndex, tmp_path: Path
) -> None:
    index.add("app", "1.0", "Provides-Extra: fast", "Requires-Dist: quick; extra == 'fast'")
    for name in ("quick", "tool", "setuptools"):
        index.add(name, "1.0")
    stage = Group(name="tools", requirements=("tool", "app[fast]", "setuptools"), parents=("core",))
    files = lock(CORE, stage, targets=(AMD64, ARM64))
    assert [name for name in files if name.endswith(".txt")] == [
        "requirements-core-linux-amd64.txt",
        "requirements-tools-linux-amd64.txt",
        "requirements-core-linux-arm64.txt",
        "requirements-tools-linux-arm64.txt",
    ]
    assert files["requirements-tools.in"] == "app[fast]\nsetuptools\ntool\n"
    assert installed(files, AMD64, "core").keys() == {"app"}
    assert installed(files, ARM64, "tools", "core").keys() == {"app", "quick", "setuptools", "tool"}
    (app,) = (package for package in pip.read(files) if package.name == "app")
    assert (app.groups, app.platforms, app.requires) == (("core", "tools"), (), ("quick",))
    index.add("app", "2.0")
    folder = written(files, tmp_path)
    check = check_lock("pip-tools", folder)
    assert check.returncode == 0, check.stderr
    done = pip_install(folder / "requirements-tools-linux-amd64.txt")
    assert "Would install app-1.0 quick-1.0 setuptools-1.0 tool-1.0" in done.stdout


def test_pip_refuses_a_wheel_with_a_changed_byte(index: WheelIndex, tmp_path: Path) -> None:
    index.add("app", "1.0")
    folder = written(lock(CORE), tmp_path)
    index.add("app", "1.0", "Summary: changed")
    done = pip_install(folder / "requirements-core-linux-amd64.txt")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_stages_agree_on_versions_and_a_new_stage_keeps_those_of_its_parent(
    index: WheelIndex,
) -> None:
    for version in ("1.0", "2.0"):
        index.add("beta", version)
    index.add("app", "1.0", "Requires-Dist: beta")
    child = Group(name="child", requirements=("beta<2",), parents=("core",))
    assert versions(lock(CORE, child)) == {"app": "1.0", "beta": "1.0"}
    alone = lock(CORE)
    assert versions(alone) == {"app": "1.0", "beta": "2.0"}
    index.add("beta", "3.0")
    both = lock(CORE, requiring(child, "beta"), previous=alone)
    assert installed(both, AMD64, "child") == {"beta": "beta-2.0-py3-none-any.whl"}
    with pytest.raises(UnsolvableError) as caught:
        lock(requiring(CORE, "beta>=2"), child)
    assert "'beta<2' is required by 'child'" in caught.value.message
    assert "'beta>=2' is required by 'core'" in caught.value.message


def test_only_the_pins_of_a_conflict_move(index: WheelIndex) -> None:
    # pip-compile alone gives up here: the pin that must move is not the one in conflict.
    for version, limit in (("1.0", "<2"), ("2.0", ">=2")):
        index.add("app", version, f"Requires-Dist: beta{limit}")
        index.add("beta", version)
        index.add("other", version)
    first = lock(requiring(CORE, "app<2", "other<2"))
    second = lock(requiring(CORE, "app", "other", "beta>=2"), previous=first)
    assert versions(second) == {"app": "2.0", "beta": "2.0", "other": "1.0"}


def test_an_upgrade_of_one_package_keeps_the_others(index: WheelIndex) -> None:
    for name in ("app", "other"):
        index.add(name, "1.0")
    group = requiring(CORE, "app", "other")
    first = lock(group)
    for version in ("2.0", "3.0"):
        index.add("app", version)
        index.add("other", version)
    assert lock(group, previous=first) == first
    one = lock(group, previous=first, upgrade=Upgrade(packages={"App": "2.0"}))
    assert versions(one) == {"app": "2.0", "other": "1.0"}
    everything = lock(group, previous=one, upgrade=Upgrade(everything=True))
    assert versions(everything) == {"app": "3.0", "other": "3.0"}
    with pytest.raises(UnsolvableError, match="'app==9' is requested as an upgrade"):
        lock(group, previous=first, upgrade=Upgrade(packages={"app": "9"}))


def test_each_platform_has_its_own_versions_and_markers(index: WheelIndex) -> None:
    index.add("app", "1.0", "Requires-Dist: arm; platform_machine == 'aarch64'")
    index.add("app", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.add("arm", "1.0")
    index.add("old", "1.0")
    index.add("old", "2.0")
    group = requiring(CORE, "app", "old; python_full_version < '3.13.6'")
    options = PipOptions(constraints=("old<2; platform_machine == 'x86_64'",))
    warnings: list[LockWarning] = []
    files = lock(group, targets=(AMD64, ARM64), options=options, warnings=warnings)
    assert installed(files, AMD64, "core") == {
        "app": "app-2.0-cp313-cp313-manylinux_2_17_x86_64.whl",
        "old": "old-1.0-py3-none-any.whl",
    }
    assert installed(files, ARM64, "core") == {
        "app": "app-1.0-py3-none-any.whl",
        "arm": "arm-1.0-py3-none-any.whl",
        "old": "old-2.0-py3-none-any.whl",
    }
    platforms = {(each.name, each.version): each.platforms for each in pip.read(files)}
    assert platforms["app", "1.0"] == platforms["arm", "1.0"] == ("linux/arm64",)
    texts = [warning.text for warning in warnings if warning.package == "app"]
    assert "version 2.0 has no wheel for linux/arm64, so 1.0 is locked" in texts


def test_a_further_platform_keeps_the_versions_of_the_others(index: WheelIndex) -> None:
    index.add("app", "1.0")
    first = lock(CORE)
    index.add("app", "2.0")
    both = lock(CORE, targets=(AMD64, ARM64), previous=first)
    assert versions(both) == {"app": "1.0"}
    assert both["requirements-core-linux-amd64.txt"] == first["requirements-core-linux-amd64.txt"]
    assert lock(CORE, previous=both) == first


def test_wheels_are_those_of_the_images_libc(index: WheelIndex) -> None:
    index.add("app", "1.0", tag="cp313-cp313-musllinux_1_2_x86_64")
    index.add("app", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    alpine = Target(platform="linux/amd64", python="3.13.5", musl="1.2.5")
    assert versions(lock(CORE, targets=(alpine,))) == {"app": "1.0"}
    old = Target(platform="linux/amd64", python="3.13.5", glibc="2.12")
    with pytest.raises(ExpectedError, match=r"app 2\.0 has no wheel for linux/amd64.*glibc 2\.12"):
        lock(CORE, targets=(old,))


def test_an_sdist_is_only_visible_if_it_may_be_built(index: WheelIndex) -> None:
    index.add("app", "1.0")
    index.add_sdist("app", "2.0")
    warnings: list[LockWarning] = []
    files = lock(CORE, warnings=warnings)
    assert versions(files) == {"app": "1.0"}
    assert [warning.hint for warning in warnings] == [
        'to compile it from its sdist, write pip-sdist = ["app"]'
    ]
    with pytest.raises(ExpectedError, match=r"app 2\.0 has no wheel.*no wheels at all") as caught:
        lock(requiring(CORE, "app>=2"))
    assert 'pip-sdist = ["app"]' in caught.value.hint
    # This sdist does not declare setuptools, without which it cannot be built.
    with pytest.raises(ExpectedError, match="building an sdist to read its requirements failed"):
        lock(msgspec.structs.replace(CORE, sources=("app",)))


def test_an_sdist_of_a_version_that_conda_provides_is_not_built(index: WheelIndex) -> None:
    index.add("app", "1.0", "Requires-Dist: beta")
    index.add_sdist("beta", "2.0")  # which cannot be built
    index.add("beta", "1.0")
    from_conda = ProvidedDistribution(
        group="core", platform="linux/amd64", name="beta", version="2.0", package="beta"
    )
    files = lock(CORE, options=PipOptions(provided=(from_conda,), parents={"core": ()}))
    assert versions(files) == {"app": "1.0", "beta": "2.0"}
    assert installed(files, AMD64, "core").keys() == {"app"}
    assert "f" * 64 not in "".join(files.values())
