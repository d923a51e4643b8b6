"""Files that programs of packages generate: byte-code, caches, lists of certificates.

The same programs make them again from verified files: see ``orbiter.audit.sandbox``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orbiter.audit.result import Judgement
from orbiter.audit.sandbox import Run, generate
from orbiter.audit.scene import Pending, Scene, attribute_problem, changed, explained, undecided
from resolvers.errors import ExpectedError

GENERATED = re.compile(
    r"etc/ld\.so\.cache|etc/ssl/certs(/.+)?"
    r"|usr/share/mime(/.+)?|usr/lib/.+/loaders\.cache"
    r"|usr/lib/python3\.\d+/(.+/)?__pycache__(/[^/]+\.pyc)?"
    r"|usr/share/python3/__pycache__(/[^/]+\.pyc)?"
    r"|usr/share/glib-2\.0/schemas/gschemas\.compiled|usr/lib/.+/giomodule\.cache"
    r"|usr/share/icons/.+/icon-theme\.cache|usr/share/applications/mimeinfo\.cache"
)
"""Paths that the programs write. Others are never run over."""
SCRIPT = Path(__file__).parents[1] / "generate.sh"
"""The program that makes the files again."""
OUTPUT = "made.txt"
LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "946684800"}
"""The variables of a build, which the byte-code of a module depends on."""
LINE = re.compile(r"(?:(?P<digest>[0-9a-f]{64})  |link (?P<target>\S+) )(?P<path>.+)")


def generated(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Check generated files against those that the same programs make again."""
    paths = [path for path in pending if path in scene.tree and GENERATED.fullmatch(path)]
    files = [path for path in paths if scene.tree[path].kind != "folder"]
    if not files:
        return
    try:
        verified = _verified(scene, pending)
        made = _made(generate(_run(scene), scene.tree, verified, scene.locked.platform))
    except ExpectedError as error:
        yield from (undecided(path, error.message.splitlines()[0]) for path in files)
        return
    for path in files:
        yield _compared(scene, path, made.get(path))


def _run(scene: Scene) -> Run:
    compiles = any(
        "-m compileall" in scene.locked.texts[f"{each.stage.name}/Dockerfile"]
        for each in scene.locked.lineage
    )
    variables = {"COMPILE": "1" if compiles else "", **LOCALE}
    return Run(SCRIPT.read_text(encoding="utf-8"), OUTPUT, variables)


class Made(msgspec.Struct, frozen=True):
    """A file or link that a program made: the sha256 of its content, or the target of a link."""

    digest: str = ""
    target: str = ""


def _made(text: str) -> dict[str, Made]:
    """Read the list of what the programs made, by path."""
    matches = (LINE.fullmatch(line) for line in text.splitlines())
    return {
        match["path"]: Made(match["digest"] or "", match["target"] or "")
        for match in matches
        if match
    }


def _verified(scene: Scene, pending: Pending) -> list[str]:
    """Return the system's verified paths, with all folders, but without generated files."""
    return [
        path
        for path, entry in scene.tree.items()
        if not path.startswith(("opt/env/", "home/"))
        and (path not in pending or entry.kind == "folder")
        and (entry.kind == "folder" or not GENERATED.fullmatch(path) or path not in pending)
    ]


def _compared(scene: Scene, path: str, made: Made | None) -> Judgement:
    entry = scene.tree[path]
    if made is None:
        return Judgement(path=path, verdict="unknown", reason="no program of a package makes it")
    problem = attribute_problem(entry, "link", 0o777, (0, 0))
    if made.digest:
        problem = attribute_problem(entry, "file", 0o644, (0, 0))
    digest = entry.content.digest if entry.content else ""
    if not problem and (digest, entry.target) != (made.digest, made.target):
        problem = "its content is not what the program of its package makes"
    return changed(path, problem) if problem else explained(path)
