"""Locks of packages from an address (PEP 508 direct references), with all engines."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError
from resolvers.index import index as package_index
from resolvers.net.http import HTTPError
from resolvers.pip import build_requirements, direct
from resolvers.pip import manager as pip
from resolvers.types.packages import LockFiles
from resolvers.types.request import LockWarning, Request, Upgrade
from tests.support.loopback import Answer
from tests.support.pip_cases import (
    AMD64,
    NEW_YEAR,
    check_lock,
    only_index,
    request,
    versions,
    written,
)
from tests.support.wheel_index import WheelIndex, sdist, wheel, wheel_index

pytestmark = pytest.mark.index  # Poetry is installed from the index
ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv", "pip-tools"])
POETRY_AND_UV = pytest.mark.parametrize("engine", ["poetry", "uv"])


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WheelIndex]:
    """Configure an empty index as the only one, and an empty cache."""
    with only_index(monkeypatch) as served:
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
        yield served


def publish(index: WheelIndex, file: str, content: bytes) -> str:
    """Serve a file outside the index; return its address."""
    index.server.replies[f"/releases/{file}"] = Answer(200, content)
    return f"{index.server.url}/releases/{file}"


def resolve(plain: Request, **changes: object) -> LockFiles:
    package_index._index.cache_clear()  # as in a new process
    return pip.resolve(msgspec.structs.replace(plain, **changes))


def lock(
    engine: str, *requirements: str, previous: LockFiles | None = None, **changes: object
) -> LockFiles:
    return resolve(request(engine, *requirements, previous=previous, as_of=None), **changes)


@ENGINES
def test_a_wheel_from_an_address_is_locked_with_its_dependencies(
    engine: str, index: WheelIndex, tmp_path: Path
) -> None:
    index.add("beta", "1.0")
    index.add("gamma", "1.0")
    index.add("acme", "9.0")  # a higher version on the index does not count
    file, content = wheel(
        "acme",
        "1.0",
        "Requires-Dist: beta",
        "Provides-Extra: more",
        "Requires-Dist: gamma ; extra == 'more'",
    )
    url = publish(index, file, content)
    files = lock(engine, f"acme[more] @ {url} ; sys_platform == 'linux'", "beta")
    assert versions(files) == {"acme": "1.0", "beta": "1.0", "gamma": "1.0"}
    (acme,) = (pin for pin in pip.select(files, AMD64, ("base-build",)) if pin.name == "acme")
    assert acme.artifact.hash == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert acme.artifact.source == f"url:{url}"
    engine_files = {name: text for name, text in files.items() if name != direct.FILE}
    assert index.server.url not in "".join(engine_files.values())
    if engine == "pip-tools":
        return  # pip-compile knows no address of the file
    check = check_lock(engine, written(files, tmp_path))
    assert check.returncode == 0, check.stderr


@ENGINES
@pytest.mark.parametrize("key", ["hash", "file"])
def test_a_file_that_the_lock_of_the_engine_contradicts_is_refused(
    engine: str, key: str, index: WheelIndex
) -> None:
    file, content = wheel("acme", "1.0")
    files = dict(lock(engine, f"acme @ {publish(index, file, content)}"))
    (locked,) = direct.read(files)
    values = {"hash": f"sha256:{'0' * 64}", "file": "acme-1.1-py3-none-any.whl"}
    files[direct.FILE] = direct.render([msgspec.structs.replace(locked, **{key: values[key]})])
    for read in (lambda: pip.read(files), lambda: pip.select(files, AMD64, ("base-build",))):
        with pytest.raises(ExpectedError, match=r"file or hash of acme is not that of"):
            read()


@ENGINES
def test_the_file_stays_until_an_upgrade_asks_for_it(engine: str, index: WheelIndex) -> None:
    file, content = wheel("acme", "1.0")
    url = publish(index, file, content)
    first = lock(engine, f"acme @ {url}")
    _, changed = wheel("acme", "1.0", "Summary: changed")
    publish(index, file, changed)
    index.add("beta", "1.0")
    assert lock(engine, f"acme @ {url}", previous=first) == first
    second = lock(engine, f"acme @ {url}", "beta", previous=first)
    assert second[direct.FILE] == first[direct.FILE]
    for upgrade in (Upgrade(packages={"acme": ""}), Upgrade(everything=True)):
        third = lock(engine, f"acme @ {url}", "beta", previous=second, upgrade=upgrade)
        hashes = {each.hash for package in pip.read(third) for each in package.artifacts}
        assert f"sha256:{hashlib.sha256(changed).hexdigest()}" in hashes
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" not in hashes


@POETRY_AND_UV
def test_a_changed_file_is_refused(
    engine: str, index: WheelIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, content = wheel("acme", "1.0")
    url = publish(index, file, content)
    first = lock(engine, f"acme @ {url}")
    publish(index, file, wheel("acme", "1.0", "Summary: changed")[1])
    index.add("beta", "1.0")
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "other machine"))
    with pytest.raises(ExpectedError, match="is another file now") as caught:
        lock(engine, f"acme @ {url}", "beta", previous=first)
    assert "--upgrade-package" in caught.value.hint


def test_a_higher_version_on_an_index_is_no_warning_about_a_package_from_an_address(
    index: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = publish(index, *wheel("acme", "1.0"))
    index.add("acme", "2.0")
    found: list[LockWarning] = []
    with wheel_index() as other:
        other.add("acme", "99.0")
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", other.url)
        files = lock("uv", f"acme @ {url}", warn=found.append)
    assert versions(files) == {"acme": "1.0"}
    assert found == []


def test_build_requirements_come_from_the_first_index_that_has_them(
    index: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add_sdist("acme", "1.0", "Metadata-Version: 2.2", requires=("backend",))
    index.add("backend", "1.0")
    found: list[LockWarning] = []
    with wheel_index() as other:
        other.add("backend", "99.0")
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", other.url)
        plain = request("uv", "acme", as_of=None, sources=("acme",))
        files = resolve(plain, warn=found.append)
    assert "backend==1.0 " in files[build_requirements.FILE]
    assert [each.package for each in found] == ["backend"]
    assert "version 99.0 on the index in extra-index-url (no. 1) is not taken" in found[0].text


def test_an_sdist_that_needs_nothing_for_its_build_is_built_too(index: WheelIndex) -> None:
    url = publish(index, *sdist("acme", "1.0", "Metadata-Version: 2.2"))
    plain = request("uv", f"acme @ {url}", as_of=None, sources=("acme",))
    files = resolve(plain)
    assert files[build_requirements.FILE] == build_requirements.NOTHING
    assert pip.build_pins(files, AMD64) == ()
    assert resolve(plain, previous=files) == files


def test_a_given_hash_is_respected(index: WheelIndex) -> None:
    file, content = wheel("acme", "1.0")
    url = publish(index, file, content)
    right, wrong = hashlib.sha256(content).hexdigest(), "0" * 64
    assert versions(lock("uv", f"acme @ {url}#sha256={right}")) == {"acme": "1.0"}
    with pytest.raises(ExpectedError, match=f"expected sha256:{wrong}, got sha256:{right}"):
        lock("uv", f"acme @ {url}#sha256={wrong}")


@POETRY_AND_UV
@pytest.mark.parametrize("file", ["acme-1.0.tar.gz", "v1.tar.gz"])
def test_an_sdist_is_locked_by_the_name_that_it_has_inside(
    engine: str, file: str, index: WheelIndex
) -> None:
    _, content = sdist("acme", "1.0", "Metadata-Version: 2.2")
    url = publish(index, file, content)
    files = resolve(request(engine, f"acme @ {url}", as_of=None, sources=("acme",)))
    (acme,) = pip.select(files, AMD64, ("base-build",))
    assert (acme.version, acme.artifact.file) == ("1.0", "acme-1.0.tar.gz")
    with pytest.raises(ExpectedError, match="is the package 'acme', not 'other'"):
        lock(engine, f"other @ {url}")
    with pytest.raises(ExpectedError) as caught:
        lock(engine, f"acme @ {url}")
    assert 'pip-sdist = ["acme"]' in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"<html>not a wheel</html>"])
def test_other_content_than_a_wheel_is_reported(content: bytes, index: WheelIndex) -> None:
    url = publish(index, "acme-1.0-py3-none-any.whl", content)
    with pytest.raises(ExpectedError, match="is not a valid wheel"):
        lock("uv", f"acme @ {url}")


def test_other_names_and_missing_files_are_reported(index: WheelIndex) -> None:
    url = publish(index, *wheel("acme", "1.0"))
    with pytest.raises(ExpectedError, match="is the package 'acme', not 'other'"):
        lock("uv", f"other @ {url}")
    with pytest.raises(HTTPError, match="returned 404"):
        lock("uv", f"acme @ {index.server.url}/absent/acme-1.0-py3-none-any.whl")


def test_as_of_is_reported_as_not_applicable(index: WheelIndex) -> None:
    url = publish(index, *wheel("acme", "1.0"))
    found: list[LockWarning] = []
    lock("uv", f"acme @ {url}", as_of=NEW_YEAR, warn=found.append)
    assert [each.package for each in found] == ["acme"]
    assert "--as-of does not apply" in found[0].text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("source", "url:file:///etc/passwd"),
        ("source", "url:https://host/a b"),
        ("file", "../../acme-1.0-py3-none-any.whl"),
        ("hash", "sha256:../../x"),
        ("name", "a/b"),
        ("size", -1),
    ],
)
def test_a_hostile_lock_is_refused(key: str, value: object) -> None:
    table = {
        "name": "acme",
        "version": "1.0",
        "reference": "https://host/acme-1.0-py3-none-any.whl",
        "source": "url:https://host/acme-1.0-py3-none-any.whl",
        "file": "acme-1.0-py3-none-any.whl",
        "hash": f"sha256:{'0' * 64}",
        "size": 1,
    }
    good = {direct.FILE: msgspec.toml.encode({"package": [table]}).decode()}
    assert direct.read(good)[0].name == "acme"
    bad = {direct.FILE: msgspec.toml.encode({"package": [{**table, key: value}]}).decode()}
    with pytest.raises(ExpectedError, match=direct.FILE):
        direct.read(bad)


@ENGINES
def test_addresses_that_packages_require_must_be_in_images_toml(
    engine: str, index: WheelIndex
) -> None:
    url = publish(index, *wheel("inner", "1.0"))
    index.add("inner", "2.0")  # which must not stand in for the file
    index.add("acme", "1.0", f"Requires-Dist: inner @ {url} ; python_version > '3'")
    with pytest.raises(ExpectedError) as caught:
        lock(engine, "acme")
    assert caught.value.message == (
        f"acme 1.0 requires 'inner' from {url}, which images.toml does not name"
    )
    assert f'"inner @ {url}"' in caught.value.hint
    assert versions(lock(engine, "acme", f"inner @ {url}")) == {"acme": "1.0", "inner": "1.0"}
