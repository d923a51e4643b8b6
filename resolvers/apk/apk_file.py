"""Package files that images.toml names by address: read here, and resolved like those of an index.

apk gets their records in an index of its own, so it never needs the files, and resolves their
dependencies together with all other requirements. Their sha256 is locked, so no key must have
signed them. A file of apk 2 and 3's first format is a row of gzip members: an optional signature,
the control segment with ``.PKGINFO``, and the data; see apk-package(5).
"""

import base64
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from resolvers.apk.index import ApkRecord, Key
from resolvers.apk.requirement import bare_name, parse_requirement
from resolvers.errors import ExpectedError
from resolvers.types import Group, PackageFile, Request

ARCHITECTURES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
LETTERS = {
    "pkgname": "P",
    "pkgver": "V",
    "arch": "A",
    "size": "I",
    "origin": "o",
    "license": "L",
    "depend": "D",
    "provides": "p",
    "provider_priority": "k",
    "install_if": "i",
}
"""The fields of an index that apk resolves with, by their key in .PKGINFO."""
MAX_CONTROL = 1024 * 1024
"""The largest signature and control segment in bytes, compressed and not."""
CONTROL_FILE = ".PKGINFO"


class ApkFile(msgspec.Struct, frozen=True, kw_only=True):
    """A package file; ``fields`` are those of its record in an index."""

    file: PackageFile
    fields: Mapping[str, str]

    @property
    def key(self) -> Key:
        """The name and the version of the package."""
        return self.fields["P"], self.fields["V"]

    @property
    def file_name(self) -> str:
        """The name of the file in the lock and in a build, whatever its address ends with."""
        return f"{'-'.join(self.key)}.{self.file.sha256[:12]}.apk"

    @property
    def index_record(self) -> str:
        """The text of the record of the package in an index."""
        return "".join(f"{letter}:{value}\n" for letter, value in self.fields.items())

    @property
    def record(self) -> ApkRecord:
        """The record of the package, with the file from its address."""
        depends = self.fields.get("D", "").split()
        return ApkRecord(
            name=self.fields["P"],
            version=self.fields["V"],
            architecture=self.fields["A"],
            file=self.file_name,
            size=self.file.size,
            checksum=self.fields["C"],
            sha256=self.file.sha256,
            origin=self.fields.get("o", ""),
            license=self.fields.get("L", ""),
            depends=tuple(bare_name(name) for name in depends if not name.startswith("!")),
            provides=tuple(bare_name(name) for name in self.fields.get("p", "").split()),
            url=self.file.url,
        )


def read_packages_of(request: Request, platform: str) -> tuple[ApkFile, ...]:
    """Read the package files of a platform. Raises ExpectedError for one that apk cannot use."""
    return tuple(_read(file) for file in request.system.packages if file.platform == platform)


def versions_of(files: Iterable[ApkFile]) -> dict[str, str]:
    """Return the versions by name. Raises ExpectedError if a package has two files."""
    first: dict[str, ApkFile] = {}
    for each in files:
        name, _ = each.key
        other = first.setdefault(name, each)
        if other.file.url != each.file.url:
            problem = f"apk: {name} comes from {other.file.url} in {other.file.group},"
            problem += f" but from {each.file.url} in {each.file.group}"
            hint = "use one file of a package in all stages of a builder"
            raise ExpectedError(problem, hint)
    return {name: each.key[1] for name, each in first.items()}


def with_files(groups: tuple[Group, ...], files: Iterable[ApkFile]) -> tuple[Group, ...]:
    """Return the groups with a requirement for exactly the version of each file."""
    own: dict[str, tuple[str, ...]] = {}
    for each in files:
        group = each.file.group
        own[group] = (*own.get(group, ()), "=".join(each.key))
    return tuple(
        msgspec.structs.replace(group, requirements=(*group.requirements, *own.get(group.name, ())))
        for group in groups
    )


