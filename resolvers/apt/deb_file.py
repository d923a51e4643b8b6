"""Package files that images.toml names by address: read here, and resolved like those of an index.

apt gets their records in an index of its own, so it never needs the files, and resolves their
dependencies together with all other requirements.
"""

import re
from collections.abc import Iterable, Mapping
from lzma import LZMAError
from tarfile import TarError

import msgspec

from resolvers.apt.architectures import ARCHITECTURES
from resolvers.apt.index import DebRecord
from resolvers.apt.requirement import PACKAGE_NAME
from resolvers.distro.package_files import check_architecture, in_index_too
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemPackageFile
from resolvers.types.request import Request

FIELDS = (
    "Package",
    "Source",
    "Version",
    "Architecture",
    "Multi-Arch",
    "Essential",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Provides",
)
"""The fields of a control file that apt resolves with, and Source; see deb-control(5)."""
VERSION = re.compile(r"(?:[0-9]+:)?[A-Za-z0-9.+~-]+")


class DebFile(msgspec.Struct, frozen=True, kw_only=True):
    """A package file, with the fields of its control file."""

    file: SystemPackageFile
    fields: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the package."""
        return self.fields["Package"]

    @property
    def version(self) -> str:
        """The version of the package."""
        return self.fields["Version"]

    @property
    def file_name(self) -> str:
        """The name of the file in the lock and in a build, whatever its address ends with."""
        version = self.version.rpartition(":")[2]
        return f"{self.name}_{version}_{self.file.sha256[:12]}.deb"

    @property
    def record(self) -> str:
        """The record of the package in an index."""
        fields = {
            **self.fields,
            "Filename": self.file_name,
            "Size": str(self.file.size),
            "SHA256": self.file.sha256,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items())


def read_packages_of(request: Request, platform: str) -> tuple[DebFile, ...]:
    """Read the package files of a platform. Raises ExpectedError for one that apt cannot use."""
    return tuple(_read(file) for file in request.system.packages if file.platform == platform)


def index_of(debs: Iterable[DebFile]) -> str:
    """Return the index that has the files, each once."""
    return "\n".join(dict.fromkeys(deb.record for deb in debs))


def addresses_of(records: Mapping[str, DebRecord], debs: Iterable[DebFile]) -> dict[str, str]:
    """Return the address of each package that comes from one, by key.

    Raises ExpectedError if apt chose another file with the version of a package file.
    """
    files = {deb.name: deb for deb in debs}
    found = {}
    for key, record in records.items():
        deb = files.get(record.name)
        if deb is None:
            continue
        if (record.file, record.sha256) != (deb.file_name, deb.file.sha256):
            raise in_index_too(deb, "apt")
        found[key] = deb.file.url
    return found


def _read(file: SystemPackageFile) -> DebFile:
    from debian.arfile import ArError
    from debian.debfile import DebFile as Archive

    try:
        with Archive(file.path) as archive:
            control = archive.debcontrol()
            fields = {name: " ".join(control[name].split()) for name in FIELDS if name in control}
    except (ArError, TarError, LZMAError, EOFError, OSError, ValueError, KeyError) as error:
        problem = f"apt: {file.url} is not a Debian package: {ascii(str(error))[1:-1]}"
        raise ExpectedError(problem, "correct the address, or add to = to place the file") from None
    _check_fields(file, fields)
    return DebFile(file=file, fields=fields)


def _check_fields(file: SystemPackageFile, fields: Mapping[str, str]) -> None:
    name, version = fields.get("Package", ""), fields.get("Version", "")
    if not PACKAGE_NAME.fullmatch(name) or not VERSION.fullmatch(version):
        problem = f"apt: {file.url} has no valid package name and version"
        raise ExpectedError(problem, "use another package")
    check_architecture(file, fields.get("Architecture", ""), "all", ARCHITECTURES, "apt")
