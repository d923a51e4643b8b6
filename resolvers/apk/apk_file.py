"""Package files that images.toml names by address: read here, and resolved like those of an index.

apk gets their records in an index of its own, so it never needs the files, and resolves their
dependencies together with all other requirements. Their sha256 is locked, so no key must have
signed them. A file is a row of gzip members: optional signatures, the control section with
``.PKGINFO``, and the data; see apk-v2(5).
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
from resolvers.distro.package_files import check_architecture
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemPackageFile
from resolvers.types.request import Request
from resolvers.types.tar_entry import CheckedTarInfo

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
"""The largest signature and control section in bytes, compressed and not."""
CONTROL_FILE = ".PKGINFO"


class ApkFile(msgspec.Struct, frozen=True, kw_only=True):
    """A package file; ``fields`` are those of its record in an index."""

    file: SystemPackageFile
    fields: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the package."""
        return self.fields["P"]

    @property
    def version(self) -> str:
        """The version of the package."""
        return self.fields["V"]

    @property
    def key(self) -> Key:
        """The key of its record."""
        return self.name, self.version

    @property
    def file_name(self) -> str:
        """The name of the file in the lock and in a build, whatever its address ends with."""
        return f"{self.name}-{self.version}.{self.file.sha256[:12]}.apk"

    @property
    def index_record(self) -> str:
        """The text of the record of the package in an index."""
        return "".join(f"{letter}:{value}\n" for letter, value in self.fields.items())

    @property
    def record(self) -> ApkRecord:
        """The record of the package, with the file from its address."""
        depends = self.fields.get("D", "").split()
        return ApkRecord(
            name=self.name,
            version=self.version,
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


def index_of(files: Iterable[ApkFile]) -> str:
    """Return the text of the index that has the files, each once."""
    return "\n".join(dict.fromkeys(each.index_record for each in files))


def _read(file: SystemPackageFile) -> ApkFile:
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
    """Return the gzip member with the control section."""
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
        raise ValueError("its control section is incomplete or too large")
    length = len(data) - len(reader.unused_data)
    return data[:length], data[length:]


def _names(member: bytes) -> list[str]:
    with _tar(member) as tar:
        return tar.getnames()


def _tar(member: bytes) -> tarfile.TarFile:
    # Segments other than the last one have no end of the archive.
    content = zlib.decompress(member, zlib.MAX_WBITS | 16) + bytes(1024)
    return tarfile.open(fileobj=io.BytesIO(content), mode="r:", tarinfo=CheckedTarInfo)


def _package_info(control: bytes) -> str:
    with _tar(control) as tar:
        content = tar.extractfile(CONTROL_FILE)
        if content is None:
            raise ValueError(f"its {CONTROL_FILE} is not a file")
        return content.read().decode()


def _checksum(control: bytes) -> str:
    """Return the checksum of an index: SHA-1 over the control section, as it is compressed."""
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


def _check_fields(file: SystemPackageFile, fields: Mapping[str, str]) -> None:
    requirement = f"{fields.get('P', '')}={fields.get('V', '')}"
    if parse_requirement(requirement) is None:
        problem = f"apk: {file.url} has no valid package name and version"
        raise ExpectedError(problem, "use another package")
    check_architecture(file, fields.get("A", ""), "noarch", ARCHITECTURES, "apk")
