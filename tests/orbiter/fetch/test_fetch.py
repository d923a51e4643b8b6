"""Downloading locked files into the store, from servers on the loopback interface."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.fetch.base_image import fetch_image
from orbiter.fetch.fetch import fetch
from orbiter.fetch.progress import FetchProgress, FetchTotals
from orbiter.fetch.sources import FetchSettings
from orbiter.oci import base_image
from orbiter.oci.layout import write_layout
from orbiter.store.artifact_list import LockedFile, parse_list
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.net import http
from tests.support.loopback import Answer, Server, in_turn, ranged, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "PAUSES", (0.0,))
    for variable in ("ORBITER_APK_MIRROR", "ORBITER_APT_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    with serving() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def serve_debs(server: Server, *names: str) -> tuple[list[LockedFile], FetchSettings]:
    """Serve packages; return them with the settings that find them."""
    entries = []
    for name in names:
        server.replies[f"/debian/pool/{name}"] = ranged(name.encode())
        entries.append(
            LockedFile(
                path=f"apt/{name}",
                hash=digest_of(name.encode()),
                size=len(name),
                source=f"apt:pool/{name}",
            )
        )
    return entries, FetchSettings(apt_mirrors=lambda: (f"{server.url}/debian/",))


def test_a_second_fetch_downloads_nothing(server: Server, store: Store) -> None:
    entries, sources = serve_debs(server, *(f"{number}.deb" for number in range(40)))
    assert fetch(entries, store, sources) == FetchTotals(files=40, bytes=230, present=0)
    for entry in entries:
        store.verify(entry.hash)
    assert fetch([*entries, entries[0]], store, sources) == FetchTotals(
        files=0, bytes=0, present=40
    )
    assert len(server.requests) == 40


def test_progress(server: Server, store: Store) -> None:
    entries, sources = serve_debs(server, "a.deb", "bc.deb")
    unknown = LockedFile(path=entries[1].path, hash=entries[1].hash, source=entries[1].source)
    states: list[FetchProgress] = []
    fetch([entries[0], unknown], store, sources, states.append)
    assert states[-1] == FetchProgress(bytes=11, total_bytes=11, files=2, total_files=2)
    assert [state.files for state in states] == sorted(state.files for state in states)


def test_special_characters_in_the_path_of_a_package(server: Server, store: Store) -> None:
    content = b"deb"
    server.replies["/pool/main/libs/libstdc%2B%2B6_1.0%2B~rc1_amd64.deb"] = Answer(200, content)
    source = "apt:pool/main/libs/libstdc++6_1.0+~rc1_amd64.deb"
    entry = LockedFile(path="apt/x.deb", hash=digest_of(content), source=source)
    fetch([entry], store, FetchSettings(apt_mirrors=lambda: (server.url,)))
    assert store.has(entry.hash)


def test_each_mirror_is_tried(server: Server, store: Store) -> None:
    entries, _ = serve_debs(server, "a.deb")
    server.replies["/wrong/pool/a.deb"] = Answer(200, b"<html>")
    asked = []

    def mirrors() -> tuple[str, ...]:
        asked.append(1)
        return (f"{server.url}/none", f"{server.url}/wrong", f"{server.url}/debian")

    fetch(entries, store, FetchSettings(apt_mirrors=mirrors))
    assert [request.path.split("/")[1] for request in server.requests] == [
        "none",
        "wrong",
        "debian",
    ]
    assert len(asked) == 1


def test_mirrors_of_the_environment_are_used_instead(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, sources = serve_debs(server, "a.deb", "b.deb")
    monkeypatch.setenv("ORBITER_APT_MIRROR", f"{server.url}/none {server.url}/debian")
    fetch(entries[:1], store, FetchSettings(apt_mirrors=lambda: pytest.fail("read the base image")))
    server.requests.clear()
    monkeypatch.setenv("ORBITER_APT_MIRROR", "")
    fetch(entries[1:], store, sources)
    assert [request.path for request in server.requests] == ["/debian/pool/b.deb"]


def test_one_error_names_all_failures_and_the_other_files_are_kept(
    server: Server, store: Store
) -> None:
    entries, sources = serve_debs(server, "a.deb", "missing.deb", "wrong.deb", "z.deb")
    server.replies["/debian/pool/missing.deb"] = Answer(404)
    server.replies["/debian/pool/wrong.deb"] = Answer(200, b"other")
    with pytest.raises(ExpectedError) as caught:
        fetch(entries, store, sources)
    first, missing, wrong = caught.value.message.splitlines()
    assert first == "2 files could not be fetched:"
    assert "apt/missing.deb" in missing
    assert "404" in missing
    assert f"apt/wrong.deb: {server.url}/debian/pool/wrong.deb: expected {entries[2].hash}" in wrong
    assert "ORBITER_APT_MIRROR" in caught.value.hint
    assert "orbiter archive" in caught.value.hint
    assert [store.has(entry.hash) for entry in entries] == [True, False, False, True]


def apk(name: str) -> LockedFile:
    source = f"apk:v3.23/main/x86_64/{name}.apk"
    return LockedFile(
        path=f"apk/{name}.apk", hash=digest_of(name.encode()), size=len(name), source=source
    )


def test_packages_of_alpine(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, other, folder = (
        apk("libstdc++-15.2.0-r2"),
        apk("curl-8.17.0-r1"),
        "/alpine/v3.23/main/x86_64",
    )
    server.replies[f"{folder}/libstdc%2B%2B-15.2.0-r2.apk"] = Answer(200, b"libstdc++-15.2.0-r2")
    server.replies[f"{folder}/curl-8.17.0-r1.apk"] = Answer(200, b"curl-8.17.0-r1")
    fetch(
        [entry],
        store,
        FetchSettings(
            apk_mirrors=lambda: (f"{server.url}/alpine/",),
            apt_mirrors=lambda: pytest.fail("read the image of Debian"),
        ),
    )
    monkeypatch.setenv("ORBITER_APT_MIRROR", f"{server.url}/debian")
    monkeypatch.setenv("ORBITER_APK_MIRROR", f"{server.url}/none {server.url}/alpine")
    fetch([other], store, FetchSettings(apk_mirrors=lambda: pytest.fail("read the base image")))
    assert store.has(entry.hash)
    assert [request.path for request in server.requests[1:]] == [
        "/none/v3.23/main/x86_64/curl-8.17.0-r1.apk",
        "/alpine/v3.23/main/x86_64/curl-8.17.0-r1.apk",
    ]


def test_packages_that_alpine_deleted(server: Server, store: Store) -> None:
    entry, broken = apk("curl-8.17.0-r1"), apk("bash-5.3-r0")
    server.replies["/alpine/v3.23/main/x86_64/bash-5.3-r0.apk"] = Answer(200, b"other")
    with pytest.raises(ExpectedError) as caught:
        fetch([entry, broken], store, FetchSettings(apk_mirrors=lambda: (f"{server.url}/alpine",)))
    _, changed, deleted = caught.value.message.splitlines()
    assert deleted == (
        "  apk/curl-8.17.0-r1.apk is no longer available upstream: "
        f"{server.url}/alpine/v3.23/main/x86_64/curl-8.17.0-r1.apk "
        "returned 404 Not Found"
    )
    assert changed.startswith(
        f"  apk/bash-5.3-r0.apk: {server.url}/alpine/v3.23/main/x86_64/bash-5.3-r0.apk: expected"
    )
    assert caught.value.hint.startswith(
        "Alpine deletes old versions within days: "
        "set a mirror that keeps them in ORBITER_APK_MIRROR, or "
    )


def test_an_unreachable_mirror_does_not_count_as_deleted(store: Store) -> None:
    with serving() as stopped:
        url = stopped.url
    with pytest.raises(ExpectedError) as caught:
        fetch([apk("curl-8.17.0-r1")], store, FetchSettings(apk_mirrors=lambda: (url,)))
    assert "no longer available" not in caught.value.message
    assert "deletes" not in caught.value.hint
    assert caught.value.hint
    assert "the base image; ORBITER_APK_MIRROR replaces it" in caught.value.message


def test_an_unreachable_mirror_of_the_environment_names_its_variable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as stopped:
        monkeypatch.setenv("ORBITER_APK_MIRROR", stopped.url)
    with pytest.raises(ExpectedError) as caught:
        fetch([apk("curl-8.17.0-r1")], store, FetchSettings())
    assert caught.value.message.endswith("(the address comes from ORBITER_APK_MIRROR)")
    assert "\n" not in caught.value.message


def test_no_known_mirror_is_an_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORBITER_APT_MIRROR", raising=False)
    entry = LockedFile(path="apt/a.deb", hash=digest_of(b"a"), source="apt:pool/a.deb")
    with pytest.raises(ExpectedError, match="no mirror with Debian packages is known"):
        fetch([entry], store, FetchSettings())


def test_mirrors_that_cannot_be_read_are_one_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORBITER_APT_MIRROR", raising=False)
    asked = []

    def mirrors() -> tuple[str, ...]:
        asked.append(1)
        raise ExpectedError("no engine is running")

    entries = [
        LockedFile(path=f"apt/{name}", hash=digest_of(name.encode()), source=f"apt:pool/{name}")
        for name in "ab"
    ]
    with pytest.raises(ExpectedError, match="no engine is running"):
        fetch(entries, store, FetchSettings(apt_mirrors=mirrors))
    assert len(asked) == 1


def test_an_unknown_source(store: Store) -> None:
    entry = LockedFile(path="x/a", hash=digest_of(b"a"), source="ftp:a")
    with pytest.raises(ExpectedError, match="x/a: unknown source 'ftp:a'"):
        fetch([entry], store, FetchSettings())


def test_an_interrupted_fetch_stops_and_resumes(server: Server, store: Store) -> None:
    entries, sources = serve_debs(server, "a.deb")
    big = b"x" * 2_000_000
    server.replies["/debian/pool/big"] = ranged(big, pause=0.05)
    entries.append(
        LockedFile(path="apt/big", hash=digest_of(big), size=len(big), source="apt:pool/big")
    )

    def interrupt(state: FetchProgress) -> None:
        if state.bytes > 200_000 and threading.current_thread() is not threading.main_thread():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entries, store, sources, interrupt)
    assert not store.has(entries[1].hash)
    server.replies["/debian/pool/big"] = ranged(big)
    fetch(entries, store, sources)
    assert "range" in server.requests[-1].headers
    store.verify(entries[1].hash)


def serve_page(server: Server, monkeypatch: pytest.MonkeyPatch, *links: str) -> None:
    text = "".join(f'<a href="{link}">x</a>' for link in links)
    server.replies["/simple/a-b/"] = Answer(200, text.encode(), {"Content-Type": "text/html"})
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")


def wheel(content: bytes) -> LockedFile:
    return LockedFile(path="pip/a_b-1.whl", hash=digest_of(content), source="pip:a-b/a_b-1.whl")


def test_pip(server: Server, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = wheel(b"right")
    wrong = digest_of(b"wrong").replace(":", "=")
    serve_page(
        server, monkeypatch, f"/1/a_b-1.whl#{wrong}", f"/2/a_b-1.whl#{entry.hash.replace(':', '=')}"
    )
    server.replies["/2/a_b-1.whl"] = Answer(200, b"right")
    fetch([entry], store, FetchSettings())
    assert [request.path for request in server.requests] == ["/simple/a-b/", "/2/a_b-1.whl"]


def test_pip_from_an_index_of_images_toml(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_page(server, monkeypatch, "/public/a_b-1.whl")
    page = Answer(200, b'<a href="/named/a_b-1.whl">x</a>', {"Content-Type": "text/html"})
    server.replies["/other/a-b/"] = page
    server.replies["/named/a_b-1.whl"] = Answer(200, b"right")
    entry = replace(wheel(b"right"), source="pip:other:a-b/a_b-1.whl")
    fetch([entry], store, FetchSettings(indexes={"other": f"{server.url}/other"}))
    assert [request.path for request in server.requests] == ["/other/a-b/", "/named/a_b-1.whl"]
    gone = replace(entry, source="pip:other:a-b/a_b-2.whl", hash=digest_of(b"2"))
    with pytest.raises(ExpectedError, match="the package index 'other' does not have this file"):
        fetch([gone], store, FetchSettings(indexes={"other": f"{server.url}/other"}))
    with pytest.raises(ExpectedError, match="address of the package index 'other' is unknown"):
        fetch([gone], store, FetchSettings())


def test_pip_from_an_index_without_hashes(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_page(server, monkeypatch, "/1/a_b-1.whl")
    server.replies["/1/a_b-1.whl"] = in_turn(Answer(503), Answer(200, b"right"))
    fetch([wheel(b"right")], store, FetchSettings())


@pytest.mark.parametrize(
    ("link", "what"),
    [
        ("/1/a_b-2.whl", "does not have this file"),
        (f"/a_b-1.whl#sha256={'0' * 64}", "only with other bytes"),
    ],
)
def test_pip_without_the_file(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch, link: str, what: str
) -> None:
    serve_page(server, monkeypatch, link)
    with pytest.raises(ExpectedError, match=what) as caught:
        fetch([wheel(b"right")], store, FetchSettings())
    assert "PIP_INDEX_URL" in caught.value.hint


WHEELS = """\
sha256:b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374 5892 \
pip/iniconfig-2.0.0-py3-none-any.whl pip:iniconfig/iniconfig-2.0.0-py3-none-any.whl
sha256:69297d5da0cc9281c77efffb4e730254dd45943f45bbfb461de5991713989b1e 0 \
pip/idna-3.9-py3-none-any.whl pip:idna/idna-3.9-py3-none-any.whl
"""


@pytest.mark.index
def test_wheels_of_the_real_index(store: Store) -> None:
    entries = parse_list(WHEELS)
    assert fetch(entries, store, FetchSettings()).files == 2
    for entry in entries:
        store.verify(entry.hash)


@pytest.fixture
def npmrc(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    file = tmp_path / "npmrc"
    file.write_text(f"registry={server.url}/npm/\n")
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(file))
    for name in [name for name in os.environ if name.lower() == "npm_config_registry"]:
        monkeypatch.delenv(name)
    return file


def test_npm(server: Server, store: Store, npmrc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_TOKEN", "t0ken")
    with npmrc.open("a") as file:
        file.write(
            f"@acme:registry={server.url}/acme\n//{server.host}/acme/:_authToken=${{NPM_TOKEN}}\n"
        )
    server.replies["/npm/vega/-/vega-6.tgz"] = Answer(200, b"vega")
    server.replies["/npm/@types/node/-/node-1.tgz"] = Answer(200, b"node")
    server.replies["/acme/@acme/x/-/x-1.tgz"] = Answer(200, b"x")
    sources = {
        "vega/-/vega-6.tgz": b"vega",
        "@types/node/-/node-1.tgz": b"node",
        "@acme/x/-/x-1.tgz": b"x",
    }
    entries = [
        LockedFile(
            path=f"npm/{number}.tgz", hash=digest_of(content, "sha512"), source=f"npm:{source}"
        )
        for number, (source, content) in enumerate(sources.items())
    ]
    fetch(entries, store, FetchSettings())
    sent = {request.path: request.headers.get("authorization") for request in server.requests}
    assert sent == {
        "/npm/vega/-/vega-6.tgz": None,
        "/npm/@types/node/-/node-1.tgz": None,
        "/acme/@acme/x/-/x-1.tgz": "Bearer t0ken",
    }


def serve_image(server: Server) -> str:
    """Serve an image with one layer; return the digest of its manifest."""
    parts = {
        "config": json.dumps({"os": "linux", "architecture": "amd64"}).encode(),
        "layer": b"layer" * 1000,
    }
    for content in parts.values():
        server.replies[f"/v2/a/b/blobs/{digest_of(content)}"] = ranged(content)
    config, layer = (
        {"digest": digest_of(content), "size": len(content), "mediaType": kind}
        for kind, content in parts.items()
    )
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode()
    for name in ("t", digest_of(manifest)):
        server.replies[f"/v2/a/b/manifests/{name}"] = Answer(200, manifest)
    return digest_of(manifest)


def test_a_base_image(server: Server, store: Store, tmp_path: Path) -> None:
    digest = serve_image(server)
    image = base_image.pin(f"{server.host}/a/b:t", "linux/amd64")
    assert image.digest == digest
    assert fetch_image(image, store).files == 3
    assert fetch_image(image, store) == FetchTotals(files=0, bytes=0, present=3)
    layout = tmp_path / "layout"
    write_layout(digest, store, layout)
    index = json.loads((layout / "index.json").read_text())
    assert [manifest["digest"] for manifest in index["manifests"]] == [digest]
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    for file in (layout / "blobs" / "sha256").iterdir():
        assert digest_of(file.read_bytes()) == f"sha256:{file.name}"
    assert len(list((layout / "blobs" / "sha256").iterdir())) == 3


def test_a_base_image_with_a_missing_layer(server: Server, store: Store) -> None:
    serve_image(server)
    image = base_image.pin(f"{server.host}/a/b:t", "linux/amd64")
    layer = digest_of(b"layer" * 1000)
    server.replies[f"/v2/a/b/blobs/{layer}"] = Answer(404)
    with pytest.raises(ExpectedError, match=r"a/b:t: .*404"):
        fetch_image(image, store)


@pytest.mark.engine
def test_a_base_image_of_a_real_registry(store: Store, tmp_path: Path) -> None:
    real = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not real:
        pytest.skip("no registry with base images is known (ORBITER_WORLD_REGISTRY)")
    image = base_image.pin("debian:trixie-slim", "linux/amd64", mirrors=(f"http://{real}",))
    assert fetch_image(image, store, mirrors=(f"http://{real}",)).bytes > 10_000_000
    write_layout(image.digest, store, tmp_path)
    context = f"{tmp_path}@{image.digest}"
    (tmp_path / "Dockerfile").write_text(
        "FROM base\nRUN --network=none test -f /etc/debian_version\n"
    )
    from resolvers import process

    process.run(
        [
            *("docker", "buildx", "build", "--build-context", f"base=oci-layout://{context}"),
            *("--no-cache", "--output", "type=cacheonly", str(tmp_path)),
        ]
    )
