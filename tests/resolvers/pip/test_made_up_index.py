"""Locks from an index whose wheels are made up: hashes, Requires-Python, new and deleted files."""

import hashlib
import os
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.index import index as package_index
from resolvers.net.http import HTTPError
from resolvers.pip import extras
from resolvers.pip import manager as pip
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Upgrade
from tests.support.loopback import Answer
from tests.support.loopback import Request as LoopbackRequest
from tests.support.pip_cases import (
    AMD64,
    ARM64,
    check_lock,
    only_index,
    request,
    versions,
    written,
)
from tests.support.wheel_index import WheelIndex, wheel

pytestmark = pytest.mark.index  # Poetry and pip-tools are installed from the index
ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv", "pip-tools"])
POETRY_AND_UV = pytest.mark.parametrize("engine", ["poetry", "uv"])


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    """Configure an empty index as the only one."""
    with only_index(monkeypatch) as served:
        yield served


def lock(engine: str, *requirements: str, previous: LockFiles | None = None) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    return pip.resolve(request(engine, *requirements, previous=previous, as_of=None))


def upgraded(engine: str, previous: LockFiles, *requirements: str) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    upgrade = Upgrade(everything=True)
    return pip.resolve(
        request(engine, *requirements, previous=previous, as_of=None, upgrade=upgrade)
    )


def hashes(files: LockFiles) -> dict[str, str]:
    return {
        artifact.file: artifact.hash
        for package in pip.read(files)
        for artifact in package.artifacts
    }


@ENGINES
def test_a_hash_that_the_index_lacks_is_computed(
    engine: str, index: WheelIndex, tmp_path: Path
) -> None:
    first = index.add("acme", "1.0", "Requires-Dist: beta", hashed=False)
    second = index.add("beta", "2.0")
    files = lock(engine, "acme")
    assert hashes(files) == {
        first.file: f"sha256:{first.sha256}",
        second.file: f"sha256:{second.sha256}",
    }
    assert index.url not in "".join(files.values())
    check = check_lock(engine, written(files, tmp_path))
    assert check.returncode == 0, check.stderr


