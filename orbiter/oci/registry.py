"""The client for OCI and Docker registries: tokens, manifests and blobs.

Protocol: https://github.com/opencontainers/distribution-spec, with tokens as in
https://distribution.github.io/distribution/spec/auth/token/.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from orbiter.oci.reference import HUB, parse_reference
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.net.addresses import is_loopback
from resolvers.redaction import redact

HUB_HOST = "registry-1.docker.io"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPT = ", ".join(
    (
        OCI_INDEX,
        "application/vnd.docker.distribution.manifest.list.v2+json",
        OCI_MANIFEST,
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
MAX_DOCUMENT = 1 << 26
"""The largest config or statement that is read from a registry, in bytes."""
REASONS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "not authorised, or no such image",
    HTTPStatus.FORBIDDEN: "access denied",
    HTTPStatus.NOT_FOUND: "no such image or tag",
}

Credentials = Callable[[str], tuple[str, str] | None]
"""Returns user and password for a registry (``docker.io``, ``127.0.0.1:5000``), or None."""

T = TypeVar("T")


def anonymous(_registry: str) -> None:
    """Return no credentials, whatever the registry."""


class Repository:
    """One repository of one registry at ``url``; gets a token when the registry requires one."""

    def __init__(self, url: str, name: str, registry: str, credentials: Credentials) -> None:
        self.url = url
        self.name = name
        self.registry = registry
        self._credentials = credentials
        self._authorizations: dict[str, Mapping[str, str]] = {}
        self._token_server: dict[str, str] = {}

    def manifest(self, reference: str) -> bytes:
        """Return the manifest or index of a tag or digest, verified against its digest."""
        url = f"{self.url}/v2/{self.name}/manifests/{reference}"
        response = self.authorised(lambda token: http.get(url, headers={"accept": ACCEPT, **token}))
        # A tag may name any content; then only the registry announces the digest.
        announced = response.headers.get("docker-content-digest", "")
        expected = reference if ":" in reference else announced
        actual = sha256(response.content)
        if expected.startswith("sha256:") and expected != actual:
            raise ExpectedError(
                f"{url}: expected {expected}, got {actual}",
                "check the registry, and any proxy in front of it",
            )
        return response.content

    @contextmanager
    def blob(self, digest: str, headers: Mapping[str, str]) -> Iterator[http.Stream]:
        """Stream the bytes of a config or layer, not verified; ``headers`` may request a range."""
        url = f"{self.url}/v2/{self.name}/blobs/{digest}"
        with ExitStack() as stack:
            yield self.authorised(
                lambda token: stack.enter_context(http.stream(url, headers={**headers, **token}))
            )

    def read_blob(self, digest: str, limit: int = MAX_DOCUMENT) -> bytes:
        """Return the bytes of a small blob, such as a config, verified against its digest.

        Raises ExpectedError if they do not match, or if there are more than ``limit`` bytes.
        """
        content = bytearray()
        with self.blob(digest, {}) as stream:
            for chunk in stream.chunks:
                content += chunk
                if len(content) > limit:
                    raise ExpectedError(
                        f"{self.url}: {digest} is larger than {limit} bytes",
                        "the registry or a proxy changed the file, or it is not a document",
                    )
        if sha256(bytes(content)) != digest:
            raise ExpectedError(
                f"{self.url}: the bytes of {digest} do not match its digest",
                "the registry or a proxy changed the file: try again, or use another registry",
            )
        return bytes(content)

    def sibling(self, name: str) -> "Repository":
        """Return another repository of the same registry."""
        return Repository(self.url, name, self.registry, self._credentials)

    def authorised(self, request: Callable[[Mapping[str, str]], T], *, source: str = "") -> T:
        """Return the result of ``request``, which takes the authorization header.

        Repeats the request once with a new token if the registry rejects the current one.
        ``source`` is a second repository that the request reads. Its token is kept apart, because
        a token for one source replaces neither the general token nor that of another source.
        """
        general = self._authorizations.get("", {})
        try:
            return request(self._authorizations.get(source, general))
        except http.HTTPError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            # A local variable: another thread may replace the attribute by a token for less.
            renewed = self._authorizations[source] = {"authorization": self._authorize(error)}
        return request(renewed)

    def authorised_to_mount(self, source: str, request: Callable[[Mapping[str, str]], T]) -> T:
        """Return the result of ``request``, which mounts blobs of the repository ``source``.

        Requests a token for both repositories beforehand. Some registries do not reject a mount
        with a token for one of them, and start an ordinary upload instead.
        """
        if self._token_server and source not in self._authorizations:
            scopes = (f"repository:{self.name}:pull,push", f"repository:{source}:pull")
            token = self._token(self._token_server, scopes)
            self._authorizations[source] = {"authorization": token}
        return self.authorised(request, source=source)

    def _authorize(self, refusal: http.HTTPError) -> str:
        scheme, _, rest = refusal.headers.get("www-authenticate", "").partition(" ")
        challenge = dict(re.findall(r'\b(\w+)="([^"]*)"', rest))
        if scheme.lower() == "basic" and (basic := self._basic_authorization()):
            return basic
        if scheme.lower() != "bearer" or "realm" not in challenge:
            raise refusal
        scopes = challenge.pop("scope", "").split()
        self._token_server = challenge
        return self._token(challenge, scopes)

    def _token(self, server: Mapping[str, str], scopes: Sequence[str]) -> str:
        """Return the header value with a new token; ``server`` is the challenge of the registry."""
        realm, basic = server["realm"], self._basic_authorization()
        query = [("service", server["service"])] if "service" in server else []
        query += [("scope", scope) for scope in scopes]
        headers = {"authorization": basic} if basic else {}
        response = http.get(f"{realm}?{urlencode(query)}", headers=headers)
        token = decode_json(response.content, dict[str, object], realm)
        return f"Bearer {token.get('token') or token.get('access_token')}"

    def _basic_authorization(self) -> str:
        """Return the header value for the user's login; empty without one."""
        login = self._credentials(self.registry)
        return "Basic " + base64.b64encode(":".join(login).encode()).decode() if login else ""


