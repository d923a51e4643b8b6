"""Lock sets on disk: read, checked and written atomically under locks/."""

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from orbiter.files import locked, scratch_folder
from orbiter.lockset.model import (
    DIGESTS,
    FORMAT,
    LAYERS,
    MANIFEST,
    LockSet,
    LockSetError,
    Manifest,
    _root_line,
    digest,
    manifest_text,
)
from orbiter.lockset.versions import SEMVER, precedence

LOCKS = Path("locks")


def release_folder(release: str, locks: Path = LOCKS) -> Path:
    """Where the lock set of a release lies.

    A run that was killed while it exchanged two folders leaves the old one set aside; that one then counts. Raises
    ExpectedError for what is no release.
    """
    precedence(release)
    place = locks / release
    aside = _aside(place)
    return aside if aside.is_dir() and not place.exists() else place


def releases(locks: Path = LOCKS) -> tuple[str, ...]:
    """The releases that have a lock set, oldest version first."""
    names = (manifest.parent.name for manifest in locks.glob(f"*/{MANIFEST}"))
    return tuple(sorted((name for name in names if SEMVER.fullmatch(name)), key=precedence))


def previous(release: str, locks: Path = LOCKS) -> LockSet | None:
    """What locking a release starts from: its own lock set, else that of the newest release before it."""
    place = release_folder(release, locks)
    if (place / MANIFEST).exists():
        return read(place)
    older = [name for name in releases(locks) if precedence(name) < precedence(release)]
    return read(release_folder(older[-1], locks)) if older else None


def read(place: Path) -> LockSet:
    """Read a lock set and check every byte of it against the manifest and its root digest.

    Raises LockSetError naming the file that is missing, unknown or changed.
    """
    manifest, root = _read_manifest(place / MANIFEST)
    _refuse_outside(place, manifest)
    files = {path: _read_file(place, path, wanted) for path, wanted in manifest.files.items()}
    _refuse_strangers(place, manifest)
    return LockSet(manifest=manifest, files=files, root=root)


def write(lockset: LockSet, place: Path) -> bool:
    """Write a lock set; gives False, and touches nothing, when the same bytes are there already.

    The new folder is written beside the old one and takes its place by renaming, so a run that is killed
    leaves the old lock set or the new one, never a mixture. Raises LockSetError where a released one lies.
    """
    if _same(lockset, place):
        return False
    refuse_released(place)
    _put({**lockset.files, MANIFEST: manifest_text(lockset)}, place)
    return True


def freeze(lockset: LockSet, place: Path, record: Mapping[str, str]) -> None:
    """Write a lock set again, with the files of the record of what was built of it; from then on it stays.

    As with ``write``, all of it or nothing. Raises LockSetError where it was released before.
    """
    refuse_released(place)
    _put({**lockset.files, MANIFEST: manifest_text(lockset), **record}, place)


def is_released(place: Path) -> bool:
    """Whether the images of the lock set in a folder were recorded, which freezes it."""
    return (place / DIGESTS).exists()


def refuse_released(place: Path) -> None:
    """Raise LockSetError for a lock set that was released: it must stay as it is."""
    if is_released(place):
        raise LockSetError(
            f"{place} was released, and stays as it is: there is {place / DIGESTS}", NEXT
        )


def _put(files: Mapping[str, str], place: Path) -> None:
    with scratch_folder(place.parent, f".{place.name}.new-") as temporary:
        new = temporary / place.name
        for path, content in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(content, encoding="utf-8", newline="\n")
        _exchange(new, place)


def _read_manifest(path: Path) -> tuple[Manifest, str]:
    """The manifest and its root digest."""
    try:
        first, _, text = path.read_bytes().decode().partition("\n")
    except FileNotFoundError:
        raise LockSetError(f"{path}: there is no such lock set", "orbiter lock writes it") from None
    except UnicodeDecodeError as error:
        raise LockSetError(f"{path}: not UTF-8 ({error.reason})", _RESTORE) from None
    try:
        content: dict[str, Any] = msgspec.toml.decode(text)
        if isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise LockSetError(
                f"{path}: format {content['format']} is newer than this Orbiter reads ({FORMAT})",
                "install a newer Orbiter",
            )
        manifest = msgspec.convert(content, Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise LockSetError(f"{path}: {error}", _RESTORE) from None
    root = digest(text)
    if first != _root_line(root):
        raise LockSetError(f"{path}: the root digest does not fit the manifest", _RESTORE)
    return manifest, root


NEXT = "begin the next release: orbiter bump patch|minor|major|auto, then orbiter lock"
_RECORD = re.compile(rf"{re.escape(DIGESTS)}|{LAYERS}/[0-9a-f]{{16}}\.txt")
CHECKOUT = "restore it from git (git checkout -- locks)"
_RESTORE = f"{CHECKOUT}, or remove the folder and lock the release again"


def _read_file(place: Path, path: str, wanted: str) -> str:
    try:
        content = (place / path).read_bytes()
    except FileNotFoundError:
        raise LockSetError(f"{place / path}: named in {MANIFEST}, but missing", _RESTORE) from None
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise LockSetError(
            f"{place / path}: {MANIFEST} names {wanted}, the file has {found}", _RESTORE
        )
    return content.decode()


def _refuse_outside(place: Path, manifest: Manifest) -> None:
    for path in manifest.files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise LockSetError(
                f"{place / MANIFEST}: names {path}, which lies outside the lock set", _RESTORE
            )


def _refuse_strangers(place: Path, manifest: Manifest) -> None:
    there = {
        str(path.relative_to(place))
        for path in place.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    recorded = {path for path in there if _RECORD.fullmatch(path)}
    if recorded and DIGESTS not in recorded:
        raise LockSetError(
            f"{place / DIGESTS}: missing, though its lists are there ({min(recorded)})", CHECKOUT
        )
    strangers = sorted(there - set(manifest.files) - {MANIFEST} - recorded)
    if strangers:
        raise LockSetError(
            f"{place / strangers[0]}: not named in {MANIFEST}",
            "remove it: nothing else belongs here",
        )


def _same(lockset: LockSet, place: Path) -> bool:
    try:
        return read(place) == lockset
    except LockSetError:
        return False


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _exchange(new: Path, place: Path) -> None:
    aside = _aside(place)
    with locked(place.parent):
        _swap(new, place, aside)


def _swap(new: Path, place: Path, aside: Path) -> None:
    if place.exists():
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
    new.rename(place)
    shutil.rmtree(aside, ignore_errors=True)
