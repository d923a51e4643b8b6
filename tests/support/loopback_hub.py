"""A stand-in for the API of Docker Hub: no test may change a repository of the real one.

It answers as ``orbiter/oci/hub.py`` describes: a token for a login, and a changed overview for a
token. The real service may answer differently.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.loopback import Answer, Request, Server, serving

LOGIN = ("ann", "dckr_pat_secret")
TOKEN = "a.web.token"


class LoopbackHub:
    """Keep the overview of each repository."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.overviews = {"ann/images": "old"}
        server.otherwise = self.answer

    @property
    def url(self) -> str:
        return f"{self.server.url}/v2"

    def answer(self, request: Request) -> Answer:
        document = json.loads(request.content)
        if (request.method, request.path) == ("POST", "/v2/auth/token"):
            if document != {"identifier": LOGIN[0], "secret": LOGIN[1]}:
                return Answer(401)
            return Answer(200, json.dumps({"access_token": TOKEN}).encode())
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(403)
        repository = request.path.removeprefix("/v2/repositories/")
        if request.method != "PATCH" or repository not in self.overviews:
            return Answer(404)
        self.overviews[repository] = document["full_description"]
        return Answer(200, b"{}")


@contextmanager
def hub() -> Iterator[LoopbackHub]:
    with serving() as server:
        yield LoopbackHub(server)
