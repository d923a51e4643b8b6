"""The package index: configuration, pages and files."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.errors import ExpectedError
from resolvers.index import index, page
from resolvers.index.index_file import IndexFile
from resolvers.net import http, pip_config
from tests.support.loopback import Answer, Server, serving

HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
A, B = "a" * 64, "b" * 64


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", ())
    with serving() as server:
        yield server


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace all configuration of pip with one file that the test may write."""
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    file = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setattr(pip_config, "_files", lambda: iter([file]))
    return file


def html_page(*links: str) -> Answer:
    return Answer(200, f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode(), HTML)


def test_an_html_page_is_read(server: Server) -> None:
    server.replies["/simple/some-thing/"] = html_page(
        f'<a href="../../files/some_thing-1%2Bx-py3-none-any.whl#sha256={A}"'
        ' data-requires-python="&gt;=3.9" data-upload-time="2024-09-14T02:58:29.586942Z"'
        f' data-core-metadata="sha256={B}">x</a><br/>',
        '<a href="https://elsewhere.test/some_thing-1.tar.gz" data-yanked="broken"'
        ' data-dist-info-metadata="true">y</a>',
        "<a>no link</a>",
    )
    wheel, sdist = index.Index((f"{server.url}/simple",)).files("Some_Thing")
    assert wheel == IndexFile(
        name="some_thing-1+x-py3-none-any.whl",
        url=f"{server.url}/files/some_thing-1%2Bx-py3-none-any.whl",
        hashes={"sha256": A},
        upload_time=datetime(2024, 9, 14, 2, 58, 29, 586942, UTC),
        requires_python=">=3.9",
        metadata={"sha256": B},
    )
    assert (sdist.url, sdist.yanked, sdist.metadata) == (
        "https://elsewhere.test/some_thing-1.tar.gz",
        "broken",
        {},
    )


@given(
    st.sampled_from(
        [
            "",
            "../",
            "/",
            "//other.test/",
            "https://other.test/",
            "HTTPS://other.test/",
            "http://ann@x.test/",
        ]
    ),
    st.lists(
        st.sampled_from(["a-1", ".tar.gz", "/", "..", "%2B", "+", " ", "?x=/y", "é", "\t", ";p"]),
        max_size=4,
    ),
)
def test_links_are_resolved_like_urljoin_does(start: str, rest: list[str]) -> None:
    href = start + "".join(rest)
    file = page.linked_file(
        f"{href}#sha256={A}",
        base="https://files.test/simple/a/",
        index_url="https://files.test/",
        attributes={},
    )
    assert file.url == urljoin("https://files.test/simple/a/", href)
    assert file.name == unquote(urlsplit(file.url).path.rpartition("/")[2])
    assert file.hashes == {"sha256": A}


def test_a_json_page_is_read(server: Server) -> None:
    file = {
        "filename": "a-1.tar.gz",
        "url": "/files/a-1.tar.gz",
        "hashes": {"sha256": A},
        "size": 12,
        "upload-time": "2024-09-14T02:58:29.586942Z",
        "requires-python": None,
        "yanked": False,
        "core-metadata": {"sha256": B},
        "dist-info-metadata": True,
        "provenance": None,
    }
    bare = {"filename": "a-2.tar.gz", "url": "a-2.tar.gz", "hashes": {}, "yanked": "bad"}
    content = {"meta": {"api-version": "1.4"}, "name": "a", "files": [file, bare]}
    server.replies["/simple/a/"] = Answer(200, json.dumps(content).encode(), JSON)
    first, second = index.Index((f"{server.url}/simple/",)).files("a")
    assert first == IndexFile(
        name="a-1.tar.gz",
        url=f"{server.url}/files/a-1.tar.gz",
        hashes={"sha256": A},
        size=12,
        upload_time=datetime(2024, 9, 14, 2, 58, 29, 586942, UTC),
        metadata={"sha256": B},
    )
    assert (second.url, second.yanked, second.metadata) == (
        f"{server.url}/simple/a/a-2.tar.gz",
        "bad",
        None,
    )
    assert "json" in server.requests[0].headers["accept"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            Answer(200, b"%PDF", {"Content-Type": "application/pdf"}),
            "its content type is 'application/pdf'",
        ),
        (Answer(200, b'{"meta": {"api-version": "2.0"}, "files": []}', JSON), "version 2.0"),
        (Answer(200, b'<meta name="pypi:repository-version" content="2.1">', HTML), "version 2.1"),
        (Answer(200, b'{"files": [{"url": 1}]}', JSON), "files"),
        (html_page('<a href="a-1.tar.gz" data-upload-time="yesterday">a</a>'), "yesterday"),
    ],
)
def test_a_response_that_is_not_a_page_is_rejected(
    server: Server, answer: Answer, reason: str
) -> None:
    server.replies["/simple/a/"] = answer
    with pytest.raises(ExpectedError, match=reason) as caught:
        index.Index((f"http://ann:s3cret@{server.host}/simple",)).files("a")
    assert "s3cret" not in caught.value.message
    assert "PIP_INDEX_URL" in caught.value.hint


