"""Pages of a package index: the list of a project's files, in HTML or JSON.

PEP 503 defines the HTML format, PEP 691 the JSON format and PEP 629 their versions. PEP 592 adds
yanked files, PEP 658 and PEP 714 metadata files, PEP 700 sizes and upload times.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import msgspec

from resolvers.errors import ExpectedError
from resolvers.index.html import parse_page
from resolvers.index.index_file import IndexFile
from resolvers.net import http
from resolvers.redaction import redact
from resolvers.types.decoding import thread_safe_decoding

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)
SIMPLE_URL = re.compile(r"https?://[\w.:-]+/(?:[\w.:/+~-]*/)?([\w.:+~-]*)", re.ASCII)
"""A complete URL without escapes, and the file name in it.

Nearly all links match. Parsing thousands of them with urllib takes seconds.
"""


def read_page(url: str) -> tuple[IndexFile, ...]:
    """Download a page and return the files on it.

    Raises HTTPError, or ExpectedError if the response is not a page of an index.
    """
    response = http.get(url, headers={"accept": ACCEPT})
    page_url = _with_credentials(response.url, index_url=url)
    content_type = response.headers.get("content-type", "").lower()
    if url.startswith("file:"):
        content_type = "html"  # files have no content type
    if "json" in content_type:
        return _read_json(response.content, page_url)
    if "html" in content_type:
        return _read_html(response.content.decode("utf-8", "replace"), page_url)
    raise _invalid_page(url, f"its content type is '{content_type}'")


def _invalid_page(url: str, reason: str) -> ExpectedError:
    return ExpectedError(
        f"{redact(url)} is not a page of a package index: {reason}",
        "check PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and pip's configuration files",
    )


def _check_version(version: str, url: str) -> None:
    if version.partition(".")[0] != "1":
        raise _invalid_page(url, f"its format has version {version}, but Orbiter reads version 1")


class _JsonMeta(msgspec.Struct, rename={"api_version": "api-version"}):
    api_version: str = "1.0"


class _JsonFile(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int | None = None
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None


@thread_safe_decoding
class _JsonPage(msgspec.Struct):
    files: list[_JsonFile]
    meta: _JsonMeta = msgspec.field(default_factory=_JsonMeta)


def _read_json(content: bytes, page_url: str) -> tuple[IndexFile, ...]:
    try:
        page = msgspec.json.decode(content, type=_JsonPage)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid_page(page_url, str(error)) from error
    _check_version(page.meta.api_version, page_url)
    try:
        return tuple(_from_json(file, page_url) for file in page.files)
    except ValueError as error:  # a malformed URL
        raise _invalid_page(page_url, str(error)) from error


def _from_json(file: _JsonFile, page_url: str) -> IndexFile:
    metadata = file.core_metadata  # PEP 714: the old key counts only if this one is missing
    if metadata is None:
        metadata = file.dist_info_metadata
    if not isinstance(metadata, dict):
        metadata = {} if metadata else None
    url, _ = _url_and_name(file.url, page_url)
    return IndexFile(
        name=file.filename,
        url=_with_credentials(url, index_url=page_url),
        hashes=file.hashes,
        size=file.size or 0,
        upload_time=_with_time_zone(file.upload_time),
        requires_python=file.requires_python or "",
        yanked=_yanked_reason(file.yanked),
        metadata=metadata,
    )


def _yanked_reason(yanked: bool | str) -> str | None:
    # PEP 691 allows true and a reason; IndexFile has an empty reason for the former.
    if isinstance(yanked, str):
        return yanked
    return "" if yanked else None


def _read_html(text: str, page_url: str) -> tuple[IndexFile, ...]:
    page = parse_page(text)
    _check_version(page.version, page_url)
    links = [attributes for attributes in page.links if "href" in attributes]
    try:
        base = urljoin(page_url, page.base)  # the <base> may itself be relative
        return tuple(
            linked_file(link["href"], base=base, index_url=page_url, attributes=link)
            for link in links
        )
    except ValueError as error:  # a malformed time, size or URL
        raise _invalid_page(page_url, str(error)) from error


def linked_file(
    href: str, *, base: str, index_url: str, attributes: Mapping[str, str]
) -> IndexFile:
    """Return the file that an HTML link refers to; ``href`` is relative to ``base``."""
    href, _, fragment = href.partition("#")
    url, name = _url_and_name(href, base)
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    upload_time = attributes.get("data-upload-time", "")
    return IndexFile(
        name=name,
        url=_with_credentials(url, index_url=index_url),
        hashes=_hashes(fragment),
        size=int(attributes.get("data-size") or 0),
        upload_time=_parse_time(upload_time),
        requires_python=attributes.get("data-requires-python", ""),
        yanked=attributes.get("data-yanked"),
        metadata=None if metadata is None else _hashes(metadata),
    )


def _hashes(text: str) -> dict[str, str]:
    """Read ``sha256=<hex>``, possibly among other ``&``-separated values."""
    pairs = (value.partition("=") for value in text.split("&"))
    return {
        algorithm: digest.lower()
        for algorithm, _, digest in pairs
        if algorithm in hashlib.algorithms_guaranteed and digest
    }


def _url_and_name(href: str, base: str) -> tuple[str, str]:
    """Resolve a link without a fragment; return its URL and the name of the file there."""
    if simple := SIMPLE_URL.fullmatch(href):
        return href, simple[1]
    url = urljoin(base, href)
    return url, unquote(urlsplit(url).path.rpartition("/")[2])


def _with_credentials(url: str, *, index_url: str) -> str:
    """Add the index's credentials to a URL on the same host that has none, as pip does."""
    if "@" not in index_url:
        return url
    parts, index = urlsplit(url), urlsplit(index_url)
    index_host = index.netloc.rpartition("@")[2]
    # Never send credentials to another host, or unencrypted to the same one.
    if "@" in parts.netloc or (parts.scheme, parts.netloc) != (index.scheme, index_host):
        return url
    return urlunsplit(parts._replace(netloc=index.netloc))


def _parse_time(text: str) -> datetime | None:
    return _with_time_zone(datetime.fromisoformat(text)) if text else None


def _with_time_zone(time: datetime | None) -> datetime | None:
    # Some indexes omit the time zone; PEP 700 requires UTC.
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
