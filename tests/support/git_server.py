"""Real git repositories, served over HTTP on this machine by git itself."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import Answer, Request, Server, serving

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class GitServer:
    """Repositories in a folder; the address of one is ``repository_url(name)``."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        server.otherwise = self._answer

    def repository_url(self, name: str) -> str:
        return f"{self.server.url}/{name}.git"

    def git(self, name: str, *words: str) -> str:
        """Run git in a repository."""
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder / f"{name}.git",
            env={**os.environ, **IDENTITY},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, name: str, files: Mapping[str, str], tag: str = "") -> str:
        """Commit files, by path, to a repository; create it if it is missing. Return the commit."""
        folder = self.folder / f"{name}.git"
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git(name, "init", "--quiet", "--initial-branch=main")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        self.git(name, "add", "--all")
        self.git(name, "commit", "--quiet", "--message=Change")
        if tag:
            self.git(name, "tag", "--force", "--annotate", "--message=Tag", tag)
        return self.git(name, "rev-parse", "HEAD")

    def _answer(self, request: Request) -> Answer:
        """Answer a request as a CGI server does, with the program git http-backend."""
        address = urlsplit(request.path)
        variables = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": address.path.replace(".git/", ".git/.git/", 1),
            "QUERY_STRING": address.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.content)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "HTTP_GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            env=variables,
            input=request.content,
            capture_output=True,
            check=False,  # clients see the status in its answer
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = (line.partition(": ") for line in head.decode().splitlines())
        headers = {name: value for name, _, value in lines}
        status = int(headers.pop("Status", "200").partition(" ")[0])
        return Answer(status, content, headers)


@contextmanager
def git_server(folder: Path, host: str = "127.0.0.1") -> Iterator[GitServer]:
    """Serve the repositories in a folder until the block ends."""
    with serving(host=host) as server:
        yield GitServer(folder, server)
