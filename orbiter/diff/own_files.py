"""Changes of the own files, scripts and templates of two lock sets. Pure."""

from collections.abc import Callable, Iterable

from orbiter.config.commands import scripts_of
from orbiter.config.image_set import OwnFile, RepositoryFile
from orbiter.diff.types import FileChange, FileKind
from orbiter.lockset.model import LockSet, to_bytes
from orbiter.lockset.own_files import kept_path

Compare = Callable[[list[str], list[str]], Iterable[str]]


def own_file_changes(old: LockSet, new: LockSet, compare: Compare) -> list[FileChange]:
    """Return the own files, scripts and templates that differ in content or mode.

    They are named ``<stage>:<target>``, ``<stage>:<source>`` and ``<source>``.

    ``compare`` returns the lines of a diff of two texts. Binary and large files are compared by
    size and sha256.
    """
    before, after = _files(old), _files(new)
    return [
        _change(name, (old, before.get(name)), (new, after.get(name)), compare)
        for name in sorted(before.keys() | after.keys())
        if _effect(before.get(name)) != _effect(after.get(name))
    ]


def _files(lock_set: LockSet) -> dict[str, RepositoryFile]:
    template = lock_set.image_set.template
    files: dict[str, RepositoryFile] = {template.source: template} if template else {}
    for stage in lock_set.image_set.stages:
        files |= {f"{stage.name}:{script.source}": script for script in scripts_of(stage)}
        files |= {f"{stage.name}:{file.target}": file for file in stage.files or ()}
    return files


def _effect(file: RepositoryFile | None) -> tuple[str, str]:
    """Return what decides the file in the image."""
    return (file.sha256, _mode(file)) if file else ("", "")


def _mode(file: RepositoryFile | None) -> str:
    """Return the mode of an own file; scripts and missing files have none."""
    return file.mode if isinstance(file, OwnFile) else ""


def _change(
    name: str,
    old: tuple[LockSet, RepositoryFile | None],
    new: tuple[LockSet, RepositoryFile | None],
    compare: Compare,
) -> FileChange:
    texts = _text(*old), _text(*new)
    if None in texts:
        texts = _summary(old[1]), _summary(new[1])
    before, after = ((text or "").splitlines() for text in texts)
    modes = [_mode(file) for _, file in (old, new)]
    mode = (f"mode {modes[0]} -> {modes[1]}",) if all(modes) and modes[0] != modes[1] else ()
    return FileChange(path=name, kind=_kind(old[1], new[1]), lines=(*mode, *compare(before, after)))


def _kind(old: RepositoryFile | None, new: RepositoryFile | None) -> FileKind:
    if old is None:
        return "added"
    return "changed" if new else "removed"


def _text(lock_set: LockSet, file: RepositoryFile | None) -> str | None:
    """Return the content of a file, "" for a missing one; None if it is large or binary."""
    if file is None:
        return ""
    content = lock_set.files.get(kept_path(file))
    is_stored = isinstance(file, OwnFile) and file.stored
    if is_stored or content is None or "\0" in content:
        return None
    try:
        return to_bytes(content).decode()
    except UnicodeDecodeError:
        return None


def _summary(file: RepositoryFile | None) -> str:
    return f"{file.size:,} bytes, sha256:{file.sha256}" if file else ""
