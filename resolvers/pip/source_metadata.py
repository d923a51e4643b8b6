"""The version of an sdist that comes from an address: only the sdist itself contains it."""

import sys
import tomllib
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from resolvers import uv_program
from resolvers.errors import ExpectedError, ProgramError
from resolvers.index import direct
from resolvers.index.routes import Routes
from resolvers.pip.index_proxy import IndexProxy, serve
from resolvers.pip.sdists import text_in
from resolvers.scratch import temporary_folder
from resolvers.types import Artifact, Request


def version(request: Request, name: str, sdist: Artifact) -> str:
    """Return the normalised version of an sdist that is in the cache.

    It is that of its PKG-INFO or its pyproject.toml. If both do not say it, builds a wheel. Raises
    ExpectedError if it is the sdist of another package, or no sdist.
    """
    with direct.cached_path(sdist.hash).open("rb") as file:
        headers = HeaderParser().parsestr(text_in(sdist.file, file, "PKG-INFO"))
    found = headers.get("Name", ""), headers.get("Version", "")
    if not all(found):
        found = _static(sdist)
    if not all(found):
        found = _built(request, name, sdist)
    if canonicalize_name(found[0]) != name:
        raise other_package(name, found[0], sdist.file)
    try:
        return str(Version(found[1]))
    except InvalidVersion as error:
        raise ExpectedError(f"{name}: {error}", "ask its author to correct the version") from error


def other_package(name: str, found: str, file: str) -> ExpectedError:
    """Return the error for a file that contains another package than the requirement names."""
    return ExpectedError(
        f"{file} is the package '{found}', not '{name}'", f"write {found} @ … in images.toml"
    )


def _static(sdist: Artifact) -> tuple[str, str]:
    """Return the name and the version in the pyproject.toml of an sdist; "" for a missing one."""
    with direct.cached_path(sdist.hash).open("rb") as file:
        text = text_in(sdist.file, file, "pyproject.toml")
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise ExpectedError(f"pyproject.toml of {sdist.file}: {error}") from error
    return str(project.get("name", "")), str(project.get("version", ""))


def _built(request: Request, name: str, sdist: Artifact) -> tuple[str, str]:
    """Return the name and the version of the wheel that an sdist gives on this machine."""
    request.progress(f"building {name}, because its source does not say its version")
    proxy = IndexProxy(Routes(request.pip), as_of=request.as_of)
    with temporary_folder() as folder, serve(proxy) as index_url:
        source = folder / sdist.file
        source.hardlink_to(direct.cached_path(sdist.hash))
        command: list[str | Path] = ["build", "--wheel", "--python", sys.executable]
        command += ["--out-dir", folder / "out", source]
        try:
            uv_program.run(command, index_url=index_url)
        except ProgramError as error:
            if proxy.errors:
                raise proxy.errors[0] from error
            raise ExpectedError(
                f"{sdist.file} does not say its version, and building it failed:\n{error.output}",
                f"name another file of {name}",
            ) from error
        (wheel,) = (folder / "out").glob("*.whl")
        found, found_version, _, _ = parse_wheel_filename(wheel.name)
    return found, str(found_version)
