"""A lock set: all of one release, under ``locks/<release>/``.

The manifest ``lockset.toml`` names every other file with its sha256 and carries one root digest over itself,
so that one value stands for every byte that decides the images of a release.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from orbiter.scratch import scratch
from resolvers.errors import ExpectedError
from resolvers.types import Pin

FORMAT = 1
MANIFEST = "lockset.toml"
SNAPSHOT = "images.toml"
BUILD = "build"
DIGESTS = "digests.toml"
"""What was built of a released lock set; it and ``layers/`` lie beside the files that the manifest names."""
LAYERS = "layers"
LOCKS = Path("locks")
SEMVER = re.compile(r"(?P<core>\d+\.\d+\.\d+)(-(?P<pre>[0-9A-Za-z.-]+))?")


class LockSetError(ExpectedError):
    """A lock set is missing a file, holds one too many, or a byte of it changed."""


class Installer(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A program that installs packages during the build, locked like any other; no platform means all."""

    platform: str = ""
    pin: Pin


class BuilderFacts(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """What solving found out about a builder: the exact Python, and glibc or musl of each platform's base image.

    ``inputs`` maps a manager to the digest of what its lock files were solved from; ``conda`` is that of conda's lock.
    """

    python: str = ""
    glibc: Mapping[str, str] = {}
    musl: Mapping[str, str] = {}
    conda: str = ""
    inputs: Mapping[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """lockset.toml. ``cutoff`` is when the packages were chosen (ISO 8601, UTC), ``as_of`` that a person set it.

    ``bases`` maps a base image reference and a platform to the manifest digest; ``files`` maps every other
    file of the lock set to its sha256.
    """

    format: int = FORMAT
    release: str
    cutoff: str
    as_of: bool = False
    source_date_epoch: int
    hermetic: bool = True
    tools: Mapping[str, str] = {}
    bases: Mapping[str, Mapping[str, str]] = {}
    builders: Mapping[str, BuilderFacts] = {}
    installers: tuple[Installer, ...] = ()
    files: Mapping[str, str] = {}


class LockSet(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest and the text of every file that it names, by path inside the lock set.

    ``root`` is the root digest, ``sha256:<hex>`` over the text of the manifest below its ``root`` line; it is kept
    as it was read, so that no later way of writing TOML gives an old release another one.
    """

    manifest: Manifest
    files: Mapping[str, str]
    root: str

    def of(self, builder: str, names: tuple[str, ...] = ()) -> dict[str, str]:
        """The lock files of a builder by name; only those of ``names`` where any are given."""
        prefix = f"{builder}/"
        found = {path.removeprefix(prefix): text for path, text in self.files.items() if path.startswith(prefix)}
        return {name: text for name, text in found.items() if not names or name in names}

    @property
    def complete(self) -> bool:
        """Whether every part was locked, so that images can be built."""
        return f"{BUILD}/docker-bake.json" in self.files


def digest(text: str) -> str:
    """``sha256:<hex>`` of a text in UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def seal(manifest: Manifest, files: Mapping[str, str]) -> LockSet:
    """A lock set of these files, named in the manifest with their digests."""
    named = {path: digest(files[path]) for path in sorted(files)}
    full = msgspec.structs.replace(manifest, files=named)
    return LockSet(manifest=full, files=dict(files), root=digest(_manifest_text(full)))


def folder(release: str, locks: Path = LOCKS) -> Path:
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


def precedence(release: str) -> tuple[object, ...]:
    """Orders releases as https://semver.org (item 11) does. Raises ExpectedError for what is none."""
    match = SEMVER.fullmatch(release)
    if not match:
        raise ExpectedError(f"'{release}' is no release", "name a semantic version, like 0.1.0")
    numbers = tuple(int(part) for part in match.group("core").split("."))
    parts = match.group("pre").split(".") if match.group("pre") else []
    return (*numbers, not parts, [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts])


def previous(release: str, locks: Path = LOCKS) -> LockSet | None:
    """What locking a release starts from: its own lock set, else that of the newest release before it."""
    place = folder(release, locks)
    if (place / MANIFEST).exists():
        return read(place)
    older = [name for name in releases(locks) if precedence(name) < precedence(release)]
    return read(folder(older[-1], locks)) if older else None


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
        raise LockSetError(f"{place} was released, and stays as it is: there is {place / DIGESTS}", NEXT)


def _put(files: Mapping[str, str], place: Path) -> None:
    with scratch(place.parent, f".{place.name}.new-") as folder:
        new = folder / place.name
        for path, content in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(content, encoding="utf-8", newline="\n")
        _exchange(new, place)


def manifest_text(lockset: LockSet) -> str:
    """lockset.toml as it stands on disk."""
    return f"{_root_line(lockset.root)}\n{_manifest_text(lockset.manifest)}"


def _root_line(root: str) -> str:
    return f'root = "{root}"'


def _manifest_text(manifest: Manifest) -> str:
    return msgspec.toml.encode(manifest, order="sorted").decode()


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
        raise LockSetError(f"{place / path}: {MANIFEST} names {wanted}, the file has {found}", _RESTORE)
    return content.decode()


def _refuse_outside(place: Path, manifest: Manifest) -> None:
    for path in manifest.files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise LockSetError(f"{place / MANIFEST}: names {path}, which lies outside the lock set", _RESTORE)


def _refuse_strangers(place: Path, manifest: Manifest) -> None:
    there = {str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir() or path.is_symlink()}
    recorded = {path for path in there if _RECORD.fullmatch(path)}
    if recorded and DIGESTS not in recorded:
        raise LockSetError(f"{place / DIGESTS}: missing, though its lists are there ({min(recorded)})", CHECKOUT)
    strangers = sorted(there - set(manifest.files) - {MANIFEST} - recorded)
    if strangers:
        raise LockSetError(f"{place / strangers[0]}: not named in {MANIFEST}", "remove it: nothing else belongs here")


def _same(lockset: LockSet, place: Path) -> bool:
    try:
        return read(place) == lockset
    except LockSetError:
        return False


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _exchange(new: Path, place: Path) -> None:
    aside = _aside(place)
    held = os.open(place.parent, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        _swap(new, place, aside)
    finally:
        os.close(held)


def _swap(new: Path, place: Path, aside: Path) -> None:
    if place.exists():
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
    new.rename(place)
    shutil.rmtree(aside, ignore_errors=True)
