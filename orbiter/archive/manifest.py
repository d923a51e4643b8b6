"""What an archive is made of: one OCI artifact a release, with the same digest wherever it is made.

A release is a manifest (https://github.com/opencontainers/image-spec/blob/main/manifest.md, "artifactType") whose
layers are the files of the release as they are. The index of an OCI image layout, or the tags of a repository, name the
releases.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from orbiter.fetch.progress import ReportProgress
from orbiter.oci.layout import encode_index
from orbiter.oci.registry import OCI_MANIFEST, sha256
from orbiter.store.artifact_list import LockedFile
from orbiter.store.download import Open
from resolvers.errors import ExpectedError

ARTIFACT_TYPE = "application/vnd.orbiter.archive.v1"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
FILE_TYPE = "application/octet-stream"
ARCHIVE_IT = "run 'orbiter archive' with this release, where there is a network"
EMPTY = b"{}"
"""The config of an artifact that needs none, as OCI has it."""
TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
REF_NAME = "org.opencontainers.image.ref.name"
LOCKSET = "org.orbiter.lockset"
HASH = "org.orbiter.hash"

Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
T = TypeVar("T")


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a release: ``digest`` is the sha256 of its bytes, ``entry`` what the lock set says of it.

    ``file`` is where it is on this machine, its bytes verified.
    """

    digest: str
    size: int
    entry: LockedFile
    file: Path


class ReleaseArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """A release as it goes into an archive."""

    name: str
    manifest: bytes
    pieces: tuple[Blob, ...]


class AddResult(msgspec.Struct, frozen=True, kw_only=True):
    """What archiving did: the files that were new to the place, and those that were there."""

    new: tuple[Blob, ...]
    already: tuple[Blob, ...]


def add_result(pieces: Iterable[Blob], new: Collection[str]) -> AddResult:
    """What archiving did where the digests in ``new`` were new."""
    both: tuple[list[Blob], list[Blob]] = ([], [])
    for piece in pieces:
        both[piece.digest in new].append(piece)
    return AddResult(new=tuple(both[True]), already=tuple(both[False]))


class ReleaseContent(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of a release: the root digest of its lock set, and its files' digests by their hashes."""

    root: str
    digests: Mapping[str, str]


class ArchiveStorage(Protocol):
    """Where an archive is: a folder, a tar file, a repository. Errors are ExpectedErrors that name it."""

    name: str

    def prepare(self, release: str) -> None:
        """Make sure that this release can be put here, before there is much to do; raises where something else is."""
        ...

    def manifest(self, release: str) -> bytes:
        """The manifest of a release, verified; the error names those that are here."""
        ...

    def releases(self) -> tuple[str, ...]:
        """The names of the releases here; raises where there is no archive."""
        ...

    def blob(self, digest: str) -> Open:
        """The way to the bytes of a file, which are not verified."""
        ...

    def add(self, release: ReleaseArtifact, report: ReportProgress) -> AddResult:
        """Put a release here, beside the others; only what is missing is written."""
        ...


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


class _Manifest(msgspec.Struct, rename="camel"):
    artifact_type: str = ""
    layers: list[_Descriptor] = []
    annotations: dict[str, str] = {}


class _Index(msgspec.Struct, rename="camel"):
    manifests: list[dict[str, Any]] = []


def unique(pieces: Iterable[Blob]) -> tuple[Blob, ...]:
    """Each file once, in the order of the manifest; of two with the same bytes the one whose hash is not sha256."""
    found: dict[str, Blob] = {}
    for piece in sorted(pieces, key=lambda each: (each.entry.hash == each.digest, each.entry)):
        found.setdefault(piece.digest, piece)
    return tuple(sorted(found.values(), key=lambda each: (each.entry.path, each.digest)))


def compose(name: str, root: str, pieces: Iterable[Blob]) -> ReleaseArtifact:
    """The release ``name`` with the root digest of its lock set. Pure: the same files give the same bytes."""
    files = unique(pieces)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": {"mediaType": EMPTY_TYPE, "digest": sha256(EMPTY), "size": len(EMPTY)},
        "layers": [_layer(piece) for piece in files],
        "annotations": {VERSION: name, LOCKSET: root},
    }
    return ReleaseArtifact(name=name, manifest=msgspec.json.encode(manifest), pieces=files)


