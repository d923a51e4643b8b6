"""Downloads of OSV exports into the cache: resumable, and only if they have changed.

osv.dev publishes ``<address>/<ecosystem>/all.zip``; companies mirror it. An export has no published
hash, so its ETag says whether a part file belongs to the same export:
https://www.rfc-editor.org/rfc/rfc9110#name-if-range.
"""

import os
import zipfile
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from orbiter.advisories.exports import DAMAGED
from orbiter.store.download import open_part, part_size
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.net.addresses import is_unencrypted, is_url
from resolvers.redaction import redact

VARIABLE = "ORBITER_OSV_URL"
ADDRESS = "https://osv-vulnerabilities.storage.googleapis.com"
"""The public exports of osv.dev: https://google.github.io/osv.dev/data."""
VALIDATORS = ("etag", "last-modified")
"""Headers that identify the version of a file, the best one first."""

ReportBytes = Callable[[int, int], None]
"""Receives the bytes of an export that have arrived, and its size (0 if unknown)."""


class Update(NamedTuple):
    """The result for an ecosystem; ``size`` is that of the export in bytes."""

    ecosystem: str
    size: int
    is_new: bool


def folder() -> Path:
    """Return the folder of the cache with the exports."""
    return cache.folder("osv")


def update(ecosystem: str, progress: ReportBytes) -> Update:
    """Fetch the export of an ecosystem into the cache, continuing an earlier attempt.

    An export that is not a complete zip file is not kept. Raises ExpectedError, also if the address
    is invalid, and HTTPError if it does not answer.
    """
    target = cache.folder("osv", ecosystem) / "all.zip"
    url = f"{_address()}/{quote(ecosystem)}/all.zip"
    with open_part(target.with_name("next"), progress) as part:
        try:
            _download(part, url, target, progress)
        except http.HTTPError as error:
            if error.status != HTTPStatus.NOT_MODIFIED:
                raise http.with_origin(error, _origin()) from error
            return Update(ecosystem, target.stat().st_size, is_new=False)
        size = part_size(part)
        _check(part, url)
        Path(part.name).replace(target)
        _validator(part).replace(_validator_of(target))
    return Update(ecosystem, size, is_new=True)


def _address() -> str:
    """Return the address of the exports, without a slash at its end."""
    address = (os.environ.get(VARIABLE) or ADDRESS).rstrip("/")
    is_known = is_url(address) and address.startswith(("https:", "http:", "file:"))
    if not is_known or is_unencrypted(address):
        raise ExpectedError(
            f"{VARIABLE}={redact(address)} is not an https address",
            f"name the folder that contains <ecosystem>/all.zip, such as {ADDRESS}",
        )
    return address


def _origin() -> str:
    return VARIABLE if os.environ.get(VARIABLE) else ""


def _download(part: BinaryIO, url: str, target: Path, progress: ReportBytes) -> None:
    """Append the missing bytes; repeat the request as long as each attempt adds bytes.

    Raises HTTPError, with the status 304 if the export in ``target`` is current.
    """
    while True:
        before = part_size(part)
        try:
            _append(part, url, target, progress)
            return
        except http.HTTPError as error:
            if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                part.truncate(0)
            elif not error.temporary or part_size(part) <= before:
                raise


def _append(part: BinaryIO, url: str, target: Path, progress: ReportBytes) -> None:
    received = part_size(part)
    with http.stream(url, headers=_conditions(part, target)) as stream:
        if not stream.headers.get("content-range", "").startswith(f"bytes {received}-"):
            part.truncate(0)  # the whole file follows
            received = 0
            _validator(part).write_text(_validator_in(stream.headers), encoding="utf-8")
        total = received + int(stream.headers.get("content-length", 0))
        for chunk in stream.chunks:
            part.write(chunk)
            received += len(chunk)
            progress(received, total)


def _conditions(part: BinaryIO, target: Path) -> dict[str, str]:
    """Return the headers of a request for the rest of the same file, or for a newer one."""
    version = _read(_validator(part))
    if part_size(part) and version:
        return {"range": f"bytes={part_size(part)}-", "if-range": version}
    if not target.exists():
        return {}
    current = _read(_validator_of(target))
    if current.startswith('"'):
        return {"if-none-match": current}
    return {"if-modified-since": current} if current else {}


def _validator_in(headers: Mapping[str, str]) -> str:
    """Return the version of a response; a weak ETag cannot be used for ranges."""
    found = (headers.get(name, "") for name in VALIDATORS)
    return next((each for each in found if each and not each.startswith("W/")), "")


def _validator(part: BinaryIO) -> Path:
    return _validator_of(Path(part.name))


def _validator_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.version")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _check(part: BinaryIO, url: str) -> None:
    """Raise ExpectedError, and drop the bytes, if a file is not a zip file with records."""
    part.flush()
    try:
        with zipfile.ZipFile(Path(part.name)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        part.truncate(0)
        problem = f"{redact(url)} is not a complete zip file: {error}"
        raise ExpectedError(problem, DAMAGED) from error
    if not any(name.endswith(".json") for name in names):
        part.truncate(0)
        raise ExpectedError(f"{redact(url)} contains no advisories", DAMAGED)
