"""Locks the direct references of images.toml: finds each file, its package name and its version."""

import base64
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from resolvers import git
from resolvers.errors import ExpectedError
from resolvers.index import direct, remote_wheel
from resolvers.index.git_address import PREFIX, parse_address
from resolvers.index.git_sdist import Commit, read_commit, sdist, sdist_name
from resolvers.index.source import FOLDER, URL
from resolvers.pip import source_metadata
from resolvers.pip.direct import (
    FILE,
    contents,
    folder_source,
    kept,
    read,
    references,
    render,
    with_files,
)
from resolvers.pip.folder_wheel import build_wheel, wheel_version
from resolvers.types.options import DirectFile
from resolvers.types.packages import Artifact
from resolvers.types.request import LockWarning, Request

SMALL = 64 * 1024
"""The largest wheel in bytes that a lock contains itself."""
ZIP, TAR = ".zip", ".tar.gz"
SUBMODULES = "name a release that contains what it needs, or check that its build works without"
NO_UPLOAD_TIME = "an address has no upload time, so --as-of does not apply to this file"


def with_direct_files(request: Request) -> Request:
    """Return the request with a locked file for each direct reference of its groups.

    A file of the previous lock stays, unless its address differs or it is to be upgraded. Others
    are downloaded. Raises HTTPError and ExpectedError.
    """
    wanted = references(request.groups)
    if not wanted:
        return request
    locked = {file.name: file for file in kept(request)}
    for name, reference in wanted.items():
        if name not in locked:
            request.progress(f"locking {name} from {reference}")
            locked[name] = _lock(request, name, reference)
    return with_files(request, tuple(sorted(locked.values())))


def _lock(request: Request, name: str, reference: str) -> DirectFile:
    if name in request.pip.folders:
        return _lock_folder(request, name, reference)
    if reference.startswith(PREFIX):
        return _lock_commit(request, name, reference)
    return _lock_url(request, name, reference)


def prepare(request: Request) -> None:
    """Fetch the direct files that the engines will read, and warn about what is not known of them.

    Raises HTTPError, and ExpectedError for a file that is not the locked one any more.
    """
    for file in request.pip.direct:
        _fetch(request, file)
        if request.as_of and file.source.startswith(URL):
            request.warn(LockWarning(file.name, NO_UPLOAD_TIME))


def _fetch(request: Request, file: DirectFile) -> None:
    """Put a locked file into the cache, unless it is there."""
    if direct.cached_path(file.hash).exists():
        return
    if not file.source.startswith(FOLDER):
        direct.index_file(file.artifact)
        return
    content = contents({FILE: render((file,))}).get(file.hash)
    folder = request.pip.folders[file.name]
    if content is None:
        content = build_wheel(request, file.name, folder, file.build).content
    if direct.keep(content) != file.hash:
        raise ExpectedError(
            f"building {folder.path} gave another wheel than the locked one ({file.hash})",
            f"lock the new one with --upgrade-package {file.name}",
        )


def _earlier_build(request: Request, name: str) -> tuple[str, ...]:
    """Return the build requirements of an earlier wheel, unless an upgrade concerns it."""
    upgraded = set(map(canonicalize_name, request.upgrade.packages))
    if request.upgrade.everything or name in upgraded:
        return ()
    builds = (file.build for file in read(request.previous) if file.name == name)
    return next(builds, ())


def _lock_folder(request: Request, name: str, reference: str) -> DirectFile:
    """Build the wheel of a folder, with the build requirements of an earlier build if possible."""
    folder = request.pip.folders[name]
    wheel = build_wheel(request, name, folder, _earlier_build(request, name))
    found, version = wheel_version(wheel.file)
    if found != name:
        raise source_metadata.other_package(name, found, folder.path)
    is_small = len(wheel.content) <= SMALL
    return DirectFile(
        name=name,
        version=version,
        reference=reference,
        source=folder_source(folder),
        file=wheel.file,
        hash=direct.keep(wheel.content),
        size=len(wheel.content),
        content=base64.b64encode(wheel.content).decode() if is_small else "",
        build=wheel.requirements,
    )


def _lock_url(request: Request, name: str, reference: str) -> DirectFile:
    url, _, fragment = reference.partition("#")
    digest, size = direct.download(url)
    expected = fragment.removeprefix("sha256=")
    if expected and digest != f"sha256:{expected.lower()}":
        raise ExpectedError(
            f"{url} is not the file that images.toml names: expected sha256:{expected.lower()}, "
            f"got {digest}",
            f"correct the sha256 of {name}, or ask the author of the file why it changed",
        )
    file_name = unquote(urlsplit(url).path.rpartition("/")[2])
    artifact = Artifact(file=file_name, hash=digest, size=size, source=f"{URL}{url}")
    if file_name.endswith(".whl"):
        version = _wheel_version(name, artifact)
    else:
        version = source_metadata.version(request, name, artifact)
        file_name = _sdist_name(name, version, file_name)
    return DirectFile(
        name=name,
        version=version,
        reference=reference,
        source=artifact.source,
        file=file_name,
        hash=digest,
        size=size,
    )


def _wheel_version(name: str, wheel: Artifact) -> str:
    try:
        found, version, _, _ = parse_wheel_filename(wheel.file)
    except InvalidWheelFilename as error:
        raise ExpectedError(f"{name}: {error}", "name the address of a wheel") from error
    if found != name:
        raise source_metadata.other_package(name, found, wheel.file)
    remote_wheel.metadata(direct.cached_path(wheel.hash).as_uri())  # fails if it is not a wheel
    return str(version)


def _sdist_name(name: str, version: str, file_name: str) -> str:
    """Return the file name of an sdist: its own if that has the name and the version."""
    try:
        found, found_version = parse_sdist_filename(file_name)
    except InvalidSdistFilename:
        pass
    else:
        if found == name and str(found_version) == version:
            return file_name
    usual = sdist_name(name, version)
    return usual.replace(TAR, ZIP) if file_name.endswith(ZIP) else usual


def _lock_commit(request: Request, name: str, reference: str) -> DirectFile:
    """Lock a package to the commit of a tag or a branch, and to an sdist that is made of it."""
    address = parse_address(reference)
    if address is None:
        raise ExpectedError(
            f"'{reference}' is not the address of a git repository",
            "for example git+https://host/repository.git@v1.0",
        )
    pinned = address._replace(ref=git.commit_of(address.url, address.ref))
    commit = read_commit(pinned)
    _check_time(request, commit, f"{reference} is the commit {pinned.ref}")
    for path in commit.submodules:
        text = f"the submodule {path} of its repository is not part of it"
        request.warn(LockWarning(name, text, SUBMODULES))
    version = source_metadata.tree_version(request, name, commit.files, address, pinned.ref)
    content = sdist(commit.files, name, version)
    return DirectFile(
        name=name,
        version=version,
        reference=reference,
        source=pinned.source,
        file=sdist_name(name, version),
        hash=direct.keep(content),
        size=len(content),
    )


def _check_time(request: Request, commit: Commit, subject: str) -> None:
    """Raise ExpectedError if the commit was made after the moment of --as-of."""
    if request.as_of and commit.made > request.as_of:
        raise ExpectedError(
            f"{subject} of {commit.made:%Y-%m-%d}, later than --as-of",
            "name a tag or a commit from before that, or leave out --as-of",
        )
