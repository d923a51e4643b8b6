"""Changes of the files that build the images of two lock sets, as text.

A Dockerfile can do anything, so its changes are shown line by line. Lists follow from the lock
files, whose changes are reported as packages. A file that does not follow from the lock files is
called out: nobody would see it in a review of the lock files.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from itertools import islice

from orbiter.diff.downloads import download_changes
from orbiter.diff.own_files import own_file_changes
from orbiter.diff.types import FileChange, FileKind
from orbiter.lockset.model import BUILD, LockSet

BAKE_FILE = f"{BUILD}/docker-bake.json"
PACKAGE_LIST = re.compile(rf"{BUILD}/[^/]+/packages-[^/]+\.json")

WITHOUT_EFFECT = re.compile(
    r"""
    ^\#[ ]\S+(?:[ ]\S+)?,[ ]rendered[ ]by[ ]Orbiter\b.*\n
    | ^\s+org\.opencontainers\.image\.(?:version|created)="?[\w.:+-]*"?[ ]*\\?\n
    """,
    re.MULTILINE | re.VERBOSE,
)
"""Text of a Dockerfile that does not change an image's content: release and date.

The values are restricted, because a shell would run ``$(…)`` in them outside of a label.
"""

HEAD_LINES = 2
MAX_COMPARED = 3_000
"""Lines of a file up to which a diff with context is made, because its time grows faster."""

Problems = Mapping[str, str]
"""Paths of files that do not follow from the lock files, with the reason."""


def file_changes(old: LockSet | None, new: LockSet | None) -> tuple[FileChange, ...]:
    """Return the changed files of two lock sets; none if a side is another lock.

    Files that do not follow from the lock files come first, and even if they did not change; lists
    come last.
    """
    if old is None or new is None:
        return ()
    before, after = texts(old), texts(new)
    problems = {path: f"old side: {problem}" for path, problem in _problems(old).items()}
    problems |= _problems(new)
    changes = [
        _change(path, before.get(path), after.get(path), problems.get(path, ""))
        for path in {**before, **after, **problems}
        if before.get(path) != after.get(path) or path in problems
    ]
    changes += own_file_changes(old, new, _compare)
    changes += download_changes(old, new)
    return tuple(
        sorted(changes, key=lambda change: (not change.problem, change.derived, change.path))
    )


def _problems(lock_set: LockSet) -> Problems:
    from orbiter.render.derived import underivable  # needs all templates, unlike other locks

    return {difference.path: difference.problem for difference in underivable(lock_set)}


def texts(lock_set: LockSet) -> dict[str, str]:
    """Return the files of the build folder without text that has no effect, by path."""
    return {
        path: _normalised(lock_set, path, text)
        for path, text in lock_set.files.items()
        if path.startswith(f"{BUILD}/")
    }


def _normalised(lock_set: LockSet, path: str, text: str) -> str:
    manifest, image_set = lock_set.manifest, lock_set.image_set
    if _is_dockerfile(path):
        return WITHOUT_EFFECT.sub("", text)
    if PACKAGE_LIST.fullmatch(path):
        return text.replace(f'"release": "{manifest.release}"', '"release": "RELEASE"')
    if path != BAKE_FILE:
        return text
    # Each release has other tags and another date.
    for stage in image_set.stages:
        tag = f"{image_set.repository}:{stage.name}"
        text = text.replace(f'"{tag}-{manifest.release}"', f'"{tag}-RELEASE"')
    date = f'"SOURCE_DATE_EPOCH": "{manifest.source_date_epoch}"'
    text = text.replace(date, '"SOURCE_DATE_EPOCH": "DATE"')
    return WITHOUT_EFFECT.sub("", _reformatted(text))


def _reformatted(text: str) -> str:
    """Return JSON in one layout, so that another layout cannot hide a change."""
    try:
        return json.dumps(json.loads(text), indent=2)
    except (ValueError, RecursionError):
        return text


def _is_dockerfile(path: str) -> bool:
    return path.endswith("/Dockerfile")


def _change(path: str, old: str | None, new: str | None, problem: str) -> FileChange:
    is_list = not _is_dockerfile(path) and path != BAKE_FILE
    before, after = (old or "").splitlines(), (new or "").splitlines()
    is_long = max(len(before), len(after)) > MAX_COMPARED
    compare = _without_context if is_long or (is_list and not problem) else _with_context
    return FileChange(
        path=path,
        kind=_kind(old, new),
        lines=tuple(compare(before, after)),
        derived=is_list and not problem,
        problem=problem,
    )


def _kind(old: str | None, new: str | None) -> FileKind:
    if old == new:
        return "kept"
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _compare(old: list[str], new: list[str]) -> Iterable[str]:
    is_long = max(len(old), len(new)) > MAX_COMPARED
    return _without_context(old, new) if is_long else _with_context(old, new)


def _with_context(old: list[str], new: list[str]) -> Iterable[str]:
    return islice(unified_diff(old, new, n=1, lineterm=""), HEAD_LINES, None)


def _without_context(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield the lines of only one side; lists are sorted, so that their order has no meaning."""
    removed, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    for sign, lines, rest in (("-", old, removed), ("+", new, added)):
        for line in lines:
            if rest[line] > 0:
                rest[line] -= 1
                yield f"{sign}{line}"
