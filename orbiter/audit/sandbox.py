"""Generated files, made again in a container of nothing but verified files.

The image itself never runs. The container has the files of the image that are equal to those of its
packages, and those that rules have explained. The answer depends on them alone, so it is kept in
the cache under their hash.
"""

import hashlib
import platform as machine
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from orbiter.assembly.tree import Entry, Tree
from orbiter.docker.sandbox import run_on_files
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.scratch import scratch_folder

FORMAT = "generated-2"
LAYER_TIME = 946684800
MACHINES: Mapping[str, str] = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


class Run(msgspec.Struct, frozen=True):
    """A shell script, and the path of the file that it writes."""

    script: str
    output: str
    variables: Mapping[str, str] = {}


def generate(run: Run, tree: Tree, verified: Iterable[str], platform: str) -> str:
    """Return the text that a script writes in a container of verified files of an image.

    Raises ExpectedError if this machine cannot run programs of the platform, if no engine answers,
    or if the script fails.
    """
    paths = sorted(verified)
    known = cache.folder("audit", FORMAT) / f"{_key(run, tree, paths)}.txt"
    if known.exists():
        return known.read_text(encoding="utf-8", errors="surrogateescape")
    if MACHINES.get(machine.machine()) != platform:
        raise ExpectedError(f"this machine does not run programs for {platform}")
    with scratch_folder(cache.folder("new"), "audit-", cache.CACHE_HINT) as scratch:
        root = scratch / "root.tar"
        _write(root, tree, paths)
        content = run_on_files(root, run.script, f"/{run.output}", run.variables)
    cache.write(known, content)
    return content.decode(errors="surrogateescape")


def _key(run: Run, tree: Tree, paths: Iterable[str]) -> str:
    hasher = hashlib.sha256(msgspec.json.encode(run))
    for path in paths:
        entry = tree[path]
        digest = entry.content.digest if entry.content else ""
        facts = (path, entry.kind, entry.mode, entry.uid, entry.gid, entry.target, digest)
        hasher.update(repr(facts).encode() + b"\n")
    return hasher.hexdigest()


def _write(root: Path, tree: Tree, paths: Iterable[str]) -> None:
    """Write some paths of an image as a tar file; a folder comes before its content."""
    with tarfile.open(root, "w", encoding="utf-8", errors="surrogateescape") as tar:
        for path in paths:
            entry = tree[path]
            member = _member(path, entry)
            if entry.content is None:
                tar.addfile(member)
            else:
                with entry.content.source.open("rb") as file:
                    file.seek(entry.content.offset)
                    tar.addfile(member, file)


def _member(path: str, entry: Entry) -> tarfile.TarInfo:
    kinds = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.mtime = kinds[entry.kind], entry.mode, LAYER_TIME
    member.uid, member.gid, member.linkname = entry.uid, entry.gid, entry.target
    member.size = entry.content.size if entry.content else 0
    return member
