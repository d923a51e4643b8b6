"""Recognises what git did to the files of a lock set, and says how to repair it."""

import hashlib
from pathlib import Path

from orbiter.conflicts import MARKERS, conflict_line
from orbiter.lockset import git_files
from orbiter.lockset.model import LockSetError

MERGE_HINT = "merge images.toml, then run: orbiter lock --merge"


def refuse_damaged(path: Path, content: bytes, folder: Path) -> None:
    """Raise LockSetError for a file of Orbiter with conflict markers, or with line ends of Windows.

    Other files may contain both; ``changed_file`` decides by their hash. ``folder`` is the lock
    set.
    """
    if conflict_line(content):
        raise LockSetError(f"{path}: {MARKERS}", MERGE_HINT)
    if b"\r\n" in content:
        raise _line_ends(path, folder)


def changed_file(path: Path, content: bytes, sha256: str, folder: Path) -> LockSetError | None:
    """Return the error for a file without its hash if git changed it, else None."""
    original = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
    if f"sha256:{original}" == sha256:
        return _line_ends(path, folder)
    if conflict_line(content):
        return LockSetError(f"{path}: {MARKERS}", MERGE_HINT)
    return None


def missing_file_hint(path: Path, folder: Path) -> str:
    """Return how to get a file that is not in the repository because git ignores it, or ""."""
    rule = git_files.rule_against(path)
    if not rule:
        return ""
    return (
        f"git ignores it ({rule}), so it was not committed: where the lock set was made, "
        f"{git_files.remedy(folder)}, then commit {folder.parent}"
    )


def explain(folder: Path, error: LockSetError) -> LockSetError:
    """Return the error of a broken lock set, or a better one if git is merging it."""
    if not git_files.is_being_merged(folder):
        return error
    return LockSetError(f"{error.message}\n{folder} has conflicts of a merge", MERGE_HINT)


def _line_ends(path: Path, folder: Path) -> LockSetError:
    attributes = folder.parent / git_files.ATTRIBUTES
    return LockSetError(
        f"{path}: the line ends were changed to those of Windows, as by git's core.autocrlf",
        f"write the line '* -text' into {attributes}, "
        f"then run: rm -r {folder} && git checkout -- {folder}",
    )
