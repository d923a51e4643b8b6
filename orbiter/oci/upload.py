"""Putting blobs and manifests into an OCI registry.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (Push). Errors are HTTPErrors.
"""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from orbiter.oci.registry import Repository, sha256
from resolvers.errors import ExpectedError
from resolvers.net import http

NOT_FOUND = 404


def has(repository: Repository, digest: str) -> bool:
    """Whether a blob is in the repository."""
    url = f"{_base(repository)}/blobs/{digest}"
    try:
        _asked(repository, url, lambda token: http.send("HEAD", url, headers=token))
    except http.HTTPError as error:
        if error.status != NOT_FOUND:
            raise
        return False
    return True


def put_blob(repository: Repository, digest: str, size: int, body: http.Body) -> None:
    """Send a blob in one piece, whether it is there or not; the registry verifies it against the digest."""
    start = f"{_base(repository)}/blobs/uploads/"

    def attempt(token: Mapping[str, str]) -> None:
        begun = http.send("POST", start, headers=token)
        place = urljoin(begun.url, begun.headers.get("location", ""))
        url = f"{place}{'&' if urlsplit(place).query else '?'}digest={quote(digest)}"
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        http.send("PUT", url, headers={**headers, **_token_for(url, start, token)}, body=body)

    _asked(
        repository, start, attempt
    )  # a try that failed may have used up its place: the next begins anew


def put_manifest(repository: Repository, reference: str, manifest: bytes, media_type: str) -> None:
    """Name a manifest, all of whose blobs are there, by a tag or its digest."""
    url = f"{_base(repository)}/manifests/{reference}"
    headers = {"content-type": media_type, "content-length": str(len(manifest))}
    _asked(
        repository,
        url,
        lambda token: http.send("PUT", url, headers={**headers, **token}, body=lambda: manifest),
    )


def named(repository: Repository, tag: str) -> str:
    """The digest that a tag names; empty where there is no such tag or repository."""
    try:
        return sha256(repository.manifest(tag))
    except http.HTTPError as error:
        if error.status != NOT_FOUND:
            raise
        return ""


def tags(repository: Repository) -> tuple[str, ...]:
    """The tags of a repository, sorted; none where there is no such repository."""
    return tuple(sorted(_tags(repository)))


def _tags(repository: Repository) -> Iterator[str]:
    url = f"{_base(repository)}/tags/list"
    while url:
        page = url
        try:
            answer = repository.authorised(lambda token: http.get(page, headers=token))  # noqa: B023 - called at once
            yield from msgspec.json.decode(answer.content, type=_Tags).tags or ()
        except http.HTTPError as error:
            if error.status != NOT_FOUND:
                raise
            return
        except msgspec.DecodeError as error:
            raise ExpectedError(
                f"{page} is not what a registry answers: {error}", "check its address"
            ) from error
        url = _next(page, answer.headers.get("link", ""))


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


def _next(page: str, link: str) -> str:
    """The page after this one on the same server, as RFC 5988 names it; empty after the last."""
    place, _, kind = link.partition(">")
    url = urljoin(page, place.lstrip("< "))
    return url if 'rel="next"' in kind and _same_server(url, page) else ""


def _base(repository: Repository) -> str:
    return f"{repository.url}/v2/{repository.name}"


def _asked(
    repository: Repository, url: str, attempt: Callable[[Mapping[str, str]], object]
) -> None:
    http.retried(url, lambda: repository.authorised(attempt))


def _token_for(url: str, start: str, token: Mapping[str, str]) -> Mapping[str, str]:
    """Our token is for the registry alone: a storage elsewhere that it sends us to has the right in the address."""
    return token if _same_server(url, start) else {}


def _same_server(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]
