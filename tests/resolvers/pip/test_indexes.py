"""Several indexes: those of images.toml for single packages, and those of pip's configuration."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.index import index as package_index
from resolvers.index import routes
from resolvers.pip import manager as pip
from resolvers.types.options import PipOptions
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Upgrade
from tests.support.pip_cases import AMD64, ARM64, check_lock, only_index, versions, written
from tests.support.wheel_index import WheelIndex, wheel_index

pytestmark = pytest.mark.index  # Poetry and pip-tools are installed from the index
ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv", "pip-tools"])
POETRY_AND_UV = pytest.mark.parametrize("engine", ["poetry", "uv"])
STAGE = "base-build"
NEXT_STAGE = "geo-build"


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    """Configure an empty index as the only one of pip."""
    with only_index(monkeypatch) as served:
        yield served


@pytest.fixture
def other() -> Iterator[WheelIndex]:
    """Serve a second, empty index that pip's configuration does not name."""
    with wheel_index() as served:
        yield served


def request(
    engine: str,
    *requirements: str,
    options: PipOptions,
    previous: LockFiles | None = None,
    upgrade: Upgrade = Upgrade(),  # noqa: B008 (it is immutable)
) -> Request:
    groups = (
        Group(name=STAGE, requirements=requirements),
        Group(name=NEXT_STAGE, requirements=requirements[:1], parents=(STAGE,)),
    )
    return Request(
        groups=groups,
        targets=(AMD64, ARM64),
        engine=engine,
        previous=previous or {},
        upgrade=upgrade,
        pip=options,
    )


def lock(
    engine: str,
    *requirements: str,
    options: PipOptions = PipOptions(),  # noqa: B008 (it is immutable)
    previous: LockFiles | None = None,
    upgrade: Upgrade = Upgrade(),  # noqa: B008 (it is immutable)
    found: list[LockWarning] | None = None,
) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    routes._named.cache_clear()
    asked = request(engine, *requirements, options=options, previous=previous, upgrade=upgrade)
    warn = [].append if found is None else found.append
    return pip.resolve(msgspec.structs.replace(asked, warn=warn))


def named(served: WheelIndex, *packages: str) -> PipOptions:
    return PipOptions(
        indexes={"other": served.url.rstrip("/"), "unused": "https://unused.invalid"},
        sources=dict.fromkeys(packages, "other"),
    )


def sources(files: LockFiles) -> dict[str, str]:
    pins = pip.select(files, AMD64, (STAGE, NEXT_STAGE))
    return {pin.name: pin.artifact.source for pin in pins}


@POETRY_AND_UV
def test_one_package_comes_from_the_index_that_images_toml_names(
    engine: str, main: WheelIndex, other: WheelIndex, tmp_path: Path
) -> None:
    main.add("torch", "9.0")
    main.add("numpy", "1.0")
    main.add("vision", "1.0", "Requires-Dist: torch>=1", "Requires-Dist: numpy")
    locked = other.add("torch", "2.0", "Requires-Dist: numpy")
    other.add("numpy", "8.0")
    other.add("vision", "8.0")
    files = lock(engine, "torch>=1", "vision", options=named(other, "torch"))
    assert versions(files) == {"torch": "2.0", "numpy": "1.0", "vision": "1.0"}
    assert sources(files) == {
        "torch": f"other:torch/{locked.file}",
        "numpy": "numpy/numpy-1.0-py3-none-any.whl",
        "vision": "vision/vision-1.0-py3-none-any.whl",
    }
    (torch,) = (package for package in pip.read(files) if package.name == "torch")
    assert [artifact.source for artifact in torch.artifacts] == [f"other:torch/{locked.file}"]
    text = "".join(files.values())
    assert other.url.rstrip("/") in text
    assert main.url.rstrip("/") not in text
    assert "unused" not in text
    assert 'torch = "other"' in files["pyproject.toml"]
    check = check_lock(engine, written(files, tmp_path))
    assert check.returncode == 0, check.stderr


@ENGINES
def test_pins_of_a_named_index_are_kept_and_upgraded(
    engine: str, main: WheelIndex, other: WheelIndex
) -> None:
    main.add("acme", "1.0")
    other.add("torch", "1.0")
    options = named(other, "torch")
    first = lock(engine, "torch", options=options)
    other.add("torch", "2.0")
    other.add("torch", "3.0")
    main.add("torch", "9.0")
    second = lock(engine, "torch", "acme", options=options, previous=first)
    assert versions(second) == {"torch": "1.0", "acme": "1.0"}
    assert lock(engine, "torch", "acme", options=options, previous=second) == second
    for version, expected in (("2.0", "2.0"), ("", "3.0")):
        upgrade = Upgrade(packages={"torch": version})
        third = lock(engine, "torch", "acme", options=options, previous=second, upgrade=upgrade)
        assert versions(third) == {"torch": expected, "acme": "1.0"}
    upgrade = Upgrade(packages={"torch": "9.0"})
    with pytest.raises(UnsolvableError):
        lock(engine, "torch", "acme", options=options, previous=second, upgrade=upgrade)