def _layer(piece: Blob) -> dict[str, Any]:
    annotations = {TITLE: piece.entry.path}
    if piece.entry.hash != piece.digest:
        annotations[HASH] = piece.entry.hash
    return {
        "mediaType": FILE_TYPE,
        "digest": piece.digest,
        "size": piece.size,
        "annotations": annotations,
    }


def content(manifest: bytes, name: str) -> ReleaseContent:
    """Read the manifest of a release. Raises ExpectedError for one of something else; ``name`` is for messages."""
    read = decode(manifest, _Manifest, name)
    if read.artifact_type != ARTIFACT_TYPE:
        raise ExpectedError(
            f"{name} is not a release of an archive", "name what 'orbiter archive' wrote"
        )
    digests = {layer.digest: layer.digest for layer in read.layers}
    digests |= {
        layer.annotations[HASH]: layer.digest for layer in read.layers if HASH in layer.annotations
    }
    return ReleaseContent(root=read.annotations.get(LOCKSET, ""), digests=digests)


def named(index: bytes, name: str) -> dict[str, str]:
    """The digests of the manifests that the index of an image layout names, by their names."""
    found = decode(index, _Index, name).manifests if index else []
    return {
        descriptor.annotations[REF_NAME]: descriptor.digest
        for descriptor in (_converted(each, name) for each in found)
        if REF_NAME in descriptor.annotations
    }


def refuse_other(manifest: bytes, named: str, name: str) -> None:
    """Raise ExpectedError for what is no release of an archive: it is called ``named`` in the place ``name``."""
    kind = decode(manifest, _Manifest, name).artifact_type
    if kind != ARTIFACT_TYPE:
        raise not_an_archive(
            name, f"{named} there is something else ({kind or 'an image'}), and stays as it is"
        )


def refuse_replacing(index: bytes, release: str, name: str, read: Callable[[str], bytes]) -> None:
    """Raise ExpectedError where an image layout has something else by the name of a release.

    ``read`` gives a manifest by its digest, empty where there is none.
    """
    for each in decode(index, _Index, name).manifests if index else ():
        descriptor = _converted(each, name)
        ours = descriptor.artifact_type == ARTIFACT_TYPE  # tools that copy an archive leave it out
        if descriptor.annotations.get(REF_NAME) == release and not ours:
            refuse_other(read(descriptor.digest), release, name)


def with_release(index: bytes, release: ReleaseArtifact, name: str) -> bytes:
    """The index of an image layout with a release in it, made where it is empty; whatever else it names stays."""
    entry = {
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "digest": sha256(release.manifest),
        "size": len(release.manifest),
        "annotations": {REF_NAME: release.name},
    }
    others = decode(index, _Index, name).manifests if index else []
    by_name = [(_converted(each, name).annotations.get(REF_NAME, ""), each) for each in others]
    by_name = [(called, each) for called, each in by_name if called != release.name] + [
        (release.name, entry)
    ]
    manifests = [each for _, each in sorted(by_name, key=itemgetter(0))]
    return encode_index(manifests)


def decode(text: bytes, kind: type[T], name: str) -> T:
    """Read JSON of an archive; raises ExpectedError with ``name``."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise not_an_archive(name, str(error)) from error


def _converted(descriptor: dict[str, Any], name: str) -> _Descriptor:
    try:
        return msgspec.convert(descriptor, _Descriptor)
    except msgspec.ValidationError as error:
        raise not_an_archive(name, str(error)) from error


def not_an_archive(name: str, reason: str) -> ExpectedError:
    """The error for a place where something else is."""
    return ExpectedError(
        f"{name} is not an archive: {reason}", "name what 'orbiter archive' wrote, or a new place"
    )


def no_release(name: str, release: str, there: Iterable[str]) -> ExpectedError:
    """The error for a release that an archive does not have."""
    known = ", ".join(there) or "none"
    return ExpectedError(
        f"{name} has no release {release}; it has {known}",
        ARCHIVE_IT,
    )
