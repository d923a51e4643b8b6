"""A registry on the loopback interface that asks for tokens: anybody may pull, one user may push."""

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
    """Knows one repository; keeps what was put into it, and what was asked."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.storage = ""  # where blobs are to be sent; the registry itself when empty
        self.page = 100  # tags in one answer
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
            words = f'Bearer realm="{self.server.url}/token",service="s",scope="repository:{NAME}:{scope}"'
            return Answer(401, headers={"WWW-Authenticate": words})
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
        found = {"blobs": self.blobs, "manifests": self.manifests}[kind].get(name)
        return Answer(404) if found is None else Answer(200, found)

    def tags(self, query: dict[str, list[str]]) -> Answer:
        after = sorted(tag for tag in self.manifests if tag > query.get("last", [""])[0])
        content = json.dumps({"tags": after[: self.page]}).encode()
        last = after[: self.page][-1:]
        more = (
            f'</v2/{NAME}/tags/list?last={last[0]}>; rel="next"' if len(after) > self.page else ""
        )
        return Answer(200 if after else 404, content, {"Link": more} if more else {})

    def write(self, request: Request, kind: str, name: str, query: dict[str, list[str]]) -> Answer:
        if kind == "manifests":
            self.manifests[name] = request.content
            return Answer(201)
        if request.method == "POST":
            return Answer(
                202, headers={"Location": f"{self.storage}/v2/{NAME}/blobs/uploads/1?_state=x"}
            )
        return self.keep(query["digest"][0], request.content)

    def keep(self, digest: str, content: bytes) -> Answer:
        if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
            return Answer(400)
        self.blobs[digest] = content
        return Answer(201)


@contextmanager
def registry() -> Iterator[LoopbackRegistry]:
    """A registry for as long as the block runs."""
    with serving() as server:
        yield LoopbackRegistry(server)
