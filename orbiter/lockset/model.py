"""The types of a lock set: all files of one release, under ``locks/<release>/``.

The manifest ``lockset.toml`` lists the sha256 of every other file. It starts with a root digest of
its own text. So one value identifies every byte that determines the images of a release.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

import msgspec

from orbiter.config import snapshot
from orbiter.config.image_set import ImageSet
from resolvers.errors import ExpectedError
from resolvers.types.packages import Pin

FORMAT = 1
ASSEMBLY = 1
"""The version of the rules that make images from a lock set; see docs/explanation/assembly.md."""
MANIFEST = "lockset.toml"
SNAPSHOT = "images.toml"
BUILD = "build"
DIGESTS = "digests.toml"
"""The record of a released lock set. The manifest lists neither it nor the files in ``layers/``."""
LAYERS = "layers"
OWN_FILES = "files"
"""The folder with the content of own files, each named by its sha256."""

LAST_TIME = 253402300799
"""The last second of the year 9999."""
# Digests become paths in the store and in build folders.
ImageDigest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]


class LockSetError(ExpectedError):
    """A lock set has a missing, unknown or changed file."""


class Installer(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A program that installs packages during the build. Without a platform it fits all."""

    platform: str = ""
    pin: Pin


class BuilderFacts(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """The properties of a builder that locking determined.

    ``python`` is the exact Python version. ``glibc`` and ``musl`` map platforms to the version in
    the base image. ``entrypoint`` and ``command`` are what it starts. ``variables`` are those of
    the base image that images.toml refers to. ``conda`` is the digest of conda's lock. ``inputs``
    maps managers to the digest of the inputs of their lock files.
    """

    python: str = ""
    glibc: Mapping[str, str] = {}
    musl: Mapping[str, str] = {}
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    conda: str = ""
    inputs: Mapping[str, str] = {}


class RecordedWarning(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    order=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A warning of the run that locked a manager's packages; fields that do not apply are empty."""

    builder: str = ""
    manager: str = ""
    package: str = ""
    text: str
    hint: str = ""

    def __str__(self) -> str:
        scope = " ".join(part for part in (self.builder, self.manager) if part)
        return ": ".join(part for part in (scope, self.package, self.text) if part)


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True
):
    """The content of lockset.toml.

    ``assembly`` is the version of the rules that make images, see ``ASSEMBLY``; 0 for a lock set
    without a build folder.
    ``cutoff`` is the time of the package selection (ISO 8601, UTC); ``as_of`` says that the user
    set it. ``bases`` maps base images and platforms to manifest digests. ``files`` maps every other
    file of the lock set to its sha256. ``warnings`` are sorted. ``templates`` is the digest of the
    program and the templates that rendered ``build/``; older versions of Orbiter recorded none.
    """

    format: int = FORMAT
    assembly: int = 0
    release: str
    cutoff: str
    as_of: bool = False
    source_date_epoch: Annotated[int, msgspec.Meta(ge=0, le=LAST_TIME)]
    hermetic: bool = True
    tools: Mapping[str, str] = {}
    bases: Mapping[str, Mapping[str, ImageDigest]] = {}
    builders: Mapping[str, BuilderFacts] = {}
    installers: tuple[Installer, ...] = ()
    warnings: tuple[RecordedWarning, ...] = ()
    templates: str = ""
    files: Mapping[str, str] = {}


class LockSet(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A manifest and the text of every file that it lists, by path inside the lock set.

    ``root`` is the root digest, ``sha256:<hex>`` of the manifest's text after the ``root`` line. It
    is kept as it was read: a future change in the TOML format must not change old releases.
    """

    manifest: Manifest
    files: Mapping[str, str]
    root: str

    @cached_property
    def image_set(self) -> ImageSet:
        """The image set that was locked."""
        return snapshot.load(self.files[SNAPSHOT])

    @property
    def is_complete(self) -> bool:
        """Return whether every part was locked, so that images can be built."""
        return f"{BUILD}/docker-bake.json" in self.files

    def builder_files(self, builder: str, names: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the lock files of a builder by name, or only those in ``names``."""
        prefix = f"{builder}/"
        files = {
            path.removeprefix(prefix): text
            for path, text in self.files.items()
            if path.startswith(prefix)
        }
        return {name: text for name, text in files.items() if not names or name in names}


def digest(text: str) -> str:
    """Return ``sha256:<hex>`` of a text of a lock set."""
    return "sha256:" + hashlib.sha256(to_bytes(text)).hexdigest()


def to_bytes(text: str) -> bytes:
    """Return the bytes of a text of a lock set; see ``to_text``."""
    return text.encode(errors="surrogateescape")


def to_text(content: bytes) -> str:
    """Return the content of an own file as text, from which ``to_bytes`` makes the same bytes.

    Other files of a lock set are UTF-8. Own files may be binary: each byte that is not UTF-8
    becomes a lone surrogate.
    """
    return content.decode(errors="surrogateescape")


def seal(manifest: Manifest, files: Mapping[str, str]) -> LockSet:
    """Return a lock set of these files, with their digests in the manifest."""
    digests = {path: digest(files[path]) for path in sorted(files)}
    complete = msgspec.structs.replace(manifest, files=digests)
    return LockSet(manifest=complete, files=dict(files), root=digest(_body(complete)))


def manifest_text(lock_set: LockSet) -> str:
    """Return the text of lockset.toml."""
    return f"{root_line(lock_set.root)}\n{_body(lock_set.manifest)}"


def root_line(root: str) -> str:
    """Return the first line of lockset.toml."""
    return f'root = "{root}"'


def _body(manifest: Manifest) -> str:
    """Return the text of lockset.toml after its root line."""
    content = msgspec.to_builtins(manifest)
    # Lock sets from before these keys existed keep their bytes.
    for key in ("assembly", "templates", "warnings"):
        if not content[key]:
            del content[key]
    # sorted, so that the same manifest always has the same root digest
    return msgspec.toml.encode(content, order="sorted").decode()
