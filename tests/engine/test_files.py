"""Own files and downloads in built images: content, mode, owner and time, from any checkout."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deb_files import deb
from tests.support.json_output import read_document
from tests.support.loopback import Answer, serving
from tests.support.paths import QUICK_ORBITER

pytestmark = [pytest.mark.engine]
REPOSITORY = "orbiter-test/own-files"
IMAGE = f"{REPOSITORY}:debian-child-0.1.0"
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"

[builder.debian]
from = "debian:trixie-slim"

[image.debian.core]
postbuild = ["start.sh > /opt/env/started", "/usr/local/app/bin/link >> /opt/env/started"]
downloads = [
    {{ url = "URL/tool", to = "/usr/local/bin/a tool", mode = "0755" }},
    {{ url = "URL/app.tar.gz", to = "/usr/local/app/", unpack = true, strip = 1 }},
    {{ url = "URL/app.tar.gz", to = "/opt/env/app/", unpack = true }},
    {{ url = "URL/lib.tar.gz", to = "/usr/", unpack = true }},
    {{ url = "URL/orbit-tool.deb" }},
]

[image.debian.core.files]
"start.sh" = "/usr/local/bin/"
"config/" = {{ to = "/opt/env/etc/jupyter/", mode = "0600" }}
"large.bin" = "/opt/data/large file.bin"
"note.txt" = '''/home/jovyan/new/it's "$(id)" \\ .txt'''

[image.debian.child]
from = "core"
files = {{ "note.txt" = "/etc/debian_version" }}
"""
NOTE = '/home/jovyan/new/it\'s "$(id)" \\ .txt'
BINARY = bytes(range(256))
LARGE = b"large" * 20_000
TOOL = b"#!/bin/sh\necho tool\n"


