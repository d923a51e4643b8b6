"""Docker Hub's own API, beside that of its registry: the overview of a repository.

Docker documents the token (https://docs.docker.com/reference/api/hub/latest/) and the key
``full_description``, but not the request that changes it. It is that of the GitHub action
``peter-evans/dockerhub-description``.
"""

import re
from http import HTTPStatus

import msgspec

from orbiter.oci.reference import HUB, Reference, parse_reference
from orbiter.oci.registry import Credentials, decode_json
from resolvers.errors import ExpectedError
from resolvers.net import http

API = "https://hub.docker.com/v2"
MOST_BYTES = 25_000
"""The longest overview that Docker Hub accepts."""
RELATIVE = re.compile(r"\]\((?!https?:|mailto:|#)[^\s()]")
"""The beginning of the target of a relative link in Markdown."""
LOGIN = "run docker login with a personal access token that may read, write and delete"


def check_overview(repository: str, text: str, credentials: Credentials) -> None:
    """Raise ExpectedError if a text cannot be the overview of a repository."""
    reference = parse_reference(repository)
    if reference.registry != HUB:
        raise ExpectedError(
            f"{reference.registry} has no API that Orbiter knows for a README",
            "push without --readme: only Docker Hub (docker.io) has one",
        )
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ExpectedError(
            f"the README has {size:,} bytes, and Docker Hub accepts {MOST_BYTES:,}", "shorten it"
        )
    _login(credentials)


def relative_links(text: str) -> int:
    """Return the number of relative links in a Markdown text."""
    return len(RELATIVE.findall(text))


def send_overview(repository: str, text: str, credentials: Credentials, api: str = API) -> None:
    """Make a text the overview of a repository on Docker Hub; ``api`` is the address of its API.

    Raises ExpectedError if Docker Hub refuses it.
    """
    reference = parse_reference(repository)
    token = _token(_login(credentials), api)
    url = f"{api}/repositories/{reference.repository}"
    try:
        _send("PATCH", url, {"full_description": text}, {"authorization": f"Bearer {token}"})
    except http.HTTPError as error:
        raise _refused(reference, error) from error


def _login(credentials: Credentials) -> tuple[str, str]:
    login = credentials(HUB)
    if login is None:
        raise ExpectedError(f"there is no login with a password or token for {HUB}", LOGIN)
    return login


def _token(login: tuple[str, str], api: str) -> str:
    """Return a token of Docker Hub's API for a login."""
    url = f"{api}/auth/token"
    identifier, secret = login
    try:
        response = _send("POST", url, {"identifier": identifier, "secret": secret})
    except http.HTTPError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise ExpectedError("Docker Hub rejects the login of docker.io", LOGIN) from error
        raise
    return decode_json(response.content, _Token, url).access_token


class _Token(msgspec.Struct, frozen=True):
    """The answer to a request for a token."""

    access_token: str


def _send(
    method: str, url: str, document: dict[str, str], headers: dict[str, str] | None = None
) -> http.Response:
    """Send a JSON document; both requests may be repeated."""
    body = msgspec.json.encode(document)
    own = {"content-type": "application/json", "content-length": str(len(body))}
    return http.retry(
        url,
        lambda: http.send(method, url, headers={**own, **(headers or {})}, body=lambda: body),
    )


def _refused(reference: Reference, error: http.HTTPError) -> ExpectedError:
    if error.status in http.UNAUTHORISED:
        problem = f"the login of {HUB} may not change the overview of {reference.repository}"
        return ExpectedError(problem, LOGIN)
    if error.status == HTTPStatus.NOT_FOUND:
        problem = f"Docker Hub has no repository {reference.repository} that this login may change"
        return ExpectedError(problem, LOGIN)
    return error