@POETRY_AND_UV
def test_a_package_moves_to_its_index_and_keeps_its_version_if_that_has_it(
    engine: str, main: WheelIndex, other: WheelIndex
) -> None:
    main.add("torch", "1.0", "Summary: of main")
    of_other = other.add("torch", "1.0", "Summary: of other")
    other.add("torch", "2.0")
    first = lock(engine, "torch")
    second = lock(engine, "torch", options=named(other, "torch"), previous=first)
    (package,) = pip.read(second)
    assert [artifact.hash for artifact in package.artifacts] == [f"sha256:{of_other.sha256}"]
    third = lock(engine, "torch", previous=second)
    assert third == first


@ENGINES
def test_a_package_that_its_index_lacks_is_reported_with_the_index(
    engine: str, main: WheelIndex, other: WheelIndex
) -> None:
    main.add("torch", "1.0")
    other.add("numpy", "1.0")
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "torch", options=named(other, "torch"))
    assert "no package 'torch'" in caught.value.message
    assert "'other'" in caught.value.message
    assert "[index.other]" in caught.value.hint


@POETRY_AND_UV
def test_a_named_index_that_does_not_answer_is_reported_with_its_place(
    engine: str, main: WheelIndex
) -> None:
    main.add("torch", "1.0")
    options = PipOptions(indexes={"other": "http://127.0.0.1:9/"}, sources={"torch": "other"})
    with pytest.raises(ExpectedError, match=r"\[index.other\] in images.toml"):
        lock(engine, "torch", options=options)


@ENGINES
def test_the_first_index_that_has_a_package_is_the_only_one(
    engine: str, main: WheelIndex, other: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", other.url)
    main.add("acme", "1.0", "Requires-Dist: beta")
    other.add("acme", "99.0")
    other.add("beta", "2.0")
    found: list[LockWarning] = []
    assert versions(lock(engine, "acme", found=found)) == {"acme": "1.0", "beta": "2.0"}
    assert [warning.package for warning in found] == ["acme"]
    assert found[0].text == (
        "version 99.0 on the index in extra-index-url (no. 1) is not taken, "
        "because the index in index-url has 1.0 and comes first"
    )
    with pytest.raises(UnsolvableError):
        lock(engine, "acme>=2")
    anywhere = PipOptions(priority="disabled")
    found.clear()
    files = lock(engine, "acme", options=anywhere, found=found)
    assert versions(files) == {"acme": "99.0"}
    assert found == []
    assert 'index-priority = "disabled"' in files["pyproject.toml"]
    assert versions(lock(engine, "acme", previous=files))["acme"] == "1.0"


def test_many_higher_versions_on_a_later_index_are_one_warning(
    main: WheelIndex, other: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", other.url)
    names = [f"acme{number:02}" for number in range(12)]
    for name in names:
        main.add(name, "1.0")
        other.add(name, "2.0")
    found: list[LockWarning] = []
    lock("uv", *names, found=found)
    (warning,) = found
    assert warning.package == ""
    assert warning.text.startswith(
        "higher versions of 12 packages on the index in extra-index-url (no. 1) are not taken, "
        "because the index in index-url comes first: acme00 2.0 (not 1.0), acme01 2.0 (not 1.0), "
    )
    assert warning.text.endswith(", acme09 2.0 (not 1.0), 2 more")
    assert warning.hint.startswith("to take them from there, name that index in images.toml for")


@ENGINES
def test_constraints_limit_versions_without_installing(
    engine: str, main: WheelIndex, tmp_path: Path
) -> None:
    main.add("acme", "1.0", "Requires-Dist: beta")
    for name in ("beta", "gamma"):
        main.add(name, "1.0")
        main.add(name, "2.0")
    options = PipOptions(constraints=("beta<2", "gamma<2"))
    files = lock(engine, "acme", options=options)
    assert versions(files) == {"acme": "1.0", "beta": "1.0"}
    assert "gamma<2" in files["pyproject.toml"]
    check = check_lock(engine, written(files, tmp_path))
    assert check.returncode == 0, check.stderr
    assert lock(engine, "acme", options=options, previous=files) == files
    loose = lock(engine, "acme", previous=files)
    assert versions(loose) == {"acme": "1.0", "beta": "1.0"}  # a pin is kept
    assert "gamma" not in "".join(loose.values())
    assert versions(lock(engine, "acme", options=options, previous=loose)) == versions(files)
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "acme", "beta>=2", options=options)
    assert "'beta<2' is a constraint in images.toml" in caught.value.message


def test_overrides_replace_the_requirements_of_dependencies(
    main: WheelIndex, other: WheelIndex, tmp_path: Path
) -> None:
    main.add("acme", "1.0", "Requires-Dist: beta<2", "Requires-Dist: gamma")
    main.add("beta", "1.0")
    main.add("gamma", "1.0")
    other.add("beta", "2.0")
    main.add("beta", "2.0")
    options = PipOptions(overrides=("beta>=2",), constraints=("gamma<2",))
    files = lock("uv", "acme", options=options)
    assert versions(files) == {"acme": "1.0", "beta": "2.0", "gamma": "1.0"}
    check = check_lock("uv", written(files, tmp_path))
    assert check.returncode == 0, check.stderr
    assert lock("uv", "acme", options=options, previous=files) == files
    assert versions(lock("uv", "acme"))["beta"] == "1.0"
    both = msgspec.structs.replace(named(other, "beta"), overrides=("beta>=2",))
    files = lock("uv", "acme", "beta", options=both)
    assert sources(files)["beta"] == "other:beta/beta-2.0-py3-none-any.whl"