def index_of(files: Iterable[ApkFile]) -> str:
    """Return the text of the index that has the files, each once."""
    return "\n".join(dict.fromkeys(each.index_record for each in files))


def records_of(files: Iterable[ApkFile]) -> dict[Key, ApkRecord]:
    """Return the records of package files."""
    return {each.key: each.record for each in files}


def _read(file: PackageFile) -> ApkFile:
    try:
        control = _control(file.path)
        info = _fields(_package_info(control))
    except (zlib.error, tarfile.TarError, EOFError, KeyError, ValueError) as error:
        problem = f"apk: {file.url} is not a package of apk: {ascii(str(error))[1:-1]}"
        raise ExpectedError(problem, "correct the address, or add to = to place the file") from None
    _check_fields(file, info)
    # Records begin with the checksum, the name and the version.
    first = {"C": _checksum(control), "P": info["P"], "V": info["V"], "S": str(file.size)}
    fields = {**first, **info}
    return ApkFile(file=file, fields=fields)


def _control(path: Path) -> bytes:
    """Return the gzip member with the control segment."""
    with path.open("rb") as source:
        start = source.read(2 * MAX_CONTROL)
    member, rest = _member(start)
    names = _names(member)
    if names and all(name.startswith(".SIGN.") for name in names):
        member, _ = _member(rest)
    if CONTROL_FILE not in _names(member):
        raise ValueError(f"it has no {CONTROL_FILE}")
    return member


def _member(data: bytes) -> tuple[bytes, bytes]:
    """Return the first gzip member of some bytes, still compressed, and the rest."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    reader.decompress(data, MAX_CONTROL)
    if not reader.eof:
        raise ValueError("its control segment is incomplete or too large")
    length = len(data) - len(reader.unused_data)
    return data[:length], data[length:]


def _names(member: bytes) -> list[str]:
    with _tar(member) as tar:
        return tar.getnames()


def _tar(member: bytes) -> tarfile.TarFile:
    # Segments other than the last one have no end of the archive.
    content = zlib.decompress(member, zlib.MAX_WBITS | 16) + bytes(1024)
    return tarfile.open(fileobj=io.BytesIO(content), mode="r:")


def _package_info(control: bytes) -> str:
    with _tar(control) as tar:
        content = tar.extractfile(CONTROL_FILE)
        if content is None:
            raise ValueError(f"its {CONTROL_FILE} is not a file")
        return content.read().decode()


def _checksum(control: bytes) -> str:
    """Return the checksum of an index: SHA-1 over the control segment, as it is compressed."""
    digest = hashlib.sha1(control, usedforsecurity=False).digest()
    return f"Q1{base64.b64encode(digest).decode()}"


def _fields(package_info: str) -> dict[str, str]:
    """Return the fields of a record; values of a repeated key are separated by blanks."""
    fields: dict[str, list[str]] = {}
    for key, value in _lines(package_info):
        if key in LETTERS:
            fields.setdefault(LETTERS[key], []).append(value)
    return {letter: " ".join(values) for letter, values in fields.items()}


def _lines(package_info: str) -> Iterator[tuple[str, str]]:
    for line in package_info.splitlines():
        key, equals, value = line.partition(" = ")
        if equals and not line.startswith("#") and value.isprintable():
            yield key, value


def _check_fields(file: PackageFile, fields: Mapping[str, str]) -> None:
    requirement = f"{fields.get('P', '')}={fields.get('V', '')}"
    if parse_requirement(requirement) is None:
        problem = f"apk: {file.url} has no valid package name and version"
        raise ExpectedError(problem, "use another package")
    architecture = fields.get("A", "")
    expected = ARCHITECTURES.get(file.platform, "")
    if architecture not in {"noarch", expected}:
        problem = f"apk: {file.url} is for the architecture {architecture!a},"
        problem += f" not for {file.platform}"
        hint = f"name the file for {expected} in platforms of the download"
        raise ExpectedError(problem, hint)
