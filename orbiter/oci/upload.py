"""Writing to an OCI registry: blobs, manifests and tags.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push. A request that
fails raises HTTPError.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from orbiter.oci.registry import ACCEPT, Repository, sha256
from resolvers.errors import ExpectedError
from resolvers.net import http

OCTETS = "application/octet-stream"
T = TypeVar("T")


class MountResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of mounting a blob of another repository.

    A registry that does not mount it starts an upload instead, which continues at ``location``.
    """

    is_mounted: bool = False
    location: str = ""


def has_blob(repository: Repository, digest: str) -> bool:
    """Return whether a blob is in the repository."""
    return _exists(repository, f"{_base(repository)}/blobs/{digest}", {})


def has_manifest(repository: Repository, digest: str) -> bool:
    """Return whether a manifest or an index is in the repository."""
    url = f"{_base(repository)}/manifests/{digest}"
    return _exists(repository, url, {"accept": ACCEPT})


def start_upload(repository: Repository) -> str:
    """Start an upload of a blob and return the address to send its content to."""
    url = uploads_url(repository)
    return retried(repository, url, lambda token: _start(url, token))


def mount_blob(repository: Repository, digest: str, source: str) -> MountResult:
    """Take a blob from the repository ``source`` of the same registry, without sending it."""
    start = uploads_url(repository)
    url = f"{start}?{urlencode({'mount': digest, 'from': source})}"

    def attempt() -> http.Response:
        return repository.authorised_to_mount(
            source, lambda token: http.send("POST", url, headers=token)
        )

    response = http.retry(url, attempt)
    if response.status == HTTPStatus.CREATED:
        return MountResult(is_mounted=True)
    return MountResult(location=new_location(response))


def put_blob(
    repository: Repository, digest: str, size: int, body: http.Body, location: str = ""
) -> None:
    """Upload a blob in one piece, even if it exists; the registry verifies its digest.

    ``location`` is the address of an upload that was started for it.
    """
    start = uploads_url(repository)
    # A failed attempt may have used up its upload session, so the next one starts a new session.
    started = [location] if location else []

    def attempt(token: Mapping[str, str]) -> None:
        session = started.pop() if started else _start(start, token)
        headers = {"content-type": OCTETS, "content-length": str(size)}
        headers |= token_for(session, repository, token)
        http.send("PUT", with_digest(session, digest), headers=headers, body=body)

    retried(repository, start, attempt)


def put_manifest(repository: Repository, reference: str, manifest: bytes, media_type: str) -> str:
    """Upload a manifest under a tag or its digest; all of its blobs must have been uploaded.

    Returns the digest that the registry announces, empty if it does not.
    """
    response = send_manifest(repository, reference, manifest, media_type)
    return response.headers.get("docker-content-digest", "")


def send_manifest(
    repository: Repository, reference: str, manifest: bytes, media_type: str
) -> http.Response:
    """Upload a manifest like ``put_manifest``; return the registry's response."""
    url = f"{_base(repository)}/manifests/{reference}"
    headers = {"content-type": media_type, "content-length": str(len(manifest))}
    return retried(
        repository,
        url,
        lambda token: http.send("PUT", url, headers={**headers, **token}, body=lambda: manifest),
    )


def tag_digest(repository: Repository, tag: str) -> str:
    """Return the digest that a tag names; empty if the tag or repository does not exist."""
    try:
        return sha256(repository.manifest(tag))
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return ""


def list_tags(repository: Repository) -> tuple[str, ...]:
    """Return the tags of a repository, sorted; none if the repository does not exist."""
    return tuple(sorted(_tags(repository)))


class _TagList(msgspec.Struct):
    tags: list[str] | None = None


def _tags(repository: Repository) -> Iterator[str]:
    url = f"{_base(repository)}/tags/list"
    while url:
        page = url
        try:
            response = repository.authorised(lambda token: http.get(page, headers=token))  # noqa: B023 - called before page changes
            yield from msgspec.json.decode(response.content, type=_TagList).tags or ()
        except http.HTTPError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return
        except msgspec.DecodeError as error:
            raise ExpectedError(
                f"{page} is not a valid registry response: {error}", "check the registry's address"
            ) from error
        url = next_page(page, response.headers.get("link", ""))


def next_page(page: str, link: str) -> str:
    """Return the next page of a Link header (RFC 8288), or nothing if it is on another server."""
    target, _, parameters = link.partition(">")
    url = http.join(page, target.lstrip("< "))
    return url if 'rel="next"' in parameters and _same_server(url, page) else ""


def _base(repository: Repository) -> str:
    return f"{repository.url}/v2/{repository.name}"


def uploads_url(repository: Repository) -> str:
    """Return the address that starts uploads of blobs."""
    return f"{_base(repository)}/blobs/uploads/"


def new_location(response: http.Response) -> str:
    """Return the address at which an upload continues after this response."""
    return http.join(response.url, response.headers.get("location", ""))


def with_digest(location: str, digest: str) -> str:
    """Return the address that completes an upload."""
    separator = "&" if urlsplit(location).query else "?"
    return f"{location}{separator}digest={quote(digest)}"


def retried(repository: Repository, url: str, attempt: Callable[[Mapping[str, str]], T]) -> T:
    """Return the result of ``attempt``, which takes the authorization header."""
    return http.retry(url, lambda: repository.authorised(attempt))


def token_for(location: str, repository: Repository, token: Mapping[str, str]) -> Mapping[str, str]:
    """Return the token only for the registry itself, which may redirect uploads to a storage.

    The storage's address already holds its own authorization.
    """
    return token if _same_server(location, repository.url) else {}


def _start(url: str, token: Mapping[str, str]) -> str:
    return new_location(http.send("POST", url, headers=token))


def _exists(repository: Repository, url: str, headers: Mapping[str, str]) -> bool:
    try:
        retried(repository, url, lambda token: http.send("HEAD", url, headers={**headers, **token}))
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True


def _same_server(url: str, other: str) -> bool:
    return urlsplit(url)[:2] == urlsplit(other)[:2]
