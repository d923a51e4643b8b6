"""Downloads of OSV exports, from a server on the loopback interface."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orbiter.advisories import update
from orbiter.advisories.ecosystems import ORDERS
from orbiter.cli import osv
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.net.http import HTTPError
from tests.support.loopback import Answer, Request, Server, in_turn, serving
from tests.support.osv import OSV

NPM = (OSV / "npm" / "all.zip").read_bytes()
OLD = (OSV / "Debian" / "all.zip").read_bytes()
PATH = "/npm/all.zip"
HALF = len(NPM) // 2


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as server:
        monkeypatch.setenv("ORBITER_OSV_URL", f"{server.url}/")
        yield server


def export() -> Path:
    return cache.folder("osv", "npm") / "all.zip"


def versioned(content: bytes, tag: str) -> Callable[[Request], Answer]:
    """Serve a version of a file, its ranges, and 304 to those who have it."""

    def answer(request: Request) -> Answer:
        headers = {"ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Answer(304, b"", headers)
        wanted = request.headers.get("range")
        if not wanted or request.headers.get("if-range") != tag:
            return Answer(200, content, headers)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, content[start:], {**headers, "Content-Range": span})

    return answer


def broken(content: bytes, tag: str) -> Answer:
    """Serve the first half of a file, then break the connection."""
    return Answer(200, content, {"ETag": tag} if tag else {}, sent=len(content) // 2)


def fetch() -> update.Update:
    return update.update("npm", lambda _received, _total: None)


def interrupt(server: Server, content: bytes, tag: str) -> None:
    """Fetch half of an export; the server does not answer requests for the rest."""
    server.replies[PATH] = in_turn(broken(content, tag), Answer(404))
    with pytest.raises(HTTPError):
        fetch()
    server.requests.clear()


def test_an_export_is_fetched_once(server: Server) -> None:
    server.replies[PATH] = versioned(NPM, '"1"')
    assert fetch() == update.Update("npm", len(NPM), is_new=True)
    assert export().read_bytes() == NPM
    assert fetch() == update.Update("npm", len(NPM), is_new=False)
    assert server.requests[-1].headers["if-none-match"] == '"1"'


def test_a_newer_export_replaces_the_old_one(server: Server) -> None:
    server.replies[PATH] = versioned(OLD, '"1"')
    fetch()
    server.replies[PATH] = versioned(NPM, '"2"')
    assert fetch().is_new
    assert export().read_bytes() == NPM
    assert not fetch().is_new


def test_a_broken_connection_continues(server: Server) -> None:
    server.replies[PATH] = in_turn(broken(NPM, '"1"'), versioned(NPM, '"1"')(resumed()))
    seen: list[tuple[int, int]] = []
    update.update("npm", lambda received, total: seen.append((received, total)))
    assert export().read_bytes() == NPM
    assert server.requests[-1].headers["range"] == f"bytes={HALF}-"
    assert seen[-1] == (len(NPM), len(NPM))


def resumed() -> Request:
    return Request(PATH, {"range": f"bytes={HALF}-", "if-range": '"1"'})


def test_the_next_run_continues_beside_the_old_export(server: Server) -> None:
    server.replies[PATH] = versioned(OLD, '"0"')
    fetch()
    interrupt(server, NPM, '"1"')
    assert export().read_bytes() == OLD
    server.replies[PATH] = versioned(NPM, '"1"')
    fetch()
    assert [each.headers.get("range") for each in server.requests] == [f"bytes={HALF}-"]
    assert export().read_bytes() == NPM


@pytest.mark.parametrize("tag", ['"1"', "", 'W/"1"'], ids=["replaced", "no ETag", "weak ETag"])
def test_bytes_of_another_version_are_not_kept(server: Server, tag: str) -> None:
    interrupt(server, OLD, tag)
    server.replies[PATH] = versioned(NPM, '"2"')
    fetch()
    assert export().read_bytes() == NPM


def test_a_cut_export_is_an_error_and_the_old_one_stays(server: Server) -> None:
    server.replies[PATH] = versioned(NPM, '"1"')
    fetch()
    server.replies[PATH] = versioned(NPM[:HALF], '"2"')
    with pytest.raises(ExpectedError, match=r"npm/all\.zip is not a complete zip file"):
        fetch()
    assert export().read_bytes() == NPM
    server.replies[PATH] = versioned(OLD, '"3"')
    fetch()
    assert export().read_bytes() == OLD


def test_a_missing_export_names_the_variable(server: Server) -> None:
    with pytest.raises(HTTPError) as caught:
        fetch()
    assert "404" in caught.value.message
    assert caught.value.message.endswith("(the address comes from ORBITER_OSV_URL)")
    assert server.requests[0].path == PATH


@pytest.mark.parametrize(
    "address", ["http://osv.example.org", "osv.example.org", "ftp://osv.example.org", "http://[x"]
)
def test_an_address_without_encryption_is_an_error(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ORBITER_OSV_URL", address)
    with pytest.raises(ExpectedError, match=r"ORBITER_OSV_URL=.* is not an https address"):
        fetch()


def test_a_folder_of_this_machine_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITER_OSV_URL", OSV.as_uri())
    assert fetch().is_new
    assert export().read_bytes() == NPM


def test_the_command_knows_all_ecosystems() -> None:
    assert sorted(ORDERS) == sorted(osv.ECOSYSTEMS)