def test_indexes_are_merged_with_the_default_first(server: Server) -> None:
    server.replies["/one/a/"] = html_page(f'<a href="/1/a-1.tar.gz#sha256={A}">a</a>')
    server.replies["/two/a/"] = html_page(
        f'<a href="/2/a-1.tar.gz#sha256={A}">a</a>',
        f'<a href="/2/a-1.tar.gz#sha256={B}">a</a>',
        f'<a href="/2/a-2.tar.gz#sha256={B}">a</a>',
    )
    files = index.Index((f"{server.url}/one", f"{server.url}/two", f"{server.url}/three")).files(
        "a"
    )
    assert [file.url.removeprefix(server.url) for file in files] == [
        "/1/a-1.tar.gz",
        "/2/a-1.tar.gz",
        "/2/a-2.tar.gz",
    ]


def test_an_unknown_project_has_no_files(server: Server) -> None:
    assert index.Index((f"{server.url}/simple",)).files("a") == ()


def test_a_failing_index_is_an_error(server: Server) -> None:
    server.replies["/simple/a/"] = Answer(500)
    with pytest.raises(http.HTTPError, match="500"):
        index.Index((f"{server.url}/simple",)).files("a")
    server.replies["/simple/a/"] = Answer(403)
    with pytest.raises(http.HTTPError, match="403"):
        index.Index((f"{server.url}/simple",)).files("a")
    assert index.Index((f"{server.url}/other", f"{server.url}/simple")).files("a") == ()


def test_a_project_is_requested_once(server: Server) -> None:
    server.replies["/simple/a/"] = html_page('<a href="a-1.tar.gz">a</a>')
    configured = index.Index((f"{server.url}/simple",))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(configured.files, ["a"] * 8))
    assert len(answers[0]) == 1
    assert all(answer is answers[0] for answer in answers)
    assert len(server.requests) == 1


def test_a_failed_request_is_repeated(server: Server) -> None:
    server.replies["/simple/a/"] = Answer(500)
    configured = index.Index((f"{server.url}/simple",))
    with pytest.raises(http.HTTPError):
        configured.files("a")
    server.replies["/simple/a/"] = html_page('<a href="a-1.tar.gz">a</a>')
    assert len(configured.files("a")) == 1


def test_credentials_of_an_index_are_used_for_its_files(server: Server) -> None:
    server.replies["/simple/a/"] = html_page(
        '<a href="a-1.tar.gz">a</a>',
        f'<a href="{server.url}/a-2.tar.gz">a</a>',
        '<a href="https://elsewhere.test/a-3.tar.gz">a</a>',
    )
    files = index.Index((f"http://ann:pw@{server.host}/simple",)).files("a")
    assert [file.url for file in files] == [
        f"http://ann:pw@{server.host}/simple/a/a-1.tar.gz",
        f"http://ann:pw@{server.host}/a-2.tar.gz",
        "https://elsewhere.test/a-3.tar.gz",
    ]


def test_a_folder_can_be_an_index(tmp_path: Path) -> None:
    (tmp_path / "simple" / "a-b").mkdir(parents=True)
    (tmp_path / "simple" / "a-b" / "index.html").write_text(
        '<a href="../../files/a_b-1.tar.gz">a</a>'
    )
    configured = index.Index(((tmp_path / "simple").as_uri(),))
    assert [file.url for file in configured.files("a.b")] == [
        (tmp_path / "files" / "a_b-1.tar.gz").as_uri()
    ]
    assert configured.files("c") == ()


