"""Base images in OCI and Docker registries: which bytes a tag names, and the bytes.

Protocol: https://github.com/opencontainers/distribution-spec, tokens as Docker's registry asks for them.
"""

import base64
import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.types import thread_safe_decoding

HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        OCI_MANIFEST,
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
UNAUTHORISED = 401
REFERENCE = re.compile(
    r"(?:(?P<registry>localhost(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?|[^/@]*[.:][^/@]*)/)?"
    r"(?P<repository>[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)

Credentials = Callable[[str], tuple[str, str] | None]
"""Gives user and password for a registry by its name (``docker.io``, ``127.0.0.1:5000``), None for nobody."""

T = TypeVar("T")


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """An image's name in full: ``registry`` is ``docker.io`` where none is written, ``tag`` ``latest``."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""


class BaseImage(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference named for one platform when it was read.

    ``reference`` is as people wrote it, ``digest`` that of the platform's manifest, ``index_digest`` that of
    the image index which led to it, or ``digest`` again where there is none.
    """

    reference: str
    platform: str
    digest: str
    index_digest: str


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an image; ``size`` is in bytes."""

    digest: str
    size: int
    media_type: str


@thread_safe_decoding
class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str
    platform: _Platform | None = None


@thread_safe_decoding
class _Manifest(msgspec.Struct, rename="camel"):
    """An index (``manifests``) or the manifest of one platform (``config`` and ``layers``)."""

    media_type: str = OCI_MANIFEST
    manifests: list[_Descriptor] | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []


def parse(reference: str) -> Reference:
    """Read ``debian``, ``debian:trixie-slim``, ``registry:5000/a/b:tag@sha256:…``. Raises ExpectedError."""
    match = REFERENCE.fullmatch(reference)
    if not match:
        raise ExpectedError(
            f"'{reference}' is no image reference", "write it like debian:trixie-slim"
        )
    registry = (match["registry"] or HUB).replace("index.docker.io", HUB)
    repository = match["repository"]
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return Reference(
        registry=registry, repository=repository, tag=tag, digest=match["digest"] or ""
    )


def anonymous(_registry: str) -> None:
    """The credentials of nobody."""


def pin(
    reference: str,
    platform: str,
    *,
    mirrors: tuple[str, ...] = (),
    credentials: Credentials = anonymous,
) -> BaseImage:
    """Read which bytes ``reference`` names for ``platform`` (``linux/amd64``) now.

    ``mirrors`` are addresses of registries that are asked first for images of ``docker.io``. Raises
    ExpectedError for an unknown tag or platform, and where no registry answers or lets us in.
    """
    parsed = parse(reference)
    name = parsed.digest or parsed.tag
    places = repositories(reference, mirrors=mirrors, credentials=credentials)
    return first(places, lambda place: _pin(place, reference, name, platform), reference)


def blobs(manifest: bytes, digest: str) -> tuple[Blob, ...]:
    """All parts of the image whose manifest (of one platform) is given: itself, its config, its layers."""
    read = _json(manifest, _Manifest, digest)
    if read.config is None:
        raise ExpectedError(f"{digest} is not the manifest of an image for one platform")
    itself = Blob(digest=digest, size=len(manifest), media_type=read.media_type)
    parts = (read.config, *read.layers)
    return (itself, *(Blob(digest=p.digest, size=p.size, media_type=p.media_type) for p in parts))


def repositories(
    reference: str, *, mirrors: tuple[str, ...] = (), credentials: Credentials = anonymous
) -> tuple["Repository", ...]:
    """Where an image may be read, in the order to try: mirrors (for ``docker.io``), then its own registry."""
    parsed = parse(reference)
    asked = mirrors if parsed.registry == HUB else ()
    places = [(url.rstrip("/"), urlsplit(url).netloc) for url in asked]
    places.append((_address(parsed.registry), parsed.registry))
    return tuple(Repository(url, parsed.repository, name, credentials) for url, name in places)


def first(places: tuple["Repository", ...], read: Callable[["Repository"], T], reference: str) -> T:
    """What the first of the places that can gives; raises ExpectedError with the reason of each."""
    failures: list[http.HTTPError] = []
    for place in places:
        try:
            return read(place)
        except http.HTTPError as error:
            failures.append(error)
    lines = [f"the base image '{reference}' cannot be read:"]
    lines += [f"  {_reason(place, error)}" for place, error in zip(places, failures, strict=True)]
    raise ExpectedError("\n".join(lines), _hint(failures))


class Repository:
    """One repository of one registry at ``url``; gets a token when the registry asks for one."""

    def __init__(self, url: str, name: str, registry: str, credentials: Credentials) -> None:
        self.url = url
        self.name = name
        self.registry = registry
        self._credentials = credentials
        self._authorization: dict[str, str] = {}

    def manifest(self, reference: str) -> bytes:
        """The manifest or index of a tag or digest, verified against its digest."""
        url = f"{self.url}/v2/{self.name}/manifests/{reference}"
        answer = self.authorised(lambda token: http.get(url, headers={"accept": ACCEPT, **token}))
        expected = (
            reference if ":" in reference else answer.headers.get("docker-content-digest", "")
        )
        if expected.startswith("sha256:") and expected != sha256(answer.content):
            got = sha256(answer.content)
            raise ExpectedError(
                f"{url}: expected {expected}, got {got}",
                "the registry, or a proxy before it, is broken",
            )
        return answer.content

    @contextmanager
    def blob(self, digest: str, headers: Mapping[str, str]) -> Iterator[http.Stream]:
        """The bytes of a config or layer as they come, not verified; ``headers`` may ask for a range."""
        url = f"{self.url}/v2/{self.name}/blobs/{digest}"
        with ExitStack() as stack:
            yield self.authorised(
                lambda token: stack.enter_context(http.stream(url, headers={**headers, **token}))
            )

    def authorised(self, request: Callable[[Mapping[str, str]], T]) -> T:
        """What ``request`` gives, which takes the header that lets us in; asked again when it is not enough."""
        try:
            return request(self._authorization)
        except http.HTTPError as error:
            if error.status != UNAUTHORISED:
                raise
            own = self._authorization = {"authorization": self._authorize(error)}
        return request(own)  # another thread may have got a lesser one meanwhile

    def _authorize(self, refusal: http.HTTPError) -> str:
        scheme, _, rest = refusal.headers.get("www-authenticate", "").partition(" ")
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        known = self._credentials(self.registry)
        basic = "Basic " + base64.b64encode(":".join(known).encode()).decode() if known else ""
        if scheme.lower() == "basic" and basic:
            return basic
        if scheme.lower() != "bearer" or "realm" not in wanted:
            raise refusal
        query = urlencode({key: wanted[key] for key in ("service", "scope") if key in wanted})
        answer = http.get(
            f"{wanted['realm']}?{query}", headers={"authorization": basic} if basic else {}
        )
        token = _json(answer.content, dict[str, object], wanted["realm"])
        return f"Bearer {token.get('token') or token.get('access_token')}"


def sha256(content: bytes) -> str:
    """The digest of some bytes as registries and locks write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _address(registry: str) -> str:
    if registry == HUB:
        return f"https://{HUB_HOST}"
    host = urlsplit(f"//{registry}").hostname or ""
    return f"{'http' if _is_loopback(host) else 'https'}://{registry}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pin(repository: Repository, reference: str, name: str, platform: str) -> BaseImage:
    content = repository.manifest(name)
    digest = index_digest = sha256(content)
    manifest = _json(content, _Manifest, reference)
    if manifest.manifests is None:
        offered = [_platform_of(repository, manifest)] if manifest.config else []
        _choose(offered, platform, reference)
    else:
        offered = [item.platform or _Platform() for item in manifest.manifests]
        digest = manifest.manifests[_choose(offered, platform, reference)].digest
        repository.manifest(digest)
    return BaseImage(
        reference=reference, platform=platform, digest=digest, index_digest=index_digest
    )


def _platform_of(repository: Repository, manifest: _Manifest) -> _Platform:
    assert manifest.config
    with repository.blob(manifest.config.digest, {}) as stream:
        content = b"".join(stream.chunks)
    if sha256(content) != manifest.config.digest:
        raise ExpectedError(
            f"{repository.url}: the config {manifest.config.digest} has other bytes"
        )
    return _json(content, _Platform, manifest.config.digest)


def _choose(offered: list[_Platform], platform: str, reference: str) -> int:
    os, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    for number, item in enumerate(offered):
        if (item.os, item.architecture) == (os, architecture) and variant in {"", item.variant}:
            return number
    known = ", ".join(sorted(_spelled(item) for item in offered if item.os not in {"", "unknown"}))
    raise ExpectedError(
        f"the base image '{reference}' does not exist for {platform}, only for {known or 'nothing'}",
        "take another base image, or leave the platform out of 'platforms'",
    )


def _spelled(platform: _Platform) -> str:
    return "/".join(part for part in (platform.os, platform.architecture, platform.variant) if part)


def _json(content: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise http.HTTPError(
            f"'{name}' is not what a registry answers: {error}", "check its address"
        ) from error


def _reason(place: Repository, error: http.HTTPError) -> str:
    reasons = {
        401: "not authorised, or no such image",
        403: "access denied",
        404: "no such image or tag",
    }
    reason = reasons.get(error.status)
    return f"{http.redact(place.url)}: {reason}" if reason else error.message


def _hint(failures: list[http.HTTPError]) -> str:
    statuses = {error.status for error in failures}
    if statuses & {401, 403}:
        return "check the name and tag; for an image that is not public, run 'docker login' first"
    if 0 in statuses:
        return "check the name and tag, and that this machine reaches the registry"
    return "check the name and tag"
