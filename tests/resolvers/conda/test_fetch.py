"""Packages over HTTP, from channels that require credentials and channels that fail."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.conda import fetch
from resolvers.conda.fetch import extract_program, open_package
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.conda_packages import package
from tests.support.loopback import Answer, Request, Server, serving

SECRET = "s3cr3t"
CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve a package to one user; the current user has no configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("NETRC", "RATTLER_AUTH_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    expected = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()

    def answer(request: Request) -> Answer:
        return (
            Answer(200, CONTENT)
            if request.headers.get("authorization") == expected
            else Answer(401)
        )

    with serving() as server:
        server.replies["/private/noarch/a-1-0.conda"] = answer
        yield server


def content(url: str) -> bytes:
    fetch._client.cache_clear()  # it keeps the configuration of the first use
    with open_package(url) as stream:
        assert stream.headers["content-length"] == str(len(CONTENT))
        return b"".join(stream.chunks)


def test_credentials_come_from_variables_netrc_or_rattlers_store(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/private/noarch/a-1-0.conda"
    with pytest.raises(http.HTTPError, match="401") as caught:
        content(url)
    assert caught.value.status == 401
    monkeypatch.setenv("CHANNEL_PASSWORD", SECRET)
    assert content(url.replace("://", "://me:${CHANNEL_PASSWORD}@")) == CONTENT
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert content(url) == CONTENT
    (tmp_path / ".netrc").unlink()
    store = tmp_path / "store.json"
    store.write_text(
        json.dumps({"127.0.0.1": {"BasicHTTP": {"username": "me", "password": SECRET}}})
    )
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(store))
    assert content(url) == CONTENT


def test_no_message_contains_a_secret(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNEL_PASSWORD", "wr0ng")
    with pytest.raises(http.HTTPError) as caught:
        content(f"http://me:${{CHANNEL_PASSWORD}}@{server.host}/private/noarch/a-1-0.conda")
    assert "wr0ng" not in f"{caught.value.message} {caught.value.hint}"
    assert "${CHANNEL_PASSWORD}" in caught.value.message


def test_an_unresponsive_server_is_named() -> None:
    with serving() as server:
        url = f"{server.url}/missing/noarch/a-1-0.conda"
    with pytest.raises(http.HTTPError, match=url) as caught:
        content(url)
    assert caught.value.status == 0


def test_a_channel_may_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a-1-0.conda").write_bytes(CONTENT)
    assert content((tmp_path / "a-1-0.conda").as_uri()) == CONTENT


def test_a_program_is_extracted_from_its_package(tmp_path: Path) -> None:
    made = package("micromamba", "2.6.2", {"bin/micromamba": "#!/bin/sh\n", "share/more": "more\n"})
    (tmp_path / made.file).write_bytes(made.content)
    stored = tmp_path / "stored"
    stored.write_text("kept")
    (tmp_path / "program").hardlink_to(stored)
    extract_program(tmp_path / made.file, "micromamba", tmp_path / "program")
    assert stored.read_text() == "kept"
    assert (tmp_path / "program").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "program").stat().st_mode & 0o777 == 0o755
    with pytest.raises(ExpectedError, match="has no program bin/mamba"):
        extract_program(tmp_path / made.file, "mamba", tmp_path / "other")
    (tmp_path / "broken-1-0.conda").write_bytes(b"no package")
    with pytest.raises(ExpectedError, match=r"broken-1-0\.conda has no program"):
        extract_program(tmp_path / "broken-1-0.conda", "micromamba", tmp_path / "other")
    assert not (tmp_path / "other").exists()
