"""Alpine images with small package repositories of our own, signed and served over HTTP; and the recipe of a build."""

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
from resolvers.types import Group, LockFiles, Request, Shell, SystemOptions, Target, Upgrade
from tests.support.loopback import Answer, Server, serving

IMAGE = "alpine:3.23"
AMD64 = Target(platform="linux/amd64")
FOLDER = "/repo/main/x86_64/"
KEY = "tests.rsa"
KEYS = TemporaryDirectory(prefix="apk-key")


class PackageSpec(NamedTuple):
    """A package that a repository shall have; ``fields`` are those of .PKGINFO, several values apart by blanks."""

    name: str
    version: str
    fields: Mapping[str, str] = {}


class Repository(NamedTuple):
    server: Server
    shell: Shell

    def downloads(self) -> list[str]:
        """The packages that were asked for since the last time, sorted."""
        asked = [request.path.rpartition("/")[2] for request in self.server.requests]
        self.server.requests.clear()
        return sorted(file for file in asked if file.endswith(".apk"))


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
    """A gzip member that holds files as a tar; without ``last`` another one may follow it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        size = tar.offset
    return gzip.compress(out.getvalue() if last else out.getvalue()[:size], mtime=0)


def signed(content: bytes, key: str = KEY) -> bytes:
    command = ["openssl", "dgst", "-sha1", "-sign", str(private_key(key))]
    signature = subprocess.run(command, input=content, check=True, capture_output=True).stdout
    return segment({f".SIGN.RSA.{KEY}.pub": signature}) + content


def control(package: PackageSpec, data: bytes) -> bytes:
    fields = {
        "pkgname": package.name,
        "pkgver": package.version,
        "arch": "x86_64",
        "license": "MIT",
    }
    lines = [*fields.items(), ("datahash", hashlib.sha256(data).hexdigest())]
    lines += [(key, value) for key, values in package.fields.items() for value in values.split()]
    return segment({".PKGINFO": "".join(f"{key} = {value}\n" for key, value in lines).encode()})


def built(package: PackageSpec, key: str = KEY) -> tuple[bytes, str]:
    """The file of a package, signed, and its record in the index."""
    data = segment({}, last=True)
    head = control(package, data)
    file = signed(head, key) + data
    checksum = "Q1" + base64.b64encode(hashlib.sha1(head).digest()).decode()
    record = {
        "C": checksum,
        "P": package.name,
        "V": package.version,
        "A": "x86_64",
        "S": len(file),
        "I": 0,
    }
    record |= {"L": "MIT", "o": package.name}
    record |= {
        short: package.fields[key]
        for short, key in (("D", "depend"), ("p", "provides"))
        if key in package.fields
    }
    return file, "".join(f"{key}:{value}\n" for key, value in record.items())


def index(records: list[str]) -> bytes:
    """An index that nobody has signed yet."""
    return segment(
        {"DESCRIPTION": b"tests", "APKINDEX": "".join(f"{each}\n" for each in records).encode()},
        last=True,
    )


def alpine(prelude: str) -> Shell:
    """A shell in the Alpine image after some own preparation, in the network of this machine."""

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        mount = ["-v", f"{cache}:/cache"] if cache else []
        command = [
            "docker",
            "run",
            "--rm",
            "-i",
            "--network",
            "host",
            "--platform",
            platform,
            *mount,
            IMAGE,
            "sh",
            "-s",
        ]
        return process.run(command, stdin=prelude + script)

    return shell


def alpine_with_repositories(*addresses: str) -> Shell:
    """The Alpine image with these repositories instead of its own."""
    return alpine(f"echo '{chr(10).join(addresses)}' > /etc/apk/repositories\n")


@contextmanager
def repository(*packages: PackageSpec) -> Iterator[Repository]:
    """The Alpine image with one small repository of our own instead of its own, and the server that has it."""
    with serving() as server:
        records = []
        for package in packages:
            content, record = built(package)
            records.append(record)
            server.replies[f"{FOLDER}{package.name}-{package.version}.apk"] = Answer(200, content)
        server.replies[f"{FOLDER}APKINDEX.tar.gz"] = Answer(200, signed(index(records)))
        trust = f"echo '{public_key()}' > /etc/apk/keys/{KEY}.pub\n"
        yield Repository(
            server, alpine(f"echo {server.url}/repo/main > /etc/apk/repositories\n{trust}")
        )


def core(*requirements: str) -> Group:
    return Group(name="alpine-core", requirements=requirements)


def lock(
    shell: Shell,
    *groups: Group,
    previous: LockFiles | None = None,
    upgrade: Upgrade | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> LockFiles:
    return apk.resolve(
        Request(
            groups=groups,
            targets=(AMD64,),
            previous=previous or {},
            upgrade=upgrade or Upgrade(),
            system=SystemOptions(shell=shell),
            progress=progress,
        )
    )


def names(files: LockFiles, *groups: str) -> dict[str, str]:
    """What the groups add, name to version without ``-r0``."""
    return {pin.name: pin.version.removesuffix("-r0") for pin in apk.select(files, AMD64, groups)}
