"""The engine uv: uv.lock (version 1), solved against the indexes themselves, then freed of their addresses.

Where conda brings distributions, it is solved against a view of the indexes.
"""

import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, ProgramError
from resolvers.index import index
from resolvers.pip import on_conda, pyproject, wheels
from resolvers.pip.index_proxy import STAND_IN, View, serve
from resolvers.types import Artifact, LockFiles, Package, Request, Target
from resolvers.uv_program import run, version

LOCK = "uv.lock"
NO_SOLUTION = "No solution found"
MANIFEST = "[manifest]\nconstraints = "
CONSTRAINT = re.compile(r'\{ name = "([^"]+)".*? \}')
"""One constraint in the manifest of uv.lock; its values are strings that hold no brace."""
BROKEN_BUILD = re.compile("Failed to build `([^`]+)`")


def project(request: Request, shared: Set[str] = frozenset()) -> str:
    """The text of pyproject.toml.

    The index is a folder called ``artifacts``: uv.lock holds no address, and still ``uv lock --check`` takes it
    for the lock of this project. The exact Python is a marker, as uv refuses to lock for one that is not here.
    """
    environments = "".join(
        f"    {pyproject.quoted(_marker(target))},\n" for target in request.targets
    )
    oldest = min((3, 11), tuple(int(part) for part in pyproject.python(request).split(".")[:2]))
    tool = (
        f"[tool.uv]\npackage = false\nenvironments = [\n{environments}]\n{_constraints(request)}\n"
        '[[tool.uv.index]]\nname = "artifacts"\nurl = "artifacts"\ndefault = true\n'
    )
    return pyproject.text(request, f">={oldest[0]}.{oldest[1]}", tool, shared)


def _constraints(request: Request) -> str:
    lines = "".join(f"    {pyproject.quoted(each)},\n" for each in on_conda.constraints(request))
    return f"constraint-dependencies = [\n{lines}]\n" if lines else ""


def _marker(target: Target) -> str:
    python, machine = target.python, wheels.machine(target)
    return f"python_full_version == '{python}' and sys_platform == 'linux' and platform_machine == '{machine}'"


def lock(
    request: Request, previous: tuple[Package, ...], shared: Set[str] = frozenset()
) -> LockFiles:
    """Solve with uv; the versions of ``previous`` stay where the upgrade and the rules allow.

    Raises UnsolvableError, and ExpectedError when the index or uv fails.
    """
    upgrades = [
        f"{name}=={version}" if version else name
        for name, version in request.upgrade.packages.items()
    ]
    arguments: list[str | Path] = ["lock", "--python", sys.executable, *published_before(request)]
    for upgrade in upgrades:
        arguments += ["--upgrade-package", upgrade]
    request.progress(f"uv {version()} is resolving")
    with tempfile.TemporaryDirectory(prefix="orbiter-") as name, _served(request, shared) as view:
        folder = Path(name)
        (folder / pyproject.FILE).write_text(project(request), encoding="utf-8")
        if previous:
            pins = request.previous.get(LOCK) or _pinning(previous)
            (folder / LOCK).write_text(pins, encoding="utf-8")
        _solve(arguments, folder, request, view)
        text = _portable((folder / LOCK).read_text(encoding="utf-8"))
    kept = on_conda.needed(request, read({LOCK: text}))
    return {
        pyproject.FILE: project(kept, shared),
        LOCK: _with_constraints(text, {each.name for each in kept.pip.provided}),
    }


def published_before(request: Request) -> list[str]:
    """The arguments that hide what was published after the request's moment."""
    return ["--exclude-newer", request.as_of.astimezone(UTC).isoformat()] if request.as_of else []


@contextmanager
def _served(request: Request, shared: Set[str]) -> Iterator[str]:
    """The address of a view of the index where conda brings something, else "".

    All versions are visible: constraints bind the solve, and not what builds an sdist to learn what it needs.
    """
    if not request.pip.provided:
        yield ""
        return
    view = View(
        index.configured(), as_of=request.as_of, met=on_conda.versions(request, without=shared)
    )
    with serve(view) as url:
        try:
            yield url
        except ExpectedError as error:
            raise (view.errors or [error])[0] from error


def _solve(arguments: Sequence[str | Path], folder: Path, request: Request, view: str) -> None:
    """Run a solving command of uv. Raises UnsolvableError with uv's explanation."""
    try:
        run(arguments, cwd=folder, view=view)
    except ProgramError as error:
        if broken := BROKEN_BUILD.search(error.output):
            raise ExpectedError(
                f"{broken[1]} has no wheel, and its sdist cannot be built here to learn what it needs",
                "ask for another version of it",
            ) from error
        if NO_SOLUTION not in error.output:
            raise
        explanation = _plain(error.output.partition(NO_SOLUTION)[2])
        if "missing an upload date" in error.output and request.as_of:
            explanation += "\n(files without an upload time are taken for later ones)"
        raise pyproject.unsolvable(request, explanation) from error


def _plain(explanation: str) -> str:
    """uv's explanation without its labels, and without its advice on a pyproject.toml that people do not write."""
    _, _, text = explanation.partition("cause: ")
    reason, *hints = text.split("hint: ")
    kept = [hint for hint in hints if "requires-python" not in hint]
    return "\n".join(" ".join(part.split()) for part in (reason, *kept))


