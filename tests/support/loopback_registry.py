"""A registry on the loopback interface with tokens: anyone may pull, one user may push."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import Answer, Request, Server, serving

USER = ("ann", "pw")
NAME = "team/archive"


class LoopbackRegistry:
    """Serve one repository, and keep its content and all requests."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.storage = ""  # address for blob uploads; the registry itself if empty
        self.page = 100  # tags per response
        server.otherwise = self.answer

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    def answer(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        if parts.path == "/token":
            return self.token(request, parse_qs(parts.query)["scope"][0])
        scope = "pull" if request.method in {"GET", "HEAD"} else "pull,push"
        if scope not in request.headers.get("authorization", ""):
            realm = f'Bearer realm="{self.server.url}/token",service="s"'
            challenge = f'{realm},scope="repository:{NAME}:{scope}"'
            return Answer(401, headers={"WWW-Authenticate": challenge})
        kind, _, name = parts.path.removeprefix(f"/v2/{NAME}/").partition("/")
        if request.method in {"GET", "HEAD"}:
            return self.tags(parse_qs(parts.query)) if kind == "tags" else self.read(kind, name)
        return self.write(request, kind, name, parse_qs(parts.query))

    def token(self, request: Request, scope: str) -> Answer:
        basic = "Basic " + base64.b64encode(":".join(USER).encode()).decode()
        if scope.endswith("push") and request.headers.get("authorization") != basic:
            return Answer(401)
        return Answer(200, json.dumps({"token": scope}).encode())

    def read(self, kind: str, name: str) -> Answer:
        content = {"blobs": self.blobs, "manifests": self.manifests}[kind].get(name)
        return Answer(404) if content is None else Answer(200, content)

    def tags(self, query: dict[str, list[str]]) -> Answer:
        last = query.get("last", [""])[0]
        remaining = sorted(tag for tag in self.manifests if tag > last)
        if not remaining:
            return Answer(404)
        page = remaining[: self.page]
        content = json.dumps({"tags": page}).encode()
        if page == remaining:
            return Answer(200, content)
        link = f'</v2/{NAME}/tags/list?last={page[-1]}>; rel="next"'
        return Answer(200, content, {"Link": link})

    def write(self, request: Request, kind: str, name: str, query: dict[str, list[str]]) -> Answer:
        if kind == "manifests":
            self.manifests[name] = request.content
            return Answer(201)
        if request.method == "POST":
            location = f"{self.storage}/v2/{NAME}/blobs/uploads/1?_state=x"
            return Answer(202, headers={"Location": location})
        return self.store(query["digest"][0], request.content)

    def store(self, digest: str, content: bytes) -> Answer:
        if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
            return Answer(400)
        self.blobs[digest] = content
        return Answer(201)


@contextmanager
def registry() -> Iterator[LoopbackRegistry]:
    """Run a registry until the block ends."""
    with serving() as server:
        yield LoopbackRegistry(server)