@ENGINES
@pytest.mark.parametrize("kind", ["path", "url"])
def test_wheels_of_a_folder_are_locked_with_their_hash(
    engine: str, kind: str, index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("beta", "2.0")
    name, content = wheel("acme", "1.0", "Requires-Dist: beta")
    (tmp_path / name).write_bytes(content)
    locations = {"path": str(tmp_path), "url": tmp_path.as_uri()}
    monkeypatch.setenv("PIP_FIND_LINKS", locations[kind])
    files = lock(engine, "acme")
    assert hashes(files)[name] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert str(tmp_path) not in "".join(files.values())


@ENGINES
def test_a_version_with_a_lower_ceiling_of_python_is_not_chosen(
    engine: str, index: WheelIndex
) -> None:
    index.add("acme", "1.0", requires_python=">=3.9")
    index.add("acme", "2.0", "Requires-Python: >=3.9,<3.13", requires_python=">=3.9,<3.13")
    assert versions(lock(engine, "acme")) == {"acme": "1.0"}
    with pytest.raises(ExpectedError) as caught:
        lock(engine, "acme>=2")
    assert "Python" in caught.value.message
    assert "<3.13" in caught.value.message


@POETRY_AND_UV
def test_a_ceiling_that_only_the_wheel_names_is_noticed(engine: str, index: WheelIndex) -> None:
    index.add("acme", "2.0", "Requires-Python: >=3.9,<3.13")
    with pytest.raises(ExpectedError) as caught:
        lock(engine, "acme")
    assert "<3.13" in caught.value.message


@ENGINES
def test_an_upgrade_sees_the_index_as_it_is_now(engine: str, index: WheelIndex) -> None:
    index.add("acme", "1.0")
    first = lock(engine, "acme")
    index.add("acme", "2.0")
    second = upgraded(engine, first, "acme")
    assert versions(second) == {"acme": "2.0"}
    index.remove("acme", "2.0")
    assert versions(upgraded(engine, second, "acme")) == {"acme": "1.0"}


@POETRY_AND_UV
def test_refused_credentials_are_reported(engine: str, index: WheelIndex) -> None:
    index.server.otherwise = Answer(401)
    with pytest.raises(HTTPError) as caught:
        lock(engine, "acme")
    assert "returned 401" in caught.value.message
    assert "add credentials for 127.0.0.1" in caught.value.hint


@POETRY_AND_UV
def test_a_password_of_the_keyring_locks(
    engine: str, index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("acme", "1.0")
    open_answer = index.server.otherwise
    assert callable(open_answer)

    def answer(request: LoopbackRequest) -> Answer:
        granted = request.headers.get("authorization") == "Basic YW5uOnB3"  # ann:pw
        return open_answer(request) if granted else Answer(401)

    index.server.otherwise = answer
    program = tmp_path / "keyring"
    program.write_text("#!/bin/sh\necho pw\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("http://", "http://ann@"))
    with pytest.raises(HTTPError, match="401"):
        lock(engine, "acme")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    locked = lock(engine, "acme")
    assert versions(locked) == {"acme": "1.0"}
    assert not any("pw" in text for text in locked.values())


@ENGINES
def test_a_package_that_does_not_exist_is_named_with_a_near_one(
    engine: str, index: WheelIndex
) -> None:
    index.add("acme", "1.0")
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "acme", "nmpy>=2", "sklearn")
    assert caught.value.message == (
        "the package index has no package 'nmpy', 'sklearn':\n"
        "  'nmpy>=2' is required by 'base-build'\n"
        "  'sklearn' is required by 'base-build'"
    )
    assert "'numpy' instead of 'nmpy'" in caught.value.hint
    assert "'scikit-learn' instead of 'sklearn'" in caught.value.hint


@POETRY_AND_UV
def test_a_missing_package_that_another_one_requires_is_named(
    engine: str, index: WheelIndex
) -> None:
    index.add("acme", "1.0", "Requires-Dist: absent>=1")
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "acme")
    assert "no package 'absent'" in caught.value.message
    assert "acme" in caught.value.message


@ENGINES
def test_a_conflict_between_two_stages_names_both(engine: str, index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add("acme", "2.0")
    groups = (
        Group(name="base-build", requirements=("acme>=2",)),
        Group(name="geo-build", requirements=("acme<2",), parents=("base-build",)),
    )
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(Request(groups=groups, targets=(AMD64, ARM64), engine=engine))
    assert "'acme>=2' is required by 'base-build'" in caught.value.message
    assert "'acme<2' is required by 'geo-build'" in caught.value.message
    assert "Traceback" not in caught.value.message


@POETRY_AND_UV
def test_an_explanation_stays_short(engine: str, index: WheelIndex) -> None:
    for minor in range(60):
        index.add("acme", f"1.{minor}", "Requires-Dist: beta>=2")
    index.add("beta", "1.0")
    index.add("beta", "2.0", "Requires-Dist: gamma>=3")
    index.add("gamma", "2.0")
    index.add("gamma", "3.0")
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "acme", "gamma<3")
    lines = caught.value.message.splitlines()
    assert len(lines) < 12
    assert "beta" in caught.value.message
    assert "gamma<3" in caught.value.message
    assert max(map(len, lines)) < 1000


def advice(
    engine: str,
    *requirements: str,
    previous: LockFiles | None = None,
    sources: tuple[str, ...] = (),
) -> list[LockWarning]:
    package_index._index.cache_clear()  # as in a new process
    found: list[LockWarning] = []
    plain = request(engine, *requirements, previous=previous, as_of=None, sources=sources)
    pip.resolve(msgspec.structs.replace(plain, warn=found.append))
    return found


@POETRY_AND_UV
def test_yanked_releases_and_unknown_extras_are_warnings(engine: str, index: WheelIndex) -> None:
    index.add("acme", "1.0", "Provides-Extra: fast", yanked="loses data")
    index.add("beta", "1.0", yanked="")
    index.add("gamma", "1.0")
    assert advice(engine, "acme[fastt]==1.0", "beta==1.0", "gamma[more]") == [
        LockWarning(
            "acme",
            "version 1.0 was yanked from the index: loses data",
            "require another version",
        ),
        LockWarning("beta", "version 1.0 was yanked from the index", "require another version"),
        LockWarning(
            "acme",
            "version 1.0 has no extra 'fastt', so 'acme[fastt]==1.0' installs nothing more for it",
            "available extras: fast",
        ),
        LockWarning(
            "gamma",
            "version 1.0 has no extra 'more', so 'gamma[more]' installs nothing more for it",
            "remove it from the requirement",
        ),
    ]
    index.add("acme", "2.0", "Provides-Extra: fast")
    assert advice(engine, "acme[Fast]", "gamma") == []


@POETRY_AND_UV
def test_unknown_extras_that_dependencies_ask_for_are_warnings(
    engine: str, index: WheelIndex
) -> None:
    index.add(
        "acme",
        "1.0",
        "Provides-Extra: fast",
        "Provides-Extra: never",
        "Requires-Dist: beta[known,quik]",
        "Requires-Dist: gamma[one] ; extra == 'fast'",
        "Requires-Dist: delta[two] ; extra == 'never'",
        "Requires-Dist: epsilon[three] ; sys_platform == 'win32'",
    )
    index.add("beta", "1.0", "Provides-Extra: known", "Provides-Extra: quick")
    index.add("gamma", "1.0", "Requires-Dist: delta", "Requires-Dist: epsilon")
    index.add("delta", "1.0")
    index.add("epsilon", "1.0")
    text = "version 1.0 has no extra '{}', so '{}', which acme 1.0 requires, installs nothing more"
    hint = "require what acme 1.0 needs, or another version of it"
    assert advice(engine, "acme[fast]", "acme") == [
        LockWarning("beta", f"{text.format('quik', 'beta[known,quik]')} for it", hint),
        LockWarning("gamma", f"{text.format('one', 'gamma[one]')} for it", hint),
    ]


@POETRY_AND_UV
@pytest.mark.parametrize(
    ("headers", "is_warned"),
    [
        (("Metadata-Version: 2.2", "Provides-Extra: fast"), True),
        (("Metadata-Version: 2.4",), True),
        (("Metadata-Version: 2.4", "Provides-Extra: fastt"), False),
    ],
)
def test_an_unknown_extra_of_an_sdist_is_a_warning(
    engine: str, index: WheelIndex, headers: tuple[str, ...], *, is_warned: bool
) -> None:
    index.add_sdist("acme", "1.0", *headers)
    found = advice(engine, "acme[fastt]", sources=("acme",))
    assert [each.package for each in found] == ["acme"] * is_warned


@pytest.mark.parametrize(
    ("text", "is_complete"),
    [
        ("Metadata-Version: 2.2\n", True),
        ("Metadata-Version: 2.10\nDynamic: Version\n", True),
        ("Metadata-Version: 2.2\nDynamic: Provides-Extra\n", False),
        ("Metadata-Version: 2.1\nProvides-Extra: fast\n", False),
        ("Metadata-Version: new\n", False),
        ("", False),
    ],
)
def test_only_some_sdists_say_which_extras_they_have(text: str, *, is_complete: bool) -> None:
    assert extras._lists_all_extras(HeaderParser().parsestr(text)) is is_complete


@ENGINES
def test_a_release_that_was_yanked_since_is_a_warning(engine: str, index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add("beta", "1.0")
    first = lock(engine, "acme")
    index.add("acme", "1.0", yanked="loses data")
    assert [each.package for each in advice(engine, "acme", "beta", previous=first)] == ["acme"]


def test_versions_that_differ_by_platform_are_explained(index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add("acme", "2.0")
    index.add(
        "app",
        "1.0",
        "Requires-Dist: acme<2; platform_machine == 'aarch64'",
        "Requires-Dist: acme>=2; platform_machine == 'x86_64'",
    )
    for engine in ("poetry", "uv"):
        (warning,) = advice(engine, "app")
        assert warning.package == "acme"
        assert "2.0 for linux/amd64, 1.0 for linux/arm64" in warning.text
        assert "packages that require it differ by platform" in warning.text
    markers = ("acme<2; platform_machine == 'aarch64'", "acme>=2; platform_machine == 'x86_64'")
    assert advice("uv", *markers) == []


def test_a_version_without_a_wheel_for_one_platform_is_explained(index: WheelIndex) -> None:
    index.add("acme", "1.0")
    index.add("acme", "2.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    (warning,) = advice("uv", "acme")
    assert "2.0 for linux/amd64, 1.0 for linux/arm64" in warning.text
    assert "2.0 has no wheel for linux/arm64" in warning.text


@POETRY_AND_UV
@pytest.mark.parametrize("place", ["variable", "file"])
def test_constraints_of_pip_are_respected(
    engine: str, place: str, index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add("acme", version)
    index.add("app", "1.0", "Requires-Dist: acme")
    more = "acme!=2.0 ; sys_platform == 'linux'\nacme==9 ; sys_platform == 'win32'\n"
    (tmp_path / "more.txt").write_text(more)
    text = "# ours\n--constraint more.txt\nacme \\\n    <3  # for now\nother==1\n"
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(text)
    if place == "variable":
        monkeypatch.setenv("PIP_CONSTRAINT", str(constraints))
    else:
        (tmp_path / "pip.conf").write_text(f"[global]\nconstraint = {constraints}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    files = lock(engine, "app")
    assert versions(files) == {"acme": "1.0", "app": "1.0"}
    folder = tmp_path / "lock"
    folder.mkdir()
    check = check_lock(engine, written(files, folder))
    assert check.returncode == 0, check.stderr
    with pytest.raises(UnsolvableError) as caught:
        lock(engine, "acme>=3")
    assert f"'acme <3' is a constraint in {constraints}" in caught.value.message
    assert "'acme>=3' is required by 'base-build'" in caught.value.message


@POETRY_AND_UV
def test_a_missing_constraint_file_is_an_error(
    engine: str, index: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("acme", "1.0")
    monkeypatch.setenv("PIP_CONSTRAINT", "/nowhere/constraints.txt")
    with pytest.raises(ExpectedError, match="cannot read the constraint file /nowhere/"):
        lock(engine, "acme")
