"""Channels over HTTP: credentials, which no lock contains, and servers that fail."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.conda import manager as conda
from resolvers.conda.channels import Channel, expand_variables, parse_channel
from resolvers.errors import ExpectedError
from resolvers.net import profile
from resolvers.net.profile import Setting
from resolvers.types.packages import LockFiles
from tests.support.conda_world import base, record, repodata, request
from tests.support.loopback import Answer, Reply, Request, Server, serving

PACKAGES = (record("a", "1", "b"), record("b", "1", subdir="linux-64"))
SECRET = "s3cr3t"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start a server; the current user has no configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("NETRC", "RATTLER_AUTH_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    with serving() as server:
        yield server


def offer(server: Server, path: str, user: str = "") -> str:
    """Serve the packages, to one user only if it is given; return the address."""
    for subdir in ("linux-64", "noarch"):
        server.replies[f"{path}/{subdir}/repodata.json"] = _guarded(
            repodata(PACKAGES, subdir), user
        )
    return server.url + path


def _guarded(content: bytes, user: str) -> Reply:
    expected = "Basic " + base64.b64encode(f"{user}:{SECRET}".encode()).decode()

    def answer(request: Request) -> Answer:
        return (
            Answer(200, content)
            if not user or request.headers.get("authorization") == expected
            else Answer(401)
        )

    return answer


def lock(address: str, previous: LockFiles | None = None, *requirements: str) -> LockFiles:
    return conda.resolve(request(address, base(*(requirements or ("a",))), previous=previous or {}))


def test_variables_replace_a_user_and_a_password(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(server, "/private", "me")
    monkeypatch.setenv("CHANNEL_USER", "me")
    monkeypatch.setenv("CHANNEL_PASSWORD", SECRET)
    files = lock(f"http://$CHANNEL_USER:${{CHANNEL_PASSWORD}}@{server.host}/private")
    assert SECRET not in "".join(files.values())
    locked = f"http://${{CHANNEL_USER}}:${{CHANNEL_PASSWORD}}@{server.host}/private"
    sources = [artifact.source for package in conda.read(files) for artifact in package.artifacts]
    assert sources == [f"{locked}/noarch/a-1-0.conda", f"{locked}/linux-64/b-1-0.conda"]
    assert (
        expand_variables(sources[0])
        == f"http://me:{SECRET}@{server.host}/private/noarch/a-1-0.conda"
    )
    monkeypatch.delenv("CHANNEL_PASSWORD")
    with pytest.raises(
        ExpectedError,
        match=r"the environment variable CHANNEL_PASSWORD, which the channel .* uses, is not set",
    ):
        expand_variables(sources[0])


def test_a_variable_replaces_a_token(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(server, f"/t/{SECRET}/x")
    monkeypatch.setenv("CHANNEL_TOKEN", SECRET)
    files = lock(f"{server.url}/t/$CHANNEL_TOKEN/x/")
    assert SECRET not in "".join(files.values())
    assert (
        f"  - url: '{server.url}/t/${{CHANNEL_TOKEN}}/x'\n    used_env_vars:\n    - CHANNEL_TOKEN\n"
        in files["conda-lock.yml"]
    )
    with pytest.raises(ExpectedError) as caught:
        lock(f"{server.url}/t/$CHANNEL_TOKEN/y")
    assert SECRET not in caught.value.message


def test_only_this_user_can_read_the_cached_token(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offer(server, f"/t/{SECRET}/x")
    monkeypatch.setenv("CHANNEL_TOKEN", SECRET)
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path))
    lock(f"{server.url}/t/$CHANNEL_TOKEN/x")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(SECRET.encode() in path.read_bytes() for path in files)  # so this test is needed
    assert {path.stat().st_mode & 0o077 for path in (*files, tmp_path / "conda")} == {0}


def test_credentials_come_from_netrc_or_rattlers_store(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = offer(server, "/private", "me")
    with pytest.raises(ExpectedError, match="401") as caught:
        lock(address)
    assert "log in" in caught.value.hint
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert SECRET not in "".join(lock(address).values())
    (tmp_path / ".netrc").unlink()
    store = tmp_path / "credentials.json"
    store.write_text(
        json.dumps({"127.0.0.1": {"BasicHTTP": {"username": "me", "password": SECRET}}})
    )
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(store))
    assert SECRET not in "".join(lock(address).values())


@pytest.mark.parametrize(
    "address",
    [
        f"https://me:{SECRET}@example.org/c",
        f"https://$USER:{SECRET}@example.org/c",
        f"https://example.org/t/{SECRET}/c",
        f"https://example.org/t/{SECRET}",
        f"https://example.org/c?token={SECRET}",
    ],
)
def test_credentials_in_an_address_are_refused_and_not_shown(address: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        parse_channel(address)
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "conda forge", "../here", "ftp://example.org/c", "https://example.org:x/c", "a::b"]
)
def test_invalid_channels_are_refused(text: str) -> None:
    with pytest.raises(ExpectedError, match="channel"):
        parse_channel(text)


def test_names_and_addresses_are_channels() -> None:
    assert parse_channel("conda-forge") == Channel(url="conda-forge")
    assert parse_channel("conda-forge/label/dev") == Channel(url="conda-forge/label/dev")
    assert parse_channel("https://example.org/c/") == Channel(url="https://example.org/c")


def test_an_index_whose_addresses_have_credentials_is_refused(server: Server) -> None:
    address = offer(server, "/c")
    index = json.loads(repodata(PACKAGES, "noarch"))
    index["info"]["base_url"] = f"http://me:{SECRET}@{server.host}/c/noarch/"
    server.replies["/c/noarch/repodata.json"] = Answer(
        200, json.dumps(index | {"repodata_version": 2}).encode()
    )
    with pytest.raises(ExpectedError, match="addresses with credentials") as caught:
        lock(address)
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Answer(200, b"<html>Welcome</html>"), "failed to parse repodata.json"),
        (Answer(200, b'{"packages.conda": 5}'), "failed to parse repodata.json"),
        (Answer(200, b'{"packages.conda": {"b-1-0.conda": {"name": "b"}}}'), "missing field"),
        (Answer(200, repodata(PACKAGES, "linux-64"), sent=40), "error reading a body"),
        (Answer(403), "403"),
    ],
)
def test_a_broken_index_is_an_error(server: Server, reply: Answer, words: str) -> None:
    address = offer(server, "/c")
    server.replies["/c/linux-64/repodata.json"] = reply
    with pytest.raises(ExpectedError, match=words) as caught:
        lock(address)
    assert f"the conda channels cannot be read ({address}, linux-64)" in caught.value.message
    assert caught.value.hint


def test_a_channel_that_does_not_respond_is_one_line_with_the_origin_of_its_address() -> None:
    with serving() as stopped:
        address = f"{stopped.url}/c"
    with pytest.raises(ExpectedError) as caught:
        lock(address)
    message = caught.value.message
    assert message.startswith(f"{address}/")
    assert " did not respond: tcp connect error: Connection refused" in message
    assert message.endswith("(the address comes from 'channels' in images.toml)")
    assert "\n" not in message
    assert "online" in caught.value.hint


def test_the_secret_of_a_channel_that_does_not_respond_stays_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHANNEL_TOKEN", SECRET)
    with serving() as stopped:
        address = f"{stopped.url}/t/${{CHANNEL_TOKEN}}/c"
    with pytest.raises(ExpectedError) as caught:
        lock(address)
    assert SECRET not in caught.value.message
    assert "'channels' in images.toml" in caught.value.message


def test_the_token_of_the_mirror_stays_hidden(server: Server) -> None:
    message = mirrored_error(server)
    assert f"{server.url}/t/" in message
    assert SECRET not in message


def test_the_token_of_a_mirror_that_does_not_respond_stays_hidden() -> None:
    with serving() as stopped:
        pass
    message = mirrored_error(stopped)
    assert message.endswith("(the address comes from mirrors.conda in config.toml)")
    assert SECRET not in message


def mirrored_error(server: Server) -> str:
    """Return the error of locking with a mirror that has nothing."""
    origin = "mirrors.conda in config.toml"
    profile.use({"mirrors.conda": Setting(f"{server.url}/t/{SECRET}/", origin)})
    try:
        with pytest.raises(ExpectedError) as caught:
            lock("conda-forge")
    finally:
        profile.use({})
    return caught.value.message


def test_a_missing_channel_is_an_error(server: Server) -> None:
    with pytest.raises(ExpectedError, match=f"{server.url}/nowhere.*404"):
        lock(f"{server.url}/nowhere")


def test_a_channel_that_stops_responding_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving() as server:
        address = offer(server, "/c")
        files = lock(address)
    with pytest.raises(ExpectedError, match="Connection refused") as caught:
        lock(address, files, "a", "b")
    assert "online" in caught.value.hint
