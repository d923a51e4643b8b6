"""Lock sets on disk: read, checked and written atomically under locks/."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from orbiter.lockset import damage, exchange
from orbiter.lockset.model import (
    ASSEMBLY,
    DIGESTS,
    FORMAT,
    LAYERS,
    MANIFEST,
    OWN_FILES,
    LockSet,
    LockSetError,
    Manifest,
    digest,
    manifest_text,
    root_line,
    to_bytes,
    to_text,
)
from orbiter.lockset.versions import SEMVER, precedence
from resolvers.scratch import scratch_folder

LOCKS = Path("locks")

NEXT_RELEASE = "start the next release: orbiter bump patch|minor|major|auto, then orbiter lock"
CHECKOUT = "restore it from git (git checkout -- locks)"
ONLY_FILES = f"a lock set has only regular files and folders: remove it, or {CHECKOUT}"
_RESTORE = f"{CHECKOUT}, or remove the folder and lock the release again"
_RECORD_FILE = re.compile(rf"{re.escape(DIGESTS)}|{LAYERS}/[0-9a-f]{{16}}\.txt")


def release_folder(release: str, locks: Path = LOCKS) -> Path:
    """Return the folder of a release's lock set.

    Raises ExpectedError if the release is not a semantic version, and LockSetError if a killed run
    left a lock set under another name.
    """
    precedence(release)
    _refuse_unfinished(locks)
    return locks / release


def releases(locks: Path = LOCKS) -> tuple[str, ...]:
    """Return the releases that have a lock set, oldest version first."""
    _refuse_unfinished(locks)
    names = (manifest.parent.name for manifest in locks.glob(f"*/{MANIFEST}"))
    return tuple(sorted((name for name in names if SEMVER.fullmatch(name)), key=precedence))


def previous(release: str, locks: Path = LOCKS) -> LockSet | None:
    """Return the lock set that locking a release starts from.

    It is the release's own lock set, else the one of the newest older release.
    """
    folder = release_folder(release, locks)
    if (folder / MANIFEST).exists():
        return read(folder)
    older = [name for name in releases(locks) if precedence(name) < precedence(release)]
    return read(release_folder(older[-1], locks)) if older else None


def read(folder: Path) -> LockSet:
    """Read a lock set and check every byte against the manifest and its root digest.

    Raises LockSetError with the name of a file that is missing, unknown, changed or special.
    """
    try:
        return _read(folder)
    except LockSetError as error:
        raise damage.explain(folder, error) from error


def _read(folder: Path) -> LockSet:
    _refuse_special_files(folder)
    manifest, root = _read_manifest(folder / MANIFEST)
    _check_paths(folder, manifest)
    files = {path: _read_file(folder, path, sha256) for path, sha256 in manifest.files.items()}
    _check_no_other_files(folder, manifest)
    return LockSet(manifest=manifest, files=files, root=root)


def write(lock_set: LockSet, folder: Path) -> bool:
    """Write a lock set, and return False if the folder already has the same bytes.

    The new folder is written next to the old one and then renamed. A run that is killed leaves the
    old lock set or the new one, never a mixture. Raises LockSetError if the old one was released.
    """
    if _has_same_files(folder, lock_set):
        return False
    refuse_released(folder)
    _write_files({**lock_set.files, MANIFEST: manifest_text(lock_set)}, folder)
    return True


def freeze(lock_set: LockSet, folder: Path, record: Mapping[str, str]) -> None:
    """Write a lock set together with the files of its record, atomically.

    Raises LockSetError if it was already released.
    """
    refuse_released(folder)
    _write_files({**lock_set.files, MANIFEST: manifest_text(lock_set), **record}, folder)


def is_released(folder: Path) -> bool:
    """Return whether a lock set has a record of its images, which freezes it."""
    return (folder / DIGESTS).exists()


def refuse_released(folder: Path) -> None:
    """Raise LockSetError if the lock set was released and so must not change."""
    if is_released(folder):
        problem = f"{folder} was released and cannot change, because it has {folder / DIGESTS}"
        raise LockSetError(problem, NEXT_RELEASE)


def _refuse_special_files(folder: Path) -> None:
    """Raise LockSetError for a link, a pipe or a device in a lock set, without opening it.

    A link could show a file of this machine, and reading a pipe or a device might never end.
    """
    for parent, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = Path(parent, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise LockSetError(f"{path} is a symbolic link", ONLY_FILES)
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise LockSetError(f"{path} is not a regular file", ONLY_FILES)


def _read_manifest(path: Path) -> tuple[Manifest, str]:
    """Return the manifest and its root digest."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LockSetError(f"{path}: lock set not found", "run orbiter lock") from None
    damage.refuse_damaged(path, content, path.parent)
    try:
        first_line, _, text = content.decode().partition("\n")
    except UnicodeDecodeError as error:
        raise LockSetError(f"{path}: not UTF-8 ({error.reason})", _RESTORE) from None
    try:
        # Python rejects numbers with thousands of digits by a plain ValueError. The empty line
        # stands for the line of the root, so that errors name the right line.
        table: dict[str, Any] = msgspec.toml.decode(f"\n{text}")
        refuse_newer_format(path, table, FORMAT)
        refuse_newer_assembly(path, table)
        manifest = msgspec.convert(table, Manifest)
        datetime.fromisoformat(manifest.cutoff)
    except (ValueError, RecursionError) as error:
        raise LockSetError(f"{path}: {error}", _RESTORE) from None
    root = digest(text)
    if first_line != root_line(root):
        raise LockSetError(f"{path}: the root digest does not match the manifest", _RESTORE)
    return manifest, root


