"""Conda packages made for tests, and a channel of them as files that a server can answer with."""

import bz2
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any, NamedTuple


class Made(NamedTuple):
    """A package: the name and bytes of its file, and its record in the channel's index."""

    file: str
    content: bytes
    record: dict[str, Any]


def package(name: str, version: str, files: Mapping[str, str], *depends: str) -> Made:
    """A .tar.bz2 package for linux-64; what lies in bin/ is executable."""
    index = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
    }
    index |= {"subdir": "linux-64", "timestamp": 1_700_000_000_000}
    paths = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        | {"size_in_bytes": len(text)}
        for path, text in files.items()
    ]
    info = {
        "info/index.json": json.dumps(index),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}),
        "info/files": "".join(f"{path}\n" for path in files),
    }
    content = _packed({**info, **files})
    hashes = {
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Made(f"{name}-{version}-0.tar.bz2", content, {**index, **hashes, "size": len(content)})


def _packed(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = (
                len(text.encode()),
                0o755 if path.startswith("bin/") else 0o644,
            )
            tar.addfile(member, io.BytesIO(text.encode()))
    return bz2.compress(buffer.getvalue())


def channel(*packages: Made) -> dict[str, bytes]:
    """The files of a channel by path, its indexes too."""
    records = {each.file: each.record for each in packages}
    index = {
        "info": {"subdir": "linux-64"},
        "packages": records,
        "packages.conda": {},
        "repodata_version": 1,
    }
    empty = {
        "info": {"subdir": "noarch"},
        "packages": {},
        "packages.conda": {},
        "repodata_version": 1,
    }
    return {
        "/linux-64/repodata.json": json.dumps(index).encode(),
        "/noarch/repodata.json": json.dumps(empty).encode(),
        **{f"/linux-64/{each.file}": each.content for each in packages},
    }
