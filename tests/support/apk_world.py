"""Small signed apk repositories, served over HTTP, and shells in Alpine images that use them."""

import base64
import gzip
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from resolvers import process
from resolvers.apk import manager as apk
from resolvers.types.options import Shell, SystemOptions, SystemRepository
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Target, Upgrade
from tests.support.loopback import Answer, Server, serving

IMAGE = "alpine:3.23"
AMD64 = Target(platform="linux/amd64")
FOLDER = "/repo/main/x86_64/"
KEY = "tests.rsa"
KEYS = TemporaryDirectory(prefix="apk-key")
RECORD_FIELDS = {"D": "depend", "p": "provides"}
"""The fields of .PKGINFO that the index has too, by their letter there."""


class PackageSpec(NamedTuple):
    """A package to build; ``fields`` are those of .PKGINFO, several values separated by blanks."""

    name: str
    version: str
    fields: Mapping[str, str] = {}


class Repository(NamedTuple):
    server: Server
    shell: Shell

    def downloads(self) -> list[str]:
        """Return the packages requested since the last call, sorted."""
        files = [request.path.rpartition("/")[2] for request in self.server.requests]
        self.server.requests.clear()
        return sorted(file for file in files if file.endswith(".apk"))


def package_spec(name: str, version: str, **fields: str) -> PackageSpec:
    return PackageSpec(name, f"{version}-r0", fields)


@cache
def private_key(name: str) -> Path:
    path = Path(KEYS.name, name)
    command = ["openssl", "genrsa", "-out", str(path), "2048"]
    subprocess.run(command, check=True, capture_output=True)
    return path


def public_key() -> str:
    command = ["openssl", "rsa", "-in", str(private_key(KEY)), "-pubout"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def segment(files: Mapping[str, bytes], *, last: bool = False) -> bytes:
    """Return a gzip member with files as a tar; unless it is the last, another one may follow."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        size = tar.offset
    archive = out.getvalue()
    return gzip.compress(archive if last else archive[:size], mtime=0)


def sign(content: bytes, key: str = KEY) -> bytes:
    command = ["openssl", "dgst", "-sha1", "-sign", str(private_key(key))]
    signature = subprocess.run(command, input=content, check=True, capture_output=True).stdout
    return segment({f".SIGN.RSA.{KEY}.pub": signature}) + content


def control_segment(package: PackageSpec, data: bytes) -> bytes:
    lines = [
        f"pkgname = {package.name}",
        f"pkgver = {package.version}",
        "arch = x86_64",
        "license = MIT",
        f"datahash = {hashlib.sha256(data).hexdigest()}",
    ]
    for key, values in package.fields.items():
        lines += [f"{key} = {value}" for value in values.split()]
    return segment({".PKGINFO": "".join(f"{line}\n" for line in lines).encode()})


def index_record(package: PackageSpec, control: bytes, size: int, installed_size: int = 0) -> str:
    """Return the record of a package in an index."""
    fields = {
        "C": "Q1" + base64.b64encode(hashlib.sha1(control).digest()).decode(),
        "P": package.name,
        "V": package.version,
        "A": "x86_64",
        "S": size,
        "I": installed_size,
        "L": "MIT",
        "o": package.name,
    }
    for letter, key in RECORD_FIELDS.items():
        if key in package.fields:
            fields[letter] = package.fields[key]
    return "".join(f"{letter}:{value}\n" for letter, value in fields.items())


def build_package(package: PackageSpec, key: str = KEY) -> tuple[bytes, str]:
    """Return the signed file of an empty package and its record in the index."""
    data = segment({}, last=True)
    control = control_segment(package, data)
    file = sign(control, key) + data
    return file, index_record(package, control, len(file))


def index(records: list[str]) -> bytes:
    """Return an unsigned index."""
    text = "".join(f"{record}\n" for record in records)
    return segment({"DESCRIPTION": b"tests", "APKINDEX": text.encode()}, last=True)


def alpine(prelude: str) -> Shell:
    """Return a shell in the Alpine image, in this machine's network, that runs a prelude first."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        command = ["docker", "run", "--rm", "-i", "--network", "host", "--platform", platform]
        if cache:
            command += ["-v", f"{cache}:/cache"]
        return process.run([*command, IMAGE, "sh", "-s"], stdin=prelude + script)

    return shell


def alpine_with_repositories(*addresses: str) -> Shell:
    """Return a shell in the Alpine image with these repositories instead of its own."""
    lines = "\n".join(addresses)
    return alpine(f"echo '{lines}' > /etc/apk/repositories\n")


@contextmanager
def repository(*packages: PackageSpec) -> Iterator[Repository]:
    """Serve a repository with these packages, for an Alpine image that has no other one."""
    with serving() as server:
        records = []
        for package in packages:
            content, record = build_package(package)
            records.append(record)
            server.replies[f"{FOLDER}{package.name}-{package.version}.apk"] = Answer(200, content)
        server.replies[f"{FOLDER}APKINDEX.tar.gz"] = Answer(200, sign(index(records)))
        source = f"echo {server.url}/repo/main > /etc/apk/repositories\n"
        trust = f"echo '{public_key()}' > /etc/apk/keys/{KEY}.pub\n"
        yield Repository(server, alpine(source + trust))


def core(*requirements: str) -> Group:
    return Group(name="alpine-core", requirements=requirements)


def lock(
    shell: Shell,
    *groups: Group,
    previous: LockFiles | None = None,
    upgrade: Upgrade | None = None,
    progress: Callable[[str], None] = lambda _line: None,
    repositories: tuple[SystemRepository, ...] = (),
) -> LockFiles:
    return apk.resolve(
        Request(
            groups=groups,
            targets=(AMD64,),
            previous=previous or {},
            upgrade=upgrade or Upgrade(),
            system=SystemOptions(shell=shell, repositories=repositories),
            progress=progress,
        )
    )


def added_versions(files: LockFiles, *groups: str) -> dict[str, str]:
    """Return the versions that the groups add by name, without ``-r0``."""
    return {pin.name: pin.version.removesuffix("-r0") for pin in apk.select(files, AMD64, groups)}
