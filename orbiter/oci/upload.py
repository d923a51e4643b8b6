"""Writing to an OCI registry: blobs, manifests and tags.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push. A request that
fails raises HTTPError.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import msgspec

from orbiter.oci.registry import Repository, sha256
from resolvers.errors import ExpectedError
from resolvers.net import http


def has_blob(repository: Repository, digest: str) -> bool:
    """Return whether a blob is in the repository."""
    url = f"{_base(repository)}/blobs/{digest}"
    try:
        _retried(repository, url, lambda token: http.send("HEAD", url, headers=token))
    except http.HTTPError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True


def put_blob(repository: Repository, digest: str, size: int, body: http.Body) -> None:
    """Upload a blob in one piece, even if it exists; the registry verifies its digest."""
    start = f"{_base(repository)}/blobs/uploads/"

    def attempt(token: Mapping[str, str]) -> None:
        session = http.send("POST", start, headers=token)
        location = http.join(session.url, session.headers.get("location", ""))
        separator = "&" if urlsplit(location).query else "?"
        url = f"{location}{separator}digest={quote(digest)}"
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        http.send("PUT", url, headers={**headers, **_token_for(url, start, token)}, body=body)

    # A failed attempt may have used up its upload session, so the next one starts a new session.
    _retried(repository, start, attempt)


def put_manifest(repository: Repository, reference: str, manifest: bytes, media_type: str) -> None:
    """Upload a manifest under a tag or its digest; all of its blobs must have been uploaded."""
    url = f"{_base(repository)}/manifests/{reference}"
    headers = {"content-type": media_type, "content-length": str(len(manifest))}
    _retried(
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
        url = _next_page(page, response.headers.get("link", ""))


def _next_page(page: str, link: str) -> str:
    """Return the next page of a Link header (RFC 8288), or nothing if it is on another server."""
    target, _, parameters = link.partition(">")
    url = http.join(page, target.lstrip("< "))
    return url if 'rel="next"' in parameters and _same_server(url, page) else ""


def _base(repository: Repository) -> str:
    return f"{repository.url}/v2/{repository.name}"


def _retried(
    repository: Repository, url: str, attempt: Callable[[Mapping[str, str]], object]
) -> None:
    http.retry(url, lambda: repository.authorised(attempt))


def _token_for(url: str, start: str, token: Mapping[str, str]) -> Mapping[str, str]:
    """Return the token only for the registry itself, which may redirect uploads to a storage.

    The storage's address already holds its own authorization.
    """
    return token if _same_server(url, start) else {}


def _same_server(url: str, other: str) -> bool:
    return urlsplit(url)[:2] == urlsplit(other)[:2]