def refuse_newer_assembly(path: Path, manifest: Mapping[str, Any]) -> None:
    """Raise LockSetError if this Orbiter would make other images than the one that locked."""
    version = manifest.get("assembly")
    if isinstance(version, int) and version > ASSEMBLY:
        raise LockSetError(
            f"{path}: assembly {version} is newer than the supported assembly {ASSEMBLY}",
            "install a newer Orbiter",
        )


def refuse_newer_format(path: Path, content: Mapping[str, Any], supported: int) -> None:
    """Raise LockSetError if a file was written by a newer Orbiter."""
    version = content.get("format")
    if isinstance(version, int) and version > supported:
        raise LockSetError(
            f"{path}: format {version} is newer than the supported format {supported}",
            "install a newer Orbiter",
        )


def _check_paths(folder: Path, manifest: Manifest) -> None:
    # A manifest from elsewhere must not make Orbiter read or copy other files of the machine.
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            problem = f"{folder / MANIFEST}: {name} is outside the lock set"
            raise LockSetError(problem, _RESTORE)


def _read_file(folder: Path, path: str, sha256: str) -> str:
    try:
        content = (folder / path).read_bytes()
    except FileNotFoundError:
        problem = f"{folder / path}: listed in {MANIFEST}, but missing"
        hint = damage.missing_file_hint(folder / path, folder) or _RESTORE
        raise LockSetError(problem, hint) from None
    actual = "sha256:" + hashlib.sha256(content).hexdigest()
    if actual != sha256:
        problem = f"{folder / path}: {MANIFEST} lists {sha256}, but the file has {actual}"
        git_change = damage.changed_file(folder / path, content, sha256, folder)
        raise git_change or LockSetError(problem, _RESTORE)
    if path.startswith(f"{OWN_FILES}/"):
        return to_text(content)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise LockSetError(f"{folder / path}: not UTF-8 ({error.reason})", _RESTORE) from None


def _check_no_other_files(folder: Path, manifest: Manifest) -> None:
    # A link to a folder counts as a file, because the manifest cannot list its content.
    paths = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    recorded = {path for path in paths if _RECORD_FILE.fullmatch(path)}
    if recorded and DIGESTS not in recorded:
        problem = f"{folder / DIGESTS}: missing, although {min(recorded)} exists"
        raise LockSetError(problem, CHECKOUT)
    unknown = sorted(paths - manifest.files.keys() - {MANIFEST} - recorded)
    if unknown:
        problem = f"{folder / unknown[0]}: not listed in {MANIFEST}"
        raise LockSetError(problem, "remove it: a lock set contains no other files")


def _has_same_files(folder: Path, lock_set: LockSet) -> bool:
    try:
        return read(folder) == lock_set
    except LockSetError:
        return False


def _write_files(files: Mapping[str, str], folder: Path) -> None:
    with scratch_folder(folder.parent, f".{folder.name}{exchange.SCRATCH}") as temporary:
        new = temporary / folder.name
        for path, content in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(to_bytes(content))
        # Another run may have released the lock set since the first check.
        exchange.replace_folder(folder, new, refuse_released)


def _refuse_unfinished(locks: Path) -> None:
    # A check must not write, so only commands that write call exchange.recover before.
    for folder, backup in exchange.unfinished(locks):
        problem = f"{folder}: a run was killed while it replaced this lock set"
        raise LockSetError(problem, f"restore it: mv {backup} {folder}")