def _pinning(previous: tuple[Package, ...]) -> str:
    """The least lock that tells uv which versions to prefer: for pins that came from another engine's lock."""
    head = 'version = 1\nrequires-python = ">=3.11"\n'
    source = 'source = { registry = "artifacts" }\n'
    return head + "".join(
        f"\n[[package]]\nname = {pyproject.quoted(each.name)}\nversion = {pyproject.quoted(each.version)}\n{source}"
        for each in previous
    )


def _portable(text: str) -> str:
    """uv.lock with file names in the place of addresses, without stand-ins, and the moment it was solved for."""
    text = re.sub(r'registry = "[^"]*"', 'registry = "artifacts"', text)
    text = re.sub(
        r'\{ (?:url|path) = "(?:[^"]*/)?([^"/]+)"',
        lambda match: f'{{ path = "{unquote(match[1])}"',
        text,
    )
    text = re.sub(rf'    {{ path = "[^"]+", hash = "sha256:{STAND_IN}".*\n', "", text).replace(
        "wheels = [\n]\n", ""
    )
    return re.sub(r"\[options\]\n(?:[^\[\n].*\n)*\n", "", text)


def _with_constraints(text: str, names: set[str]) -> str:
    """uv.lock without the constraints on other names than these, written as uv writes it."""
    before, manifest, after = text.partition(MANIFEST)
    if not manifest:
        return text
    listed, _, rest = after.partition("\n\n")
    kept = [found[0] for found in CONSTRAINT.finditer(listed) if found[1] in names]
    lines = "".join(f"\n    {each}," for each in kept) + "\n" if len(kept) > 1 else "".join(kept)
    return before + (f"{MANIFEST}[{lines}]\n\n" if kept else "") + rest


def read(files: LockFiles) -> tuple[Package, ...]:
    """All packages of uv.lock. Pure."""
    graph = _Graph(files)
    groups: dict[tuple[str, str], list[str]] = {}
    for group in graph.groups:
        for entry in graph.walk(group, None):
            groups.setdefault((entry["name"], entry["version"]), []).append(group)
    return tuple(
        sorted(
            _package(entry, groups.get((entry["name"], entry["version"]), ()))
            for entry in graph.entries
        )
    )


def chosen(files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
    """The packages that the groups need on the target. Pure."""
    graph = _Graph(files)
    found = {
        entry["name"]: _package(entry, ())
        for group in graph.groups
        if canonicalize_name(group) in groups
        for entry in graph.walk(group, target)
    }
    return tuple(found.values())


class _Graph:
    """The packages of uv.lock, and what leads to them from each dependency group."""

    def __init__(self, files: LockFiles) -> None:
        packages = pyproject.table(files, LOCK).get("package", [])
        self.entries = [entry for entry in packages if entry["name"] != pyproject.PROJECT]
        self.groups: Mapping[str, list[Mapping[str, Any]]] = {}
        for entry in packages:
            if entry["name"] == pyproject.PROJECT:
                self.groups = entry.get("dev-dependencies", {})

    def walk(self, group: str, target: Target | None) -> Iterator[Mapping[str, Any]]:
        """All entries that the group leads to, on the target or (None) anywhere."""
        waiting = deque(self.groups[group])
        seen: set[tuple[str, str, str]] = set()
        while waiting:
            needed = waiting.popleft()
            if target and not wheels.applies(needed.get("marker", ""), target):
                continue
            for entry in self._entries(needed, target):
                for extra in ("", *needed.get("extra", ())):
                    key = (entry["name"], entry["version"], extra)
                    if key not in seen:
                        seen.add(key)
                        waiting.extend(_requirements(entry, extra))
                        if not extra:
                            yield entry

    def _entries(
        self, needed: Mapping[str, Any], target: Target | None
    ) -> Iterator[Mapping[str, Any]]:
        for entry in self.entries:
            if (
                entry["name"] == needed["name"]
                and needed.get("version", entry["version"]) == entry["version"]
            ):
                markers = entry.get("resolution-markers", ())
                if (
                    target is None
                    or not markers
                    or any(wheels.applies(each, target) for each in markers)
                ):
                    yield entry


def _requirements(entry: Mapping[str, Any], extra: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (
        entry.get("optional-dependencies", {}).get(extra, [])
        if extra
        else entry.get("dependencies", [])
    )
    return found


def _package(entry: Mapping[str, Any], groups: Iterable[str]) -> Package:
    extras = entry.get("optional-dependencies", {})  # only those that something asks for
    files = [*entry.get("wheels", ()), *([entry["sdist"]] if "sdist" in entry else ())]
    return Package(
        manager="pip",
        name=entry["name"],
        version=entry["version"],
        groups=tuple(sorted(groups)),
        requires=tuple(
            sorted(
                {
                    needed["name"]
                    for extra in ("", *extras)
                    for needed in _requirements(entry, extra)
                }
            )
        ),
        artifacts=tuple(
            sorted(
                Artifact(
                    file=file["path"],
                    hash=file["hash"],
                    size=file.get("size", 0),
                    source=f"{entry['name']}/{file['path']}",
                )
                for file in files
            )
        ),
    )
