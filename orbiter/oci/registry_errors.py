"""Explanations of errors that a registry reports during a push."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import msgspec

from orbiter.oci.registry import Repository
from resolvers.errors import ExpectedError
from resolvers.net import http

DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
DENIED_CODES = frozenset({"DENIED", "UNAUTHORIZED"})
UNKNOWN_CONTENT = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"})
"""The registry lacks something that the manifest refers to."""
LONGEST_EXPLANATION = 300


class _Error(msgspec.Struct):
    code: str = ""
    message: str | None = None


class _ErrorList(msgspec.Struct):
    errors: list[_Error] = []


@contextmanager
def explained(repository: Repository, tag: str) -> Iterator[None]:
    """Raise ExpectedError with the tag, the registry's explanation and a remedy."""
    try:
        yield
    except http.HTTPError as error:
        lines = [f"pushing {image_name(repository, tag)} failed: {error.message}"]
        lines += [f"  {line}" for line in _explanations(error)]
        raise ExpectedError("\n".join(lines), _hint(repository, error)) from error


def image_name(repository: Repository, tag: str) -> str:
    """Return the name by which Docker pulls a tag."""
    return f"{repository.registry}/{repository.name}:{tag}"


def error_codes(error: http.HTTPError) -> frozenset[str]:
    """Return the codes in the registry's response, such as DENIED."""
    return frozenset(each.code for each in _errors(error))


def _errors(error: http.HTTPError) -> list[_Error]:
    try:
        return msgspec.json.decode(error.content, type=_ErrorList).errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []  # a proxy answers with a page


def _explanations(error: http.HTTPError) -> Iterator[str]:
    for each in _errors(error):
        text = " ".join(f"{each.code}: {each.message or ''}".split())
        # A terminal must not interpret text from the network.
        yield "".join(filter(str.isprintable, text))[:LONGEST_EXPLANATION].rstrip(": ")


def _hint(repository: Repository, error: http.HTTPError) -> str:
    if error.status in DENIED or error_codes(error) & DENIED_CODES:
        return f"run 'docker login {repository.registry}' as a user who may push to the repository"
    if error.status == HTTPStatus.NOT_FOUND:
        return (
            f"create the repository '{repository.name}' in the registry, or correct 'repository' "
            f"in images.toml; if it exists, run 'docker login {repository.registry}'"
        )
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "raise the size limit for uploads in the registry, or in the proxy before it"
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return (
            "check the registry, for example its free disk space, and push again; "
            "Orbiter does not send again what the registry already has"
        )
    return error.hint
