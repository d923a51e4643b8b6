"""Conda packages for tests, and a channel of them as files that a server can send."""

import bz2
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.support import micromamba


class CondaPackage(NamedTuple):
    """A package: the name and content of its file, and its record in the channel's index."""

    file: str
    content: bytes
    record: dict[str, Any]


def package(name: str, version: str, files: Mapping[str, str], *depends: str) -> CondaPackage:
    """Make a .tar.bz2 package for linux-64; the files in bin/ are executable."""
    index = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
        "subdir": "linux-64",
        "timestamp": 1_700_000_000_000,
    }
    paths = [_path_entry(path, text) for path, text in files.items()]
    file = f"{name}-{version}-0.tar.bz2"
    info = {
        micromamba.RECORD: micromamba.record(file, index, paths),
        "info/index.json": json.dumps(index),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}),
        "info/files": "".join(f"{path}\n" for path in files),
    }
    content = _compressed_tar({**info, **files})
    checks = {
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    return CondaPackage(file, content, index | checks)


def _path_entry(path: str, text: str) -> dict[str, Any]:
    return {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "size_in_bytes": len(text),
    }


def _compressed_tar(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o755 if path.startswith("bin/") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return bz2.compress(buffer.getvalue())


def channel(*packages: CondaPackage) -> dict[str, bytes]:
    """Return the files of a channel with their paths, including its indexes."""
    records = {package.file: package.record for package in packages}
    return {
        "/linux-64/repodata.json": _repodata("linux-64", records),
        "/noarch/repodata.json": _repodata("noarch", {}),
        **{f"/linux-64/{package.file}": package.content for package in packages},
    }


def _repodata(subdir: str, records: Mapping[str, Any]) -> bytes:
    index = {
        "info": {"subdir": subdir},
        "packages": records,
        "packages.conda": {},
        "repodata_version": 1,
    }
    return json.dumps(index).encode()
