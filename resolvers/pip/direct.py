"""Direct references: the pip requirements of images.toml with an address (``name @ https://…``).

direct-references.toml has the file that each of them was locked to. The engines see it as the only
file of an ordinary package, so their lock files have no addresses. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.index.source import DIRECT
from resolvers.pip.toml_file import read_toml, toml_string
from resolvers.types import DirectFile, Group, LockFiles, Pin, Request

RESTORE = "restore it from git, or lock again"
FILE = "direct-references.toml"
HEADER = "# The pip packages that images.toml takes from an address, and their locked files.\n"


def references(groups: Iterable[Group]) -> dict[str, str]:
    """Return the address of each package that is required by one, sorted by name.

    Raises ExpectedError if two groups name different addresses for a package.
    """
    found: dict[str, str] = {}
    for group in groups:
        for requirement in map(Requirement, group.requirements):
            if not requirement.url:
                continue
            name = canonicalize_name(requirement.name)
            if found.setdefault(name, requirement.url) != requirement.url:
                raise ExpectedError(
                    f"'{name}' comes from {found[name]}, but from {requirement.url} in "
                    f"stage '{group.name}'",
                    "require it from the same address in all stages of the builder",
                )
    return dict(sorted(found.items()))


def with_files(request: Request, files: tuple[DirectFile, ...]) -> Request:
    """Return the request with the versions of the files instead of their addresses."""
    if not files:
        return request
    versions = {file.name: file.version for file in files}
    groups = tuple(
        replace(group, requirements=tuple(_plain(text, versions) for text in group.requirements))
        for group in request.groups
    )
    return replace(request, groups=groups, pip=replace(request.pip, direct=files))


def _plain(text: str, versions: Mapping[str, str]) -> str:
    """Return a requirement with the exact version of its file instead of the address."""
    requirement = Requirement(text)
    if not requirement.url:
        return text
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    version = versions[canonicalize_name(requirement.name)]
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}{extras}=={version}{marker}"


def render(files: Iterable[DirectFile]) -> str:
    """Return the text of direct-references.toml, "" without files."""
    tables = "".join(map(_table, sorted(files)))
    return f"{HEADER}{tables}" if tables else ""


def _table(file: DirectFile) -> str:
    texts = ("name", "version", "reference", "source", "file", "hash")
    lines = "".join(f"{key} = {toml_string(getattr(file, key))}\n" for key in texts)
    return f"\n[[package]]\n{lines}size = {file.size}\n"


def read(files: LockFiles) -> tuple[DirectFile, ...]:
    """Return the files of direct references in a lock; raise ExpectedError if it is malformed."""
    if FILE not in files:
        return ()
    try:
        tables = read_toml(files, FILE).get("package", [])
        found = msgspec.convert(tables, type=tuple[DirectFile, ...])
    except msgspec.ValidationError as error:
        raise ExpectedError(f"{FILE}: {error}", RESTORE) from error
    for file in found:
        if not DIRECT.fullmatch(file.source):
            raise ExpectedError(f"{FILE}: '{file.source}' is not a source of {file.name}", RESTORE)
    return found


def pins(files: LockFiles) -> tuple[Pin, ...]:
    """Return a pin for each file of a direct reference in a lock."""
    return tuple(
        Pin(name=file.name, version=file.version, artifact=file.artifact) for file in read(files)
    )


def sources(files: LockFiles) -> dict[str, str]:
    """Map the packages with direct references to the source of their only file."""
    return {file.name: file.source for file in read(files)}


def kept(request: Request) -> Iterator[DirectFile]:
    """Yield the locked files that stay: same address, and no upgrade concerns them."""
    if request.upgrade.everything:
        return
    upgraded = set(map(canonicalize_name, request.upgrade.packages))
    wanted = references(request.groups)
    for file in read(request.previous):
        if wanted.get(file.name) == file.reference and file.name not in upgraded:
            yield file
