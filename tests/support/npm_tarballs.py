"""npm packages made by a test, as tarballs and as the packuments of a registry on loopback."""

import gzip
import io
import json
import tarfile
from base64 import b64encode
from hashlib import sha512
from typing import Any

from tests.support.loopback import Answer, Server


def tarball(name: str, version: str, text: str = "1", **more: Any) -> bytes:
    """Return the tarball of a package that exports a JavaScript expression."""
    package_json = {"name": name, "version": version, "main": "index.js", **more}
    files = {"package.json": json.dumps(package_json), "index.js": f"module.exports = {text}\n"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def integrity_of(content: bytes) -> str:
    return f"sha512-{b64encode(sha512(content).digest()).decode()}"


def publish(server: Server, prefix: str, name: str, version: str, content: bytes) -> None:
    """Put the only version of a package into the registry at a path of the server."""
    path = f"{prefix}{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    distribution = {"tarball": server.url + path, "integrity": integrity_of(content)}
    packument = {
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: {"name": name, "version": version, "dist": distribution}},
        "time": {version: "2026-01-01T00:00:00.000Z"},
    }
    answer = Answer(200, json.dumps(packument).encode(), {"Content-Type": "application/json"})
    server.replies[prefix + name.replace("/", "%2f")] = answer
    server.replies[path] = Answer(200, content)
