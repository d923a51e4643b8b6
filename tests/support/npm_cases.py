"""Targets and made-up lock files, shared by the tests of npm."""

import json
from typing import Any

from resolvers.types.packages import LockFiles
from resolvers.types.request import Target

AMD64 = Target(platform="linux/amd64", glibc="2.41")
ARM64 = Target(platform="linux/arm64", glibc="2.41")
HASH = "sha512-" + "A" * 86 + "=="


def lock_of(**entries: dict[str, Any]) -> LockFiles:
    """Return both files with one group ``g`` that requires ``a``; entries are given by name."""
    paths = {
        f"node_modules/{name}": {"version": "1.0.0", "integrity": HASH} | e
        for name, e in entries.items()
    }
    root = {"name": "orbiter", "version": "0.0.0", "dependencies": {"a": "*"}}
    manifest = {**root, "orbiter": {"groups": {"g": ["a"]}}}
    lock = {"lockfileVersion": 3, "packages": {"": root, **paths}}
    return {"package.json": json.dumps(manifest), "package-lock.json": json.dumps(lock)}
