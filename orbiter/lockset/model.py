"""A lock set: all of one release, under ``locks/<release>/``.

The manifest ``lockset.toml`` names every other file with its sha256 and carries one root digest over itself,
so that one value stands for every byte that decides the images of a release.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property

import msgspec

from orbiter.config import snapshot
from orbiter.config.image_set import ImageSet
from resolvers.errors import ExpectedError
from resolvers.types import Pin

FORMAT = 1
MANIFEST = "lockset.toml"
SNAPSHOT = "images.toml"
BUILD = "build"
DIGESTS = "digests.toml"
"""What was built of a released lock set; it and ``layers/`` lie beside the files that the manifest names."""
LAYERS = "layers"


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


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True
):
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


class LockSet(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A manifest and the text of every file that it names, by path inside the lock set.

    ``root`` is the root digest, ``sha256:<hex>`` over the text of the manifest below its ``root`` line; it is kept
    as it was read, so that no later way of writing TOML gives an old release another one.
    """

    manifest: Manifest
    files: Mapping[str, str]
    root: str

    def builder_files(self, builder: str, names: tuple[str, ...] = ()) -> dict[str, str]:
        """The lock files of a builder by name; only those of ``names`` where any are given."""
        prefix = f"{builder}/"
        found = {
            path.removeprefix(prefix): text
            for path, text in self.files.items()
            if path.startswith(prefix)
        }
        return {name: text for name, text in found.items() if not names or name in names}

    @cached_property
    def image_set(self) -> ImageSet:
        """The image set that was locked, read once."""
        return snapshot.load(self.files[SNAPSHOT])

    @property
    def is_complete(self) -> bool:
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


def manifest_text(lockset: LockSet) -> str:
    """lockset.toml as it stands on disk."""
    return f"{_root_line(lockset.root)}\n{_manifest_text(lockset.manifest)}"


def _root_line(root: str) -> str:
    return f'root = "{root}"'


def _manifest_text(manifest: Manifest) -> str:
    return msgspec.toml.encode(manifest, order="sorted").decode()
