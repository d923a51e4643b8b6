"""Changes of the own files that two lock sets put into their images. Pure."""

from collections.abc import Callable, Iterable

from orbiter.config.image_set import OwnFile
from orbiter.diff.types import FileChange, FileKind
from orbiter.lockset.model import LockSet, to_bytes
from orbiter.lockset.own_files import kept_path

Compare = Callable[[list[str], list[str]], Iterable[str]]


def own_file_changes(old: LockSet, new: LockSet, compare: Compare) -> list[FileChange]:
    """Return the own files whose content, mode or source differs, named ``<stage>:<target>``.

    ``compare`` returns the lines of a diff of two texts. Binary and large files are compared by
    size and sha256.
    """
    before, after = _files(old), _files(new)
    return [
        _change(name, (old, before.get(name)), (new, after.get(name)), compare)
        for name in sorted(before.keys() | after.keys())
        if _effect(before.get(name)) != _effect(after.get(name))
    ]


def _files(lock_set: LockSet) -> dict[str, OwnFile]:
    return {
        f"{stage.name}:{file.target}": file
        for stage in lock_set.image_set.stages
        for file in stage.files or ()
    }


def _effect(file: OwnFile | None) -> tuple[str, str]:
    """Return what decides the file in the image."""
    return (file.sha256, file.mode) if file else ("", "")


def _change(
    name: str,
    old: tuple[LockSet, OwnFile | None],
    new: tuple[LockSet, OwnFile | None],
    compare: Compare,
) -> FileChange:
    texts = _text(*old), _text(*new)
    if None in texts:
        texts = _summary(old[1]), _summary(new[1])
    before, after = ((text or "").splitlines() for text in texts)
    modes = [file.mode if file else "" for _, file in (old, new)]
    mode = (f"mode {modes[0]} -> {modes[1]}",) if all(modes) and modes[0] != modes[1] else ()
    return FileChange(path=name, kind=_kind(old[1], new[1]), lines=(*mode, *compare(before, after)))


def _kind(old: OwnFile | None, new: OwnFile | None) -> FileKind:
    if old is None:
        return "added"
    return "changed" if new else "removed"


def _text(lock_set: LockSet, file: OwnFile | None) -> str | None:
    """Return the content of a file, "" for a missing one; None if it is large or binary."""
    if file is None:
        return ""
    content = lock_set.files.get(kept_path(file))
    if file.stored or content is None or "\0" in content:
        return None
    try:
        return to_bytes(content).decode()
    except UnicodeDecodeError:
        return None


def _summary(file: OwnFile | None) -> str:
    return f"{file.size:,} bytes, sha256:{file.sha256}" if file else ""
