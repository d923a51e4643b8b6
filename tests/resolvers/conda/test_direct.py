"""conda packages at addresses, served on the loopback interface, solved with a channel."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.fetch.fetch import fetch
from orbiter.fetch.sources import FetchSettings
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.conda import manager as conda
from resolvers.conda.address import parse_address
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, LockWarning, Request, Upgrade
from tests.support.conda_packages import CondaPackage, package
from tests.support.conda_world import AMD64, ARM64, base, channel, geo, record, request
from tests.support.loopback import Answer, Server, serving

DIRECT = package("direct", "1.0", {"share/direct": "1\n"}, "dep >=1,<2")
CHANNEL = (
    record("dep", "1.5"),
    record("dep", "2.0"),
    record("direct", "9.0"),
    record("other", "1.0", "direct"),
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    with serving() as server:
        yield server


def put(server: Server, package: CondaPackage, path: str = "") -> str:
    """Serve a package; return its address."""
    path = path or f"/files/{package.file}"
    server.replies[path] = Answer(200, package.content)
    return server.url + path


def locked(files: LockFiles) -> dict[str, tuple[str, str]]:
    """Return the version and the address of each locked package."""
    return {each.name: (each.version, each.artifacts[0].source) for each in conda.read(files)}


def of(tmp_path: Path, *groups: Group, previous: LockFiles | None = None) -> Request:
    folder = tmp_path / "channel"
    return request(channel(folder, *CHANNEL), *groups, previous=previous or {})


def test_a_package_at_an_address_is_solved_with_those_of_the_channels(
    server: Server, tmp_path: Path
) -> None:
    url = put(server, DIRECT)
    wanted = of(tmp_path, base(url), geo("other", "direct"))
    files = conda.resolve(wanted)
    versions = locked(files)
    assert versions["direct"] == ("1.0", url)
    assert versions["dep"][0] == "1.5"
    assert versions["other"][0] == "1.0"
    (direct,) = [each for each in conda.read(files) if each.name == "direct"]
    assert direct.groups == ("micromamba-base-build", "micromamba-geo-build")
    assert direct.artifacts[0].hash == f"sha256:{sha256(DIRECT.content).hexdigest()}"
    assert f"# from {url}\n" in files["environment.yml"]
    server.requests.clear()
    again = replace(wanted, previous=files, as_of=datetime.now(UTC))
    assert conda.resolve(again)["conda-lock.yml"] == files["conda-lock.yml"]
    assert server.requests == []


def test_other_bytes_at_an_address_are_refused_until_an_upgrade(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = put(server, DIRECT)
    files = conda.resolve(of(tmp_path, base(url)))
    changed = package("direct", "1.0", {"share/direct": "2\n"}, "dep >=1,<2")
    put(server, changed)
    pins = conda.select(files, AMD64, ("micromamba-base-build",))
    (pin,) = [each for each in pins if each.name == "direct"]
    file = LockedFile(path=pin.artifact.file, hash=pin.artifact.hash, source=f"conda:{url}")
    with pytest.raises(ExpectedError, match=pin.artifact.hash):
        fetch([file], Store(tmp_path / "store"), FetchSettings())
    more = of(tmp_path, base(url, "other"), previous=files)
    assert locked(conda.resolve(more))["direct"] == ("1.0", url)  # from the cache
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(ExpectedError, match="is another file now: expected sha256:") as error:
        conda.resolve(more)
    assert "orbiter lock --upgrade-package direct" in error.value.hint
    upgraded = conda.resolve(replace(more, upgrade=Upgrade(packages={"direct": ""})))
    assert sha256(changed.content).hexdigest() in upgraded["conda-lock.yml"]


def test_a_hash_in_the_requirement_is_checked(server: Server, tmp_path: Path) -> None:
    url = put(server, DIRECT)
    for text in (sha256(DIRECT.content).hexdigest(), md5(DIRECT.content).hexdigest()):
        files = conda.resolve(of(tmp_path, base(f"{url}#{text}")))
        assert locked(files)["direct"] == ("1.0", url)
    with pytest.raises(ExpectedError, match="is another file: expected md5:0000"):
        conda.resolve(of(tmp_path, base(f"{url}#{'0' * 32}")))


def test_requirements_that_exclude_the_package_are_an_error(server: Server, tmp_path: Path) -> None:
    url = put(server, DIRECT)
    with pytest.raises(UnsolvableError, match=rf"'dep >=1,<2' is required by {url}"):
        conda.resolve(of(tmp_path, base(url, "dep=2")))
    with pytest.raises(UnsolvableError, match="direct"):
        conda.resolve(of(tmp_path, base(url), geo("direct>=2")))
    other = put(server, DIRECT, f"/other/{DIRECT.file}")
    with pytest.raises(ExpectedError, match="has another address of direct"):
        conda.resolve(of(tmp_path, base(url), geo(other)))


def test_a_package_for_another_platform_or_with_another_name_is_an_error(
    server: Server, tmp_path: Path
) -> None:
    wanted = of(tmp_path, base(put(server, DIRECT)))
    with pytest.raises(ExpectedError, match="is not for linux-aarch64"):
        conda.resolve(replace(wanted, targets=(AMD64, ARM64)))
    url = put(server, DIRECT, "/files/renamed-1.0-0.tar.bz2")
    with pytest.raises(ExpectedError, match=r"is the package direct-1\.0-0, not renamed-1\.0-0"):
        conda.resolve(of(tmp_path, base(url)))
    server.replies["/files/none-1.0-0.conda"] = Answer(200, b"no archive")
    with pytest.raises(ExpectedError, match="is not a conda package"):
        conda.resolve(of(tmp_path, base(f"{server.url}/files/none-1.0-0.conda")))


def test_as_of_warns_about_addresses(server: Server, tmp_path: Path) -> None:
    warnings: list[LockWarning] = []
    wanted = of(tmp_path, base(put(server, DIRECT)))
    conda.resolve(replace(wanted, as_of=datetime.now(UTC), warn=warnings.append))
    (warning,) = warnings
    assert warning.package == "direct"
    assert "--as-of does not change it" in warning.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host.example/linux-64/my-pkg-1.0-py312_0.conda", "my-pkg ==1.0 py312_0"),
        ("https://host.example/x_y-1!2.0-h1_0.tar.bz2#" + "a" * 32, "x_y ==1!2.0 h1_0"),
        ("https://host.example/x-1.0-0.conda#sha256:" + "a" * 64, "x ==1.0 0"),
        ("https://ada:pw@host.example/x-1.0-0.conda", ""),
        ("https://host.example/t/t0ken/noarch/x-1.0-0.conda", ""),
        ("https://host.example/x-1.0-0.conda?token=1", ""),
        ("https://host.example/x-1.0-0.zip", ""),
        ("https://host.example/x-1.0.conda", ""),
        ("https://host.example/x-1.0-0.conda#abc", ""),
        ("file:///x-1.0-0.conda", ""),
    ],
)
def test_addresses_of_packages(text: str, expected: str) -> None:
    address = parse_address(text)
    assert (address.spec if address else "") == expected