def test_find_links_are_folders_pages_and_files(server: Server, tmp_path: Path) -> None:
    for name in ("a_b-1-py3-none-any.whl", "a.b-2.tar.gz", "other-1.tar.gz", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    server.replies["/links"] = html_page('<a href="/a_b-3.zip">a</a>', '<a href="/c-1.zip">c</a>')
    direct = f"{server.url}/a-b-4.tar.gz#sha256={A}"
    configured = index.Index((), (str(tmp_path), f"{server.url}/links", direct))
    hashes = {file.name: file.hashes for file in configured.files("a-b")}
    assert hashes == {
        "a.b-2.tar.gz": {"sha256": hashlib.sha256(b"a.b-2.tar.gz").hexdigest()},
        "a_b-1-py3-none-any.whl": {"sha256": hashlib.sha256(b"a_b-1-py3-none-any.whl").hexdigest()},
        "a_b-3.zip": {},
        "a-b-4.tar.gz": {"sha256": A},
    }


def test_the_configuration_of_pip_is_used(configure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure.write_text(
        "[install]\nfind_links = /one /two\n"
        "[global]\nindex-url = https://a.test/simple\nfind-links = x\n"
    )
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.test/simple https://c.test/simple")
    configured = index.configured()
    assert configured.urls == (
        "https://a.test/simple",
        "https://b.test/simple",
        "https://c.test/simple",
    )
    assert configured.find_links == ("/one", "/two")
    assert index.configured() is configured
    monkeypatch.setenv("PIP_INDEX_URL", "https://d.test/simple")
    assert index.configured().urls[0] == "https://d.test/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "")
    assert index.configured().urls[0] == "https://a.test/simple"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert index.configured().urls == ()


def fake_keyring(folder: Path, script: str) -> None:
    program = folder / "keyring"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{script}\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("variable", "option"), [("subprocess", ""), ("", "subprocess"), ("", "import")]
)
@pytest.mark.parametrize("known_by", ["address", "host"])
def test_a_password_comes_from_the_keyring(
    server: Server,
    configure: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    option: str,
    known_by: str,
) -> None:
    service = f"{server.url}/simple" if known_by == "address" else server.host
    fake_keyring(tmp_path, f'[ "$2 $3" = "{service} ann" ] && echo "p/w"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", variable)
    configure.write_text(
        f"[global]\nindex-url = http://ann@{server.host}/simple\nkeyring-provider = {option}\n"
    )
    server.otherwise = html_page('<a href="a-1.tar.gz">a</a>')
    files = [*index.configured().files("a"), *index.configured().files("b")]
    assert files[0].url == f"http://ann:p%2Fw@{server.host}/simple/a/a-1.tar.gz"
    sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {f"Basic {base64.b64encode(b'ann:p/w').decode()}"}
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"get {server.url}/simple ann", f"get {server.host} ann"][: len(asked)]
    assert len(asked) == len(set(asked))  # once for all projects


def test_the_keyring_is_asked_only_if_configured_and_needed(
    configure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_keyring(tmp_path, "echo pw")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    configure.write_text("[global]\nindex-url = https://ann@a.test/simple\n")
    monkeypatch.delenv("UV_KEYRING_PROVIDER", raising=False)
    assert index.configured().urls == ("https://ann@a.test/simple",)
    for provider in ("disabled", "subprocess"):
        monkeypatch.setenv("UV_KEYRING_PROVIDER", provider)
        for url in ("https://a.test/simple", "https://ann:own@a.test/simple"):
            monkeypatch.setenv("PIP_INDEX_URL", url)
            assert index.configured().urls == (url,)
    assert not (tmp_path / "asked").exists()


def test_a_keyring_without_the_password_changes_nothing(
    configure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_keyring(tmp_path, "exit 1")
    configure.write_text("[global]\nindex-url = https://ann@b.test/simple\n")
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    for path in (f"{tmp_path}:{os.environ['PATH']}", "/nowhere"):
        monkeypatch.setenv("PATH", path)
        assert index.configured().urls == ("https://ann@b.test/simple",)
    assert (tmp_path / "asked").exists()


def test_without_configuration_pips_default_is_used(configure: Path) -> None:
    assert not configure.exists()
    assert index.configured().urls == (index.default_index(),)
    assert index.default_index().endswith("/simple/")


def test_pips_configuration_files_are_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", "/x1:/x2")
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    expected = [
        "/x2/pip/pip.conf",
        "/x1/pip/pip.conf",
        "/etc/pip.conf",
        f"{tmp_path}/.pip/pip.conf",
    ]
    expected += [f"{tmp_path}/.config/pip/pip.conf", "/venv/pip.conf"]
    assert [str(path) for path in pip_config._files()] == expected
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert list(pip_config._files()) == []


def test_a_malformed_configuration_file_is_named(configure: Path) -> None:
    configure.write_text("index-url = x\n")
    with pytest.raises(ExpectedError, match=str(configure)):
        index.configured()


@pytest.mark.parametrize("option", ["index-url", "extra-index-url", "find-links"])
def test_an_address_that_cannot_be_split_is_named_with_its_origin(
    configure: Path, option: str
) -> None:
    configure.write_text(f"[global]\n{option} = https://ann:s3cret@[::1/simple\n")
    with pytest.raises(ExpectedError, match=rf"{configure}: https://\[::1/simple is not") as caught:
        index.configured()
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        '<a href="http://[::1/a-1.tar.gz">a</a>',
        '<base href="http://[::1/"><a href="a-1.tar.gz">a</a>',
    ],
)
def test_a_page_with_an_address_that_cannot_be_split_is_an_error(text: str) -> None:
    with pytest.raises(ExpectedError, match="is not a page of a package index: Invalid IPv6 URL"):
        page._read_html(text, "https://index.example/a/")


def test_a_json_page_with_an_address_that_cannot_be_split_is_an_error() -> None:
    text = b'{"files": [{"filename": "a-1.tar.gz", "url": "http://[::1/a", "hashes": {}}]}'
    with pytest.raises(ExpectedError, match="is not a page of a package index: Invalid IPv6 URL"):
        page._read_json(text, "https://index.example/a/")


@pytest.mark.index
def test_the_real_index() -> None:
    configured = index.configured()
    files = {file.name: file for file in configured.files("Iniconfig")}
    wheel = files["iniconfig-2.0.0-py3-none-any.whl"]
    assert wheel.hashes == {
        "sha256": "b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374"
    }
    assert wheel.requires_python == ">=3.7"
    assert configured.files("there-is-no-such-project-at-all") == ()
