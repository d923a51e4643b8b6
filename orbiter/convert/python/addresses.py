"""Requirements without a name: paths, and addresses of files and repositories."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

from orbiter.convert.values import check_values, table_at
from orbiter.files import is_special
from resolvers.errors import ExpectedError

SCP = re.compile(r"(?:git\+)?(?:ssh://)?([\w.-]+@[\w.-]+):(?!\d+/)([\w.~/-].*)")
"""A repository as scp writes it: ``git@host:user/repository.git``."""
_EXTRAS = re.compile(r"(.*?)(\[[A-Za-z0-9._, -]*\])", re.DOTALL)


def split_extras(text: str) -> tuple[str, str]:
    """Return a path or a name without its extras, and these: ``./src`` and ``[plots]``."""
    match = _EXTRAS.fullmatch(text.strip())
    return (match[1].strip(), match[2]) if match else (text.strip(), "")


def name_of_address(url: str) -> str:
    """Return the name in ``#egg=NAME``, or in the name of a wheel or sdist; "" without one."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    address, _, fragment = url.partition("#")
    for part in fragment.split("&"):
        if part.startswith("egg="):
            return split_extras(unquote(part.removeprefix("egg=")))[0]
    file = unquote(address.partition("?")[0].rpartition("/")[2])
    try:
        if file.endswith(".whl"):
            return str(parse_wheel_filename(file)[0])
        return str(parse_sdist_filename(file)[0])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def without_egg(url: str) -> str:
    """Return an address without ``egg=`` in its fragment, which is the name of the package."""
    address, _, fragment = url.partition("#")
    parts = [part for part in fragment.split("&") if part and not part.startswith("egg=")]
    return f"{address}#{'&'.join(parts)}" if parts else address


def git_url(repository: str, reference: str = "", subdirectory: str = "") -> str:
    """Return the address of a repository as pip writes it."""
    if match := SCP.fullmatch(repository):
        repository = f"ssh://{match[1]}/{match[2]}"
    url = repository if repository.startswith("git+") else f"git+{repository}"
    if reference:
        url += f"@{reference}"
    return f"{url}#subdirectory={subdirectory}" if subdirectory else url


def local_path(text: str, folder: Path, root: Path) -> str:
    """Return a path as images.toml names it, ``./src/labtools``; "" if it is not below ``root``."""
    path = text.removeprefix("file://").removeprefix("file:")
    try:
        relative = (folder / path).resolve().relative_to(root.resolve()).as_posix()
    except (ValueError, OSError):
        return ""
    return relative if relative == "." else f"./{relative}"


def project_name(folder: Path) -> str:
    """Return the name of the Python project in a folder; "" if no pyproject.toml states it."""
    path = folder / "pyproject.toml"
    if is_special(path):
        return ""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return ""
    for table in (table_at(data, "project"), table_at(table_at(data, "tool"), "poetry")):
        if isinstance(table.get("name"), str):
            return str(table["name"])
    return ""


def read_toml(file: Path, text: str) -> dict[str, object]:
    """Return the data of a TOML file. Raises ExpectedError with its name."""
    try:
        data = tomllib.loads(text)
        check_values(file, data)
        return data
    except tomllib.TOMLDecodeError as error:
        problem = f"{file} cannot be read: {error}"
    except (ValueError, RecursionError):
        problem = f"{file} cannot be read: it is nested too deeply, or a number is too long"
    raise ExpectedError(problem, "correct the TOML")
