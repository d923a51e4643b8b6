"""The version of an sdist or a source tree from an address: only the source itself contains it."""

import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from resolvers import uv_program
from resolvers.errors import ExpectedError, ProgramError
from resolvers.index import direct
from resolvers.index.git_address import GitAddress
from resolvers.index.git_sdist import Project, project_in, stated_project
from resolvers.index.routes import Routes
from resolvers.index.tar_archive import pack
from resolvers.pip.index_proxy import IndexProxy, serve
from resolvers.pip.sdists import text_in
from resolvers.scratch import temporary_folder
from resolvers.types.options import TreeFile
from resolvers.types.packages import Artifact
from resolvers.types.request import Request

RELEASE = re.compile(r"(?:[A-Za-z._-]*[-_/])?v?(\d[^/]*)")
"""A tag with a version, such as ``v1.0``, ``1.0`` or ``tools-1.0``."""


def version(request: Request, name: str, sdist: Artifact) -> str:
    """Return the normalised version of an sdist that is in the cache.

    It is that of its PKG-INFO or its pyproject.toml. If both do not state it, builds a wheel.
    Raises ExpectedError if it is the sdist of another package, or no sdist.
    """
    path = direct.cached_path(sdist.hash)
    with path.open("rb") as file:
        headers = HeaderParser().parsestr(text_in(sdist.file, file, "PKG-INFO"))
        file.seek(0)
        stated = project_in(text_in(sdist.file, file, "pyproject.toml"))
    found = Project(headers.get("Name", ""), headers.get("Version", ""))
    if not all(found):
        found = stated
    if not all(found):
        found = _built(request, name, path, sdist.file)
    return _checked(name, found, sdist.file)


def tree_version(
    request: Request, name: str, files: tuple[TreeFile, ...], address: GitAddress, commit: str
) -> str:
    """Return the normalised version of the source tree of a commit; see ``version``.

    Tools that take it from git get the one in the tag of the address.
    """
    found = stated_project(files)
    if not all(found):
        variables = {"SETUPTOOLS_SCM_PRETEND_VERSION": _tag_version(address.ref, commit)}
        with temporary_folder() as folder:
            path = folder / "source"
            path.write_bytes(pack(files, f"{name}-0"))
            file_name = f"{name.replace('-', '_')}-0.tar.gz"
            found = _built(request, name, path, file_name, variables)
    return _checked(name, found, address.url)


def _tag_version(ref: str, commit: str) -> str:
    """Return the version in the name of a tag, or one with the commit if there is none."""
    match = RELEASE.fullmatch(ref)
    try:
        return str(Version(match[1] if match else ""))
    except InvalidVersion:
        return f"0+g{commit[:12]}"


def _checked(name: str, found: Project, place: str) -> str:
    if canonicalize_name(found.name) != name:
        raise other_package(name, found.name, place)
    try:
        return str(Version(found.version))
    except InvalidVersion as error:
        raise ExpectedError(f"{name}: {error}", "ask its author to correct the version") from error


def other_package(name: str, found: str, place: str) -> ExpectedError:
    """Return the error for a file that contains another package than the requirement names."""
    return ExpectedError(
        f"{place} is the package '{found}', not '{name}'", f"write {found} @ … in images.toml"
    )


def _built(
    request: Request,
    name: str,
    path: Path,
    file_name: str,
    variables: Mapping[str, str] = {},
) -> Project:
    """Return the name and the version of the wheel that an sdist gives on this machine."""
    request.progress(f"building {name}, because its source does not state its version")
    proxy = IndexProxy(Routes(request.pip), as_of=request.as_of)
    with temporary_folder() as folder, serve(proxy) as index_url:
        source = _unpacked(path, file_name, folder / "source")
        command: list[str | Path] = ["build", "--wheel", "--python", sys.executable]
        command += ["--out-dir", folder / "out", source]
        try:
            uv_program.run(command, index_url=index_url, env=variables)
        except ProgramError as error:
            if proxy.errors:
                raise proxy.errors[0] from error
            raise ExpectedError(
                f"'{name}' does not state its version, and building it failed:\n{error.output}",
                f"name another file or another tag of {name}",
            ) from error
        (wheel,) = (folder / "out").glob("*.whl")
        found, found_version, _, _ = parse_wheel_filename(wheel.name)
    return Project(found, str(found_version))


def _unpacked(path: Path, file_name: str, folder: Path) -> Path:
    """Unpack an sdist below a folder, and return its top folder."""
    try:
        if file_name.endswith(".zip"):
            shutil.unpack_archive(path, folder, "zip")
        else:
            shutil.unpack_archive(path, folder, "gztar", filter="data")
        (top,) = folder.iterdir()
    except (shutil.ReadError, tarfile.TarError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise ExpectedError(f"{file_name} is not a valid sdist: {error}") from error
    return top
