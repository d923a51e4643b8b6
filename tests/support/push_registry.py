"""A registry on the loopback interface with chunks, mounts, many repositories and faults."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import Answer, Request, Server, serving

Query = dict[str, list[str]]


class PushRegistry:
    """Keep the content of all repositories, and do what the specification of registries says.

    ``fault`` may answer a request before the registry handles it. With ``forgetful``, a broken
    chunk ends its upload, as in the registry of Docker.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.sessions: dict[str, bytes] = {}
        self.claimed: set[str] = set()  # digests of blobs that HEAD reports without having them
        self.mounts = True
        self.forgetful = False
        self.tokens = False
        self.lists_referrers = False
        self.fault: Callable[[Request], Answer | None] = lambda _request: None
        self._numbers = count(1)
        server.otherwise = self.answer

    def sent(self, *methods: str) -> list[Request]:
        """Return the requests with these methods that were not rejected for their token."""
        return [
            request
            for request in self.server.requests
            if request.method in methods and "/token" not in request.path
        ]

    def answer(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        if parts.path == "/token":
            return self.token(query)
        match = re.fullmatch(r"/v2/(.+)/(blobs|manifests|referrers)/(.*)", parts.path)
        assert match, request.path
        repository, kind, name = match[1], match[2], match[3]
        if refusal := self.refusal(request, repository, query):
            return refusal
        if fault := self.fault(request):
            return fault
        if name.startswith("uploads/"):
            return self.upload(request, repository, name.removeprefix("uploads/"), query)
        read = {"blobs": self.blob, "referrers": self.referrers}
        if kind in read:
            return read[kind](repository, name)
        return self.manifest(request, repository, name)

    def token(self, query: Query) -> Answer:
        """Return a token that names its scopes; each scope is a parameter of its own."""
        if any(" " in scope for scope in query["scope"]):
            return Answer(400)
        return Answer(200, json.dumps({"token": " ".join(query["scope"])}).encode())

    def refusal(self, request: Request, repository: str, query: Query) -> Answer | None:
        """Return a challenge if the token lacks a scope that the request needs."""
        action = "pull" if request.method in {"GET", "HEAD"} else "pull,push"
        scopes = [f"repository:{repository}:{action}"]
        scopes += [f"repository:{source}:pull" for source in query.get("from", [])]
        words = request.headers.get("authorization", "").split()
        granted = {word.replace("pull,push", "pull") for word in words} | {*words}
        if not self.tokens or granted >= {*scopes}:
            return None
        realm = f'Bearer realm="{self.server.url}/token",service="s"'
        return Answer(401, headers={"WWW-Authenticate": f'{realm},scope="{" ".join(scopes)}"'})

    def blob(self, repository: str, digest: str) -> Answer:
        if digest in self.claimed:
            return Answer(200)
        content = self.blobs.get((repository, digest))
        return Answer(404) if content is None else Answer(200, content)

    def upload(self, request: Request, repository: str, session: str, query: Query) -> Answer:
        if request.method == "POST":
            return self.start(repository, query)
        if session not in self.sessions:
            return problem(404, "BLOB_UPLOAD_UNKNOWN")
        if request.method == "PATCH":
            return self.patch(request, repository, session)
        if request.method == "PUT":
            return self.complete(request, repository, session, query["digest"][0])
        return self.status(204, repository, session)

    def start(self, repository: str, query: Query) -> Answer:
        digest, source = query.get("mount", [""])[0], query.get("from", [""])[0]
        if self.mounts and (source, digest) in self.blobs:
            self.blobs[repository, digest] = self.blobs[source, digest]
            return Answer(201)
        session = str(next(self._numbers))
        self.sessions[session] = b""
        return self.status(202, repository, session)

    def patch(self, request: Request, repository: str, session: str) -> Answer:
        start, _, stop = request.headers["content-range"].partition("-")
        if int(start) != len(self.sessions[session]):
            return self.status(416, repository, session)
        self.sessions[session] += request.content
        is_broken = len(request.content) < int(stop) + 1 - int(start)
        if is_broken and self.forgetful:
            del self.sessions[session]
            return Answer(500)  # nobody receives it
        return self.status(202, repository, session)

    def complete(self, request: Request, repository: str, session: str, digest: str) -> Answer:
        if len(request.content) < int(request.headers["content-length"]):
            return Answer(500)  # nobody receives it
        content = self.sessions.pop(session) + request.content
        if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
            return problem(400, "DIGEST_INVALID")
        self.blobs[repository, digest] = content
        return Answer(201)

    def status(self, status: int, repository: str, session: str) -> Answer:
        end = max(len(self.sessions[session]) - 1, 0)
        location = f"/v2/{repository}/blobs/uploads/{session}"
        return Answer(status, headers={"Location": location, "Range": f"0-{end}"})

    def manifest(self, request: Request, repository: str, reference: str) -> Answer:
        if request.method != "PUT":
            content = self.manifests.get((repository, reference))
            return Answer(404) if content is None else Answer(200, content)
        for digest in set(re.findall(rb"sha256:[0-9a-f]{64}", request.content)):
            key = repository, digest.decode()
            if key not in self.blobs and key not in self.manifests:
                return problem(400, "MANIFEST_BLOB_UNKNOWN", key[1])
        digest = f"sha256:{hashlib.sha256(request.content).hexdigest()}"
        for name in {reference, digest}:
            self.manifests[repository, name] = request.content
        headers = {"Docker-Content-Digest": digest}
        if self.lists_referrers and (subject := json.loads(request.content).get("subject")):
            headers["OCI-Subject"] = subject["digest"]
        return Answer(201, headers=headers)

    def referrers(self, repository: str, digest: str) -> Answer:
        """Return the artifacts about a manifest, if the registry has this API."""
        if not self.lists_referrers:
            return Answer(404)
        found = []
        for (name, reference), content in sorted(self.manifests.items()):
            manifest = json.loads(content)
            is_about = manifest.get("subject", {}).get("digest") == digest
            if name == repository and ":" in reference and is_about:
                artifact_type = manifest["artifactType"]
                found.append({"digest": reference, "artifactType": artifact_type})
        return Answer(200, json.dumps({"manifests": found}).encode())


def problem(status: int, code: str, detail: str = "", message: str = "") -> Answer:
    """Return an error as registries report it."""
    error = {"code": code, "message": message, "detail": detail}
    return Answer(status, json.dumps({"errors": [error]}).encode())


@contextmanager
def registry() -> Iterator[PushRegistry]:
    """Run a registry until the block ends."""
    with serving() as server:
        yield PushRegistry(server)
