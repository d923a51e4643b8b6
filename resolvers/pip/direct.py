"""Direct references: the pip requirements of images.toml with an address (``name @ https://…``).

direct-references.toml has the file that each of them was locked to. The engines see it as the only
file of an ordinary package, so their lock files have no addresses. Pure.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import msgspec
from msgspec.structs import replace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.index.source import DIRECT, FOLDER
from resolvers.pip.toml_file import read_toml, toml_array, toml_string
from resolvers.types.options import DirectFile, SourceFolder
from resolvers.types.packages import Artifact, LockFiles, Pin
from resolvers.types.request import Group, Request

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
    # Without the address, str() writes the name, the extras, the version and the marker.
    requirement.url = None
    requirement.specifier = SpecifierSet(f"=={versions[canonicalize_name(requirement.name)]}")
    return str(requirement)


def render(files: Iterable[DirectFile]) -> str:
    """Return the text of direct-references.toml, "" without files."""
    tables = "".join(map(_table, sorted(files)))
    return f"{HEADER}{tables}" if tables else ""


def _table(file: DirectFile) -> str:
    texts = ("name", "version", "reference", "source", "file", "hash")
    lines = "".join(f"{key} = {toml_string(getattr(file, key))}\n" for key in texts)
    lines += f"size = {file.size}\n"
    if file.build:
        lines += f"build = {toml_array(file.build)}"
    if file.content:
        lines += f"content = {toml_string(file.content)}\n"
    return f"\n[[package]]\n{lines}"


def read(files: LockFiles) -> tuple[DirectFile, ...]:
    """Return the files of direct references in a lock; raise ExpectedError if it is malformed."""
    return _read_text(files[FILE]) if FILE in files else ()


@lru_cache(maxsize=4)  # the same lock is read for many stages and platforms
def _read_text(text: str) -> tuple[DirectFile, ...]:
    try:
        tables = read_toml({FILE: text}, FILE).get("package", [])
        found = msgspec.convert(tables, type=tuple[DirectFile, ...])
    except msgspec.ValidationError as error:
        raise ExpectedError(f"{FILE}: {error}", RESTORE) from error
    for file in found:
        if not DIRECT.fullmatch(file.source):
            raise ExpectedError(f"{FILE}: '{file.source}' is not a source of {file.name}", RESTORE)
        if file.content:
            _decoded(file)
    return found


def pins(files: LockFiles) -> tuple[Pin, ...]:
    """Return a pin for each file of a direct reference in a lock."""
    return tuple(
        Pin(name=file.name, version=file.version, artifact=file.artifact) for file in read(files)
    )


def by_name(files: LockFiles) -> dict[str, DirectFile]:
    """Return the files of direct references in a lock by package."""
    return {file.name: file for file in read(files)}


def of_file(file: DirectFile, artifact: Artifact) -> Artifact:
    """Return an artifact of the engine's lock with the source of its direct reference.

    Raises ExpectedError if it is another file.
    """
    if (artifact.file, artifact.hash) != (file.file, file.hash):
        problem = f"{FILE}: the file or hash of {file.name} is not that of the lock file"
        raise ExpectedError(problem, RESTORE)
    return replace(artifact, source=file.source)


def kept(request: Request) -> Iterator[DirectFile]:
    """Yield the locked files that stay: same address, and no upgrade concerns them."""
    if request.upgrade.everything:
        return
    upgraded = set(map(canonicalize_name, request.upgrade.packages))
    wanted = references(request.groups)
    for file in read(request.previous):
        is_wanted = wanted.get(file.name) == file.reference and file.name not in upgraded
        if is_wanted and _is_same_folder(file, request.pip.folders):
            yield file


def _is_same_folder(file: DirectFile, folders: Mapping[str, SourceFolder]) -> bool:
    """Return whether a wheel was built of the files that its folder has now, or of no folder."""
    if not file.source.startswith(FOLDER):
        return True
    folder = folders.get(file.name)
    return folder is not None and file.source == folder_source(folder)


def folder_source(folder: SourceFolder) -> str:
    """Return the source of the wheel of a folder."""
    path = "" if folder.path == "." else folder.path
    return f"{FOLDER}{path}@{folder.digest}"


def contents(files: LockFiles) -> dict[str, bytes]:
    """Return the wheels that a lock contains, by their hash.

    Raises ExpectedError for one that does not have this hash.
    """
    found = {}
    for file in read(files):
        if file.content:
            found[file.hash] = _decoded(file)
    return found


def _decoded(file: DirectFile) -> bytes:
    try:
        content = base64.b64decode(file.content, validate=True)
    except ValueError as error:
        raise ExpectedError(f"{FILE}: the content of {file.name}: {error}", RESTORE) from error
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != file.hash:
        raise ExpectedError(f"{FILE}: the content of {file.name} has another hash", RESTORE)
    if len(content) != file.size:
        raise ExpectedError(f"{FILE}: the content of {file.name} has another size", RESTORE)
    return content
