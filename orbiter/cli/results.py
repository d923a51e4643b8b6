"""The JSON documents of commands that have no module for their report, and printing them.

Commands import this module when they print, because it would slow down every ``--help``.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from orbiter.diff.types import Kind
from orbiter.documents import Document, encode

if TYPE_CHECKING:
    from orbiter.build.built_image import BuiltImage
    from orbiter.release.verify import ImageComparison


def print_json(document: Document) -> None:
    """Print a document to standard output."""
    click.echo(encode(document), nl=False)


class OneImage(msgspec.Struct, frozen=True, kw_only=True):
    """A built image; ``already there`` if the registry had it before."""

    tag: str
    digest: str
    platforms: tuple[str, ...]
    state: Literal["built", "pushed", "already there"]


class OneComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of an image with its release, or of a second build with the first.

    ``kind`` is the first difference, ``why`` are lines for people.
    """

    stage: str
    platform: str
    digest: str
    kind: Literal["same", "compression", "record", "configuration", "layer"]
    why: tuple[str, ...]


class BuildResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter build``; ``comparisons`` are those of ``--verify``.

    Unless the images are ``accepted``, nothing was loaded, pushed or kept, and there are none.
    """

    release: str
    accepted: bool
    images: tuple[OneImage, ...]
    comparisons: tuple[OneComparison, ...]


class PushResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter push``; unless the images are ``accepted``, none was pushed.

    ``readme`` says whether README.md became the overview of the repository.
    """

    release: str
    accepted: bool
    images: tuple[OneImage, ...]
    readme: bool = False


class ReleasedImage(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded image; ``size`` is that of its compressed layers in bytes."""

    image: str
    platform: str
    digest: str
    size: int


class ReleaseResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter release``; unless ``accepted``, nothing was written.

    ``comparisons`` are those of ``--twice`` if the builds differ.
    """

    release: str
    accepted: bool
    images: tuple[ReleasedImage, ...]
    comparisons: tuple[OneComparison, ...]


def images_of(built: "Iterable[BuiltImage]") -> tuple[OneImage, ...]:
    """Return built images as a document has them."""
    return tuple(
        OneImage(
            tag=image.tag,
            digest=image.digest,
            platforms=image.platforms,
            state="pushed" if image.pushed else "built",
        )
        for image in built
    )


def comparisons_of(findings: "Iterable[ImageComparison]") -> tuple[OneComparison, ...]:
    """Return comparisons as a document has them."""
    return msgspec.convert(tuple(findings), tuple[OneComparison, ...], from_attributes=True)


class ArchiveResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter archive``: numbers of files, and their sizes in bytes.

    ``digest`` is that of the archived release, which is the same in every archive.
    """

    release: str
    target: str
    digest: str
    added: int
    added_size: int
    present: int
    present_size: int


class MissingUpstream(msgspec.Struct, frozen=True, kw_only=True):
    """A locked file that is no longer available upstream; ``path`` is that of the artifact."""

    path: str
    reason: str


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """The availability of locked files: numbers of files, and those that are missing.

    ``unknown`` are messages about files that could not be checked because of an error.
    """

    available: int
    missing: tuple[MissingUpstream, ...]
    unchecked: int
    unknown: tuple[str, ...]


class StoreCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The files in the store before the fetch: intact ones, and a line for each corrupted one."""

    intact: int
    corrupted: tuple[str, ...]


class FetchResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter fetch``: numbers of files, and the size of fetched ones in bytes.

    ``upstream`` is null without ``--upstream``, and ``store`` without ``--verify``.
    """

    release: str
    fetched: int
    size: int
    present: int
    store: StoreCheck | None
    upstream: Upstream | None


class BumpResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter bump``; ``reason`` is "" unless the step is ``auto``.

    If nothing would change, ``step`` is "", and both versions are the same.
    """

    old: str
    new: str
    step: str
    reason: str


class VersionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a package in a release or tag; ``images`` are empty if all have it.

    ``altered`` is true if a file of the same version and build has another hash.
    """

    name: str
    manager: str
    release: str
    date: str
    kind: Kind
    old: tuple[str, ...]
    new: tuple[str, ...]
    images: tuple[str, ...]
    altered: bool


class LogResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter log``, oldest first; ``skipped`` are messages of unreadable locks."""

    events: tuple[VersionEvent, ...]
    skipped: tuple[str, ...]


class OneExport(msgspec.Struct, frozen=True, kw_only=True):
    """The export of an ecosystem, with its size in bytes; ``is_new`` if it had changed."""

    ecosystem: str
    size: int
    is_new: bool


class OsvResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter osv update``; ``records`` are numbers of advisories by ecosystem."""

    exports: tuple[OneExport, ...]
    digest: str
    newest: str
    records: Mapping[str, int]


class SignedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image with signed provenance; ``is_new`` is false if it was signed before."""

    reference: str
    digest: str
    is_new: bool


class SignResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter sign``."""

    images: tuple[SignedImage, ...]


class VerifiedImage(msgspec.Struct, frozen=True, kw_only=True):
    """The verification of an image; ``problem`` is "" if its provenance is signed and right."""

    reference: str
    digest: str
    signer: str
    problem: str


class VerifySignatureResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter verify-signature``."""

    images: tuple[VerifiedImage, ...]


class ReadmeResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter readme``.

    ``stale`` says that the section was not up to date, ``written`` that it was not only checked.
    """

    file: str
    release: str
    stale: bool
    written: bool


class OneLeftover(msgspec.Struct, frozen=True, kw_only=True):
    """A container, an image, records of the build cache, or an unfinished file.

    ``name`` is the name of a container, the tag of an image or the id of an untagged one, the stage
    of records, or a path. ``size`` is in bytes, and includes layers that other images share.
    """

    kind: Literal["container", "image", "untagged", "cache", "unfinished"]
    name: str
    size: int


class CleanResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter clean``: the leftovers, and whether they were removed.

    ``cache_freed`` are the bytes that BuildKit freed; it keeps records that others are based on.
    """

    removed: bool
    leftovers: tuple[OneLeftover, ...]
    cache_freed: int
    notes: tuple[str, ...]


class LockCheckResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter lock --check``; ``reasons`` say why a lock set is not ``fresh``."""

    release: str
    fresh: bool
    reasons: tuple[str, ...]


class BinderResult(Document, frozen=True, kw_only=True):
    """The result of ``orbiter binder``: the Dockerfile that was written, and links, "" for none.

    ``badge`` is Markdown. ``hub`` is the link for a JupyterHub.
    """

    file: str
    image: str
    binder: str
    badge: str
    hub: str