def repositories(
    reference: str, *, mirrors: tuple[str, ...] = (), credentials: Credentials = anonymous
) -> tuple[Repository, ...]:
    """Return the repositories to read an image from, in order: the mirrors, then its own registry.

    ``mirrors`` are addresses of registries; they are used only for images of ``docker.io``.
    """
    parsed = parse_reference(reference)
    # Like Docker, which uses its registry mirrors only for Docker Hub.
    usable_mirrors = mirrors if parsed.registry == HUB else ()
    registries = [(url.rstrip("/"), urlsplit(url).netloc) for url in usable_mirrors]
    registries.append((address(parsed.registry), parsed.registry))
    return tuple(Repository(url, parsed.repository, name, credentials) for url, name in registries)


def read_first(
    candidates: Sequence[Repository], read: Callable[[Repository], T], reference: str
) -> T:
    """Return the result of ``read`` for the first repository that has the image.

    Raises ExpectedError with the reason of each repository if all of them fail.
    """
    failures: list[http.HTTPError] = []
    for repository in candidates:
        try:
            return read(repository)
        except http.HTTPError as error:
            failures.append(error)
    if all(error.status == 0 for error in failures):
        message = "; ".join(error.message for error in failures)
        origin = f"(the address comes from the base image '{reference}' in images.toml)"
        raise ExpectedError(f"{message} {origin}", failures[-1].hint)
    lines = [f"the base image '{reference}' cannot be read:"]
    lines += [f"  {_reason(*pair)}" for pair in zip(candidates, failures, strict=True)]
    raise ExpectedError("\n".join(lines), _hint(failures))


def sha256(content: bytes) -> str:
    """Return the digest of some bytes as registries and locks write it: ``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def decode_json(content: bytes, kind: type[T], source: str) -> T:
    """Decode a registry's JSON; raises HTTPError that names ``source`` if it does not fit."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise http.HTTPError(
            f"'{source}' is not a valid registry response: {error}", "check the registry's address"
        ) from error


def address(registry: str) -> str:
    """Return the address of a registry, given its name: ``docker.io``, ``127.0.0.1:5000``."""
    if registry == HUB:
        return f"https://{HUB_HOST}"
    host = urlsplit(f"//{registry}").hostname or ""
    # Docker also trusts registries on this machine without TLS.
    scheme = "http" if is_loopback(host) else "https"
    return f"{scheme}://{registry}"


def _reason(repository: Repository, error: http.HTTPError) -> str:
    reason = REASONS.get(error.status)
    return f"{redact(repository.url)}: {reason}" if reason else error.message


def _hint(failures: list[http.HTTPError]) -> str:
    statuses = {error.status for error in failures}
    if statuses & {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "check the name and tag; if the image is not public, run 'docker login' first"
    if 0 in statuses:
        return "check the name and tag, and that this machine can reach the registry"
    return "check the name and tag"
