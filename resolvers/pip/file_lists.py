"""The files that wheels install, from their RECORD and entry points, cached by hash.

Formats: https://packaging.python.org/en/latest/specifications/binary-distribution-format/ and
https://packaging.python.org/en/latest/specifications/entry-points/.
"""

import configparser
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from resolvers import cache
from resolvers.errors import DiskError, ExpectedError
from resolvers.index import remote_wheel
from resolvers.net.http_client import CONNECTIONS
from resolvers.overwrites import SITE_PACKAGES, FileList
from resolvers.pip.locked_files import NO_INDEXES, locked_files
from resolvers.types.packages import Pin

SCHEMES = {"purelib": SITE_PACKAGES, "platlib": SITE_PACKAGES, "scripts": "bin", "data": ""}
"""Folders of a wheel's ``.data`` folder to folders of the environment."""
OF_PYTHON = re.compile(r"lib/python3\.\d+/site-packages/")
SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
REPLACED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of ``.dist-info`` that the installer writes."""


def file_lists(
    pins: Iterable[Pin], indexes: Mapping[str, str] = NO_INDEXES
) -> dict[Pin, FileList | ExpectedError]:
    """Return the files of each wheel, or the error if they cannot be read. Raises DiskError.

    ``indexes`` maps the names of indexes in images.toml to addresses. Reads a few kilobytes of each
    wheel from the index, once. Leaves out sdists, because their files are not known before they are
    built.
    """
    wheels = [pin for pin in pins if pin.artifact.file.endswith(".whl")]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        read = partial(_files_or_error, indexes=indexes)
        return dict(zip(wheels, pool.map(read, wheels), strict=True))


def _files_or_error(pin: Pin, indexes: Mapping[str, str]) -> FileList | ExpectedError:
    try:
        return _cached_files(pin, indexes)
    except DiskError:
        raise  # it concerns all packages
    except ExpectedError as error:
        return error


def _cached_files(pin: Pin, indexes: Mapping[str, str]) -> FileList:
    digest = pin.artifact.hash.partition(":")[2]
    path = cache.folder("wheel-files", digest[:2]) / digest
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        files = _read_files(pin, indexes)
    cache.write(path, msgspec.json.encode(files))
    return files


def _read_files(pin: Pin, indexes: Mapping[str, str]) -> dict[str, str]:
    contents = remote_wheel.dist_info(_url(pin, indexes), ("RECORD",), ("entry_points.txt",))
    record = contents["RECORD"].decode("utf-8", "replace")
    entry_points = contents.get("entry_points.txt", b"").decode("utf-8", "replace")
    return files_of(record, entry_points)


def _url(pin: Pin, indexes: Mapping[str, str]) -> str:
    for locked in locked_files((pin,), indexes):
        return locked.file.url
    raise ExpectedError(f"the package index does not have {pin.artifact.file}")


def files_of(record: str, entry_points: str) -> dict[str, str]:
    """Return the installed files with their hashes, and the scripts with what they call. Pure."""
    files: dict[str, str] = {}
    for row in csv.reader(io.StringIO(record)):
        if row and not row[0].endswith("/") and not _is_replaced(row[0]):
            content = ",".join(row[1:])
            files[_installed_path(row[0])] = content
    for name, reference in _scripts(entry_points):
        files[f"bin/{name}"] = f"script {reference}"
    return files


def _is_replaced(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder.endswith(".dist-info") and name in REPLACED


def _installed_path(path: str) -> str:
    """Return the path in the environment of a path in a wheel."""
    folder, _, rest = path.partition("/")
    scheme, _, below = rest.partition("/")
    if folder.endswith(".data") and scheme == "headers":
        return f"include/{folder.partition('-')[0]}/{below}"
    if not folder.endswith(".data") or scheme not in SCHEMES:
        return f"{SITE_PACKAGES}/{path}"
    installed = f"{SCHEMES[scheme]}/{below}".removeprefix("/")
    return OF_PYTHON.sub(f"{SITE_PACKAGES}/", installed)


def _scripts(entry_points: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each script and the function that it calls."""
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    try:
        parser.read_string(entry_points)
    except configparser.Error:
        return  # installers ignore a malformed file, too
    for group in SCRIPT_GROUPS:
        if parser.has_section(group):
            for name, reference in parser.items(group):
                yield name, re.sub(r"\[.*", "", reference).replace(" ", "")
