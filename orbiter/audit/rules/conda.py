"""Files that an installer of conda packages writes or changes, and those that Orbiter removes."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from orbiter.audit.claims import ENVIRONMENT, Claim, InstalledContents, conda_programs
from orbiter.audit.packages.conda import HEADER
from orbiter.audit.result import Judgement
from orbiter.audit.scene import Pending, Scene, changed, check_file, explained

META = f"{ENVIRONMENT}conda-meta/"
ENTRY = re.compile(r"\s*(?P<name>[^=\s]+)\s*=\s*(?P<module>[\w.]+)\s*:\s*(?P<function>[\w.]+)\s*")
LAUNCHER = """#!/opt/env/bin/python{minor}
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {name}

if __name__ == '__main__':
\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
\tsys.exit({function}())
"""
"""The program that rattler writes for an entry point."""
UNCHECKED = (1).to_bytes(4, "little")
OF_LOCK = frozenset(
    {"channel", "fn", "md5", "paths_data", "requested_spec", "sha256", "size", "url"}
)
OF_FILES = frozenset({"files", "paths_data"})


def launchers(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the programs that rattler writes for entry points."""
    for each in scene.claims.of_manager("conda"):
        for entry in conda_programs(each):
            match = ENTRY.fullmatch(entry)
            path = f"{ENVIRONMENT}bin/{match['name']}" if match else ""
            if match and path in pending and path in scene.tree:
                text = LAUNCHER.format(
                    minor=_minor(scene),
                    module=match["module"],
                    name=match["function"].partition(".")[0],
                    function=match["function"],
                )
                yield check_file(
                    scene,
                    path,
                    text.encode(),
                    mode=0o775,
                    owner=scene.user,
                    package=each.package.owner,
                )


def _minor(scene: Scene) -> str:
    for each in scene.claims.of_manager("conda"):
        if each.package.name == "python":
            return ".".join(each.package.version.split(".")[:2])
    return ""