def archive(*names: str) -> bytes:
    """Return an archive with executable files, each below a private folder, and with a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            folder = tarfile.TarInfo(name.rpartition("/")[0])
            folder.type, folder.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(folder)
            file = tarfile.TarInfo(name)
            file.size, file.mode, file.uid = len(TOOL), 0o4711, 1234
            tar.addfile(file, io.BytesIO(TOOL))
            link = tarfile.TarInfo(f"{folder.name}/link")
            link.type, link.linkname = tarfile.SYMTYPE, name.rpartition("/")[2]
            tar.addfile(link)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("files")
    with serving() as server:
        server.replies = {
            "/tool": Answer(200, TOOL),
            "/app.tar.gz": Answer(200, archive("app-1/bin/app")),
            "/orbit-tool.deb": Answer(200, deb("orbit-tool", "1:2.0", "all", "Depends: libc6\n")),
            "/lib.tar.gz": Answer(200, archive("lib64/a", "lib/b")),
        }
        write_repository(place / "repository", server.url)
        orbiter(place / "repository", "lock", "-q")
    # The server has stopped: the files come from the store, and later from the archive.
    yield place
    tags = [f"{REPOSITORY}:debian-{name}-0.1.0" for name in ("core", "child")]
    subprocess.run(["docker", "image", "rm", "--force", *tags], check=False, capture_output=True)


def write_repository(place: Path, url: str) -> None:
    (place / "config/sub").mkdir(parents=True)
    (place / "images.toml").write_text(IMAGES.replace("URL", url))
    (place / "start.sh").write_bytes(b"#!/bin/sh\necho started\n# \r\n")
    (place / "start.sh").chmod(0o755)
    (place / "config/binary").write_bytes(BINARY)
    (place / "config/sub/empty").write_bytes(b"")
    (place / "large.bin").write_bytes(LARGE)
    (place / "note.txt").write_text("note\n")


def orbiter(place: Path, *words: str, cache: str = "cache", code: int = 0) -> str:
    env = {**os.environ, "ORBITER_CACHE_DIR": str(place.parent / cache)}
    command = [sys.executable, QUICK_ORBITER, *words]
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def clone(repository: Path, place: Path) -> None:
    """Clone a repository with a umask that leaves nothing to the group and others."""
    git = [
        "git",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "init.defaultBranch=m",
    ]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=repository, check=True)
    subprocess.run(["sh", "-c", f"umask 077; git clone -q {repository} {place}"], check=True)


def digests(output: Path) -> dict[str, str]:
    found = {}
    for path in output.iterdir():
        with tarfile.open(path) as tar:
            index = tar.extractfile("index.json")
            assert index is not None
            found[path.name] = json.load(index)["manifests"][0]["digest"]
    return found


def test_files_are_the_same_from_any_checkout(project: Path) -> None:
    repository, copy = project / "repository", project / "copy"
    clone(repository, copy)
    assert stat_mode(copy / "note.txt") == 0o600
    assert "fresh" in orbiter(copy, "lock", "--check")

    orbiter(repository, "build", "-q", "--load", "--output", "../first")
    orbiter(copy, "build", "-q", "--no-cache", "--output", "../second")
    first = digests(project / "first")
    assert len(first) == 2
    assert first == digests(project / "second")

    rows = in_image("stat", "-c", "%a %u:%g %Y", *PLACES)
    assert rows.splitlines() == [
        "755 0:0 946684800",
        "600 1000:100 946684800",
        "755 1000:100 946684800",
        "600 1000:100 946684800",
        "644 0:0 946684800",
        "755 0:0 946684800",
        "644 1000:100 946684800",
        "755 1000:100 946684800",
        "644 0:0 946684800",
    ]
    assert in_image("cat", "/opt/env/started") == "started\ntool\n"
    assert in_image("cat", NOTE, "/etc/debian_version") == "note\nnote\n"
    sizes = in_image("stat", "-c", "%s", "/opt/env/etc/jupyter/binary", "/opt/data/large file.bin")
    assert sizes.split() == ["256", "100000"]


PLACES = (
    "/usr/local/bin/start.sh",
    "/opt/env/etc/jupyter/binary",
    "/opt/env/etc/jupyter/sub",
    "/opt/env/etc/jupyter/sub/empty",
    "/opt/data/large file.bin",
    "/opt/data",
    NOTE,
    "/home/jovyan/new",
    "/etc/debian_version",
)


def test_downloads_have_fixed_owners_modes_and_times(project: Path) -> None:
    orbiter(project / "repository", "build", "-q", "--load")
    rows = in_image("stat", "-c", "%a %u:%g %Y %n", *DOWNLOADED)
    expected = ("755 0:0",) * 4 + ("755 1000:100",) * 3 + ("755 0:0",)
    assert rows.splitlines() == [
        f"{row} 946684800 {path}" for row, path in zip(expected, DOWNLOADED, strict=True)
    ]
    # An archive with the folder lib leaves the link of the base image in its place.
    assert in_image("stat", "-c", "%F", "/lib").strip() == "symbolic link"
    assert in_image("/opt/env/app/app-1/bin/link") == "tool\n"
    assert in_image("dpkg-query", "--show", "orbit-tool") == "orbit-tool\t1:2.0\n"
    assert in_image("cat", "/opt/orbit-tool") == "orbit-tool 1:2.0\n"


DOWNLOADED = (
    "/usr/local/bin/a tool",
    "/usr/local/app",
    "/usr/local/app/bin",
    "/usr/local/app/bin/app",
    "/opt/env/app",
    "/opt/env/app/app-1/bin",
    "/opt/env/app/app-1/bin/app",
    "/usr/lib64/a",
)


def stat_mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def in_image(*words: str) -> str:
    command = ["docker", "run", "--rm", "--user", "0", IMAGE, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_large_file_comes_from_the_archive(project: Path) -> None:
    repository, elsewhere = project / "repository", project / "elsewhere"
    archived = orbiter(repository, "archive", "-q", "../archive", "--format", "json")
    document = read_document("archive", archived)
    assert (document["release"], document["present"]) == ("0.1.0", 0)
    assert document["added_size"] > len(LARGE)
    elsewhere.mkdir(exist_ok=True)
    shutil.copytree(repository / "locks", elsewhere / "locks")
    missing = orbiter(elsewhere, "fetch", "--release", "0.1.0", cache="other", code=2)
    assert "'large.bin' is an own file" in missing
    assert "orbiter archive" in missing
    options = ("--release", "0.1.0", "--from", "../archive", "--verify", "--format", "json")
    fetched = read_document("fetch", orbiter(elsewhere, "fetch", "-q", *options, cache="other"))
    assert fetched["fetched"] + fetched["present"] == document["added"]
    assert fetched["store"]["corrupted"] == []
    assert fetched["upstream"] is None
    words = ("--release", "0.1.0", "--output", "../rebuilt")
    orbiter(elsewhere, "build", "-q", *words, cache="other")
    assert digests(project / "rebuilt") == digests(project / "first")


def test_a_changed_byte_in_the_store_is_refused(project: Path) -> None:
    stored = [path for path in (project / "cache/store/sha256").rglob("*") if path.is_file()]
    large = next(path for path in stored if path.read_bytes() == LARGE)
    large.chmod(0o644)
    large.write_bytes(LARGE[:-1] + b"X")
    shutil.rmtree(project / "cache/assembly")  # has images of the files before the change
    assert "was changed in the store" in orbiter(project / "repository", "build", "-q", code=2)
    # Locking stores the file of the repository again.
    orbiter(project / "repository", "lock", "-q")
    orbiter(project / "repository", "build", "-q")