def byte_code(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check byte-code of packages, whose header Orbiter makes independent of times."""
    texts = {
        (each.package.owner, name): text
        for each in scene.claims.of_manager("conda")
        for name, text in each.contents.texts.items()
    }
    for path in pending:
        for claim in scene.claims.by_path.get(path, ()):
            if path in scene.tree and (text := texts.get((claim.owner, claim.source))):
                problem = _code_problem(scene, path, text)
                checked = check_file(scene, path, None, mode=claim.file.mode, owner=scene.user)
                yield changed(path, problem, claim.owner) if problem else checked


def _code_problem(scene: Scene, path: str, package: bytes) -> str:
    """Return how byte-code differs from that of its package, or ""."""
    content = scene.read(path)
    source = _source(path)
    header, digest = package[:HEADER], package[HEADER:]
    if hashlib.sha256(content[HEADER:]).digest() != digest:
        return "its code is not that of the package"
    expected = header[:4] + UNCHECKED + _source_hash(header, scene.read(source))
    return "" if content[:HEADER] == expected else "its header is not that of its source"


def _source(path: str) -> str:
    pure = PurePosixPath(path)
    return str(pure.parent.parent / f"{pure.name.partition('.')[0]}.py")


def _source_hash(header: bytes, source: bytes) -> bytes:
    """Return the hash of a source as the Python of the byte-code computes it."""
    import _imp  # importlib.util.source_hash uses the key of the running Python

    return _imp.source_hash(int.from_bytes(header[:4], "little"), source)


def removed(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Explain static libraries and byte-code that Orbiter removes from conda packages."""
    for path in pending:
        claims = scene.claims.by_path.get(path, ())
        if path in scene.tree or not claims or not claims[0].owner.startswith("conda:"):
            continue
        pure = PurePosixPath(path)
        is_library = pure.suffix == ".a" and not any(p.endswith("-linux-gnu") for p in pure.parts)
        if is_library or _goes(scene, path, claims[0]):
            yield explained(path, claims[0].owner)


def _goes(scene: Scene, path: str, claim: Claim) -> bool:
    """Return whether byte-code is removed: that of packages, and that of another source."""
    if not path.endswith(".pyc"):
        return False
    if "/site-packages/" in path:
        return True
    source = scene.tree.get(_source(path))
    if source is None or source.content is None:
        return True
    for each in scene.claims.of_manager("conda"):
        text = each.contents.texts.get(claim.source, b"")
        if each.package.owner == claim.owner and text:
            size = int.from_bytes(text[12:HEADER], "little")
            return text[4:8] == bytes(4) and size != source.content.size
    return False


def records(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check the records of conda packages, and the empty history."""
    path = f"{META}history"
    if path in pending and path in scene.tree:
        yield check_file(scene, path, b"", owner=scene.user)
    for each in scene.claims.of_manager("conda"):
        stem = re.sub(r"\.(conda|tar\.bz2)$", "", each.package.file.path.rpartition("/")[2])
        path = f"{META}{stem}.json"
        if path in pending and path in scene.tree:
            problem = check_file(scene, path, None, owner=scene.user, package=each.package.owner)
            reason = _record_problem(scene, each, scene.read(path))
            yield changed(path, reason, each.package.owner) if reason else problem


def _record_problem(scene: Scene, each: InstalledContents, content: bytes) -> str:
    """Return how a record differs from the package and the lock, or ""."""
    try:
        record: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return "it is not a record"
    formatted = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2)
    if formatted + b"\n" != _ascii(content):
        return "it is not formatted as Orbiter does"
    index: dict[str, Any] = msgspec.json.decode(each.contents.texts["info/index.json"])
    for key in sorted(record.keys() - OF_LOCK - OF_FILES):
        if record[key] != index.get(key):
            return f"{key} is not that of the package"
    expected = _of_lock(scene, each)
    for key, values in expected.items():
        if record.get(key) not in values:
            return f"{key} is not that of the lock"
    return _file_problem(scene, each, record)


def _ascii(content: bytes) -> bytes:
    """Return a record with its characters instead of escapes, as the formatter writes them."""
    text = content.decode(errors="surrogateescape")
    pattern = r"(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})"
    return re.sub(pattern, lambda m: m[1] + chr(int(m[2], 16)), text).encode(errors="surrogatepass")


def _of_lock(scene: Scene, each: InstalledContents) -> dict[str, tuple[object, ...]]:
    """Return the values that a record may have for each key that the lock determines."""
    source = each.package.file.source.removeprefix("conda:")
    address = re.sub(r"(?<=://)[^/@]*@|/t/\$\{\w+\}(?=/)", "", source)
    place, _, file = address.rpartition("/")
    requested = [None, ""]
    for stage_plan in scene.locked.environment:
        text = scene.locked.texts.get(f"{stage_plan.stage.name}/conda-requested.txt", "")
        requested += text.splitlines()
    size = scene.store.path(each.package.file.hash).stat().st_size
    return {
        "channel": (place,),
        "fn": (file,),
        "requested_spec": tuple(requested),
        "sha256": (each.package.file.hash.partition(":")[2],),
        "size": (size,),
        "url": (address,),
    }


def _file_problem(scene: Scene, each: InstalledContents, record: dict[str, Any]) -> str:
    """Return how the lists of files differ from the files of the package, or ""."""
    owner = each.package.owner
    claims = {
        path.removeprefix(ENVIRONMENT): claim
        for path, found in scene.claims.by_path.items()
        for claim in found
        if claim.owner == owner and claim.file.kind != "folder"
    }
    gone = {path for path in claims if f"{ENVIRONMENT}{path}" not in scene.tree}
    programs = {f"bin/{m['name']}" for e in conda_programs(each) if (m := ENTRY.fullmatch(e))}
    files, wanted = set(record.get("files", ())), {*claims, *programs}
    if files - wanted or (wanted - files) - gone:
        name = min((files - wanted) | ((wanted - files) - gone))
        return f"its list of files differs: {name!a}"
    for entry in record.get("paths_data", {}).get("paths", ()):
        claim = claims.get(entry.get("_path", ""))
        if entry.get("_path") not in files:
            return f"its list of paths differs: {entry.get('_path')!a}"
        installed = entry.get("sha256_in_prefix", entry.get("sha256"))
        is_file = (
            claim is not None and claim.file.kind == "file" and entry.get("path_type") != "softlink"
        )
        if is_file and claim is not None and installed not in {None, claim.file.digest}:
            return f"its hash of {entry['_path']!a} differs"
    return ""
