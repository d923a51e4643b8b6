"""The page about a release: self-contained, without requests, the same for the same input. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from orbiter.diff.types import Diff
from orbiter.licences.model import Inventory, LicensedPackage
from orbiter.licences.report.text import remarks
from orbiter.licences.views import by_licence
from orbiter.lockfiles.types import PackageEntry
from orbiter.lockset.record import RecordedImage
from orbiter.query.packages import ListedImage, Selection, listing
from orbiter.report import html, pages, phrases
from orbiter.report.notable import notable
from orbiter.report.release.contents import Contents
from orbiter.report.release.drawing import Drawing, draw
from orbiter.report.release.history import histories
from orbiter.report.release.package_sizes import ImageSizes, sizes_of, unknown_text
from orbiter.sizes import format_size

GENERATOR = '<meta name="generator" content="orbiter report">'
"""The line by which Orbiter knows a page that it wrote."""
WIDE = (960, 480)
NARROW = (360, 460)
FEW = 30
"""Packages in the treemap of a narrow screen."""
NAMED = 12
"""Packages of a licence that are named."""


class ImageRow(NamedTuple):
    """An image on one platform; ``size``, ``layers`` and ``digest`` are "" if not recorded."""

    tag: str
    platform: str
    size: str
    layers: str
    packages: int
    notable: str
    digest: str
    base: str
    pull: str


class SizeRow(NamedTuple):
    """A row of the table beside a treemap."""

    name: str
    version: str
    manager: str
    size: str
    share: str


class SizeView(NamedTuple):
    """The sizes of packages in an image. ``drawings`` are for wide and for narrow screens."""

    image: str
    platform: str
    total: str
    unknown: str
    inside: int
    drawings: tuple[tuple[str, Drawing], ...]
    rows: tuple[SizeRow, ...]


class LicenceRow(NamedTuple):
    """A licence with the number of packages and the names of some."""

    name: str
    packages: int
    names: str


def render(contents: Contents) -> str:
    """Return the page; its policy allows only its own style and script, and no requests."""
    manifest, digests = contents.lock_set.manifest, contents.digests
    images = tuple(_images(contents))
    changes = html.parts(_shown(contents.changes)) if contents.changes else None
    columns = html.tracks(changes) if changes else ""
    style = "".join(map(pages.read, ("page.css", "vulnerabilities/page.css", "release/page.css")))
    script = pages.read("page.js") if changes and changes.rows else ""
    return pages.template("release/page.html.j2").render(
        generator=GENERATOR,
        phrases=phrases,
        repository=phrases.printable(contents.lock_set.image_set.repository),
        release=manifest.release,
        date=contents.history[-1].date,
        root=contents.lock_set.root,
        recorded=digests is not None,
        images=images,
        pulls=tuple(dict.fromkeys(image.pull for image in images)),
        sizes=tuple(_sizes(contents)),
        histories=histories(contents.history, contents.packages),
        changes=changes,
        vulnerabilities=contents.vulnerabilities,
        inventory=contents.licences,
        licences=tuple(_licences(contents.licences)),
        licence_remarks=tuple(map(phrases.printable, remarks(contents.licences))),
        style=style + columns,
        script=script,
        style_hash=pages.policy_hash(style + columns),
        script_hash=pages.policy_hash(script),
    )


def is_own(text: str) -> bool:
    """Return whether Orbiter wrote a page."""
    return GENERATOR in text.partition("</head>")[0]


def _shown(changes: Diff) -> Diff:
    """Return changes without the build files that follow from the lock files."""
    files = tuple(file for file in changes.files if file.problem or not file.derived)
    return replace(changes, files=files)


def _images(contents: Contents) -> Iterator[ImageRow]:
    release = contents.lock_set.manifest.release
    stages = contents.digests.stages if contents.digests else {}
    for image in listing(contents.lock_set, Selection()).images:
        for platform in image.platforms:
            recorded = stages.get(image.name, {}).get(platform)
            yield _image(contents, f"{image.name}-{release}", image, platform, recorded)


def _image(
    contents: Contents, tag: str, image: ListedImage, platform: str, recorded: RecordedImage | None
) -> ImageRow:
    reference = f"{contents.lock_set.image_set.repository}:{tag}"
    # The digest in a command would be that of one platform.
    has_digest = recorded is not None and len(image.platforms) == 1
    return ImageRow(
        tag=phrases.printable(tag),
        platform=platform,
        size=format_size(recorded.size) if recorded else "",
        layers=f"{len(recorded.layers):,}" if recorded else "",
        packages=sum(platform in package.sizes for package in image.packages),
        notable=phrases.printable(", ".join(notable(image, platform))),
        digest=recorded.digest if recorded else "",
        base=phrases.printable(image.base),
        pull=f"{reference}@{recorded.digest}" if recorded and has_digest else reference,
    )


def _sizes(contents: Contents) -> Iterator[SizeView]:
    """Yield the sizes in each image, on its first platform."""
    seen = set()
    for scope, entries in contents.packages.items():
        if scope.environment not in seen:
            seen.add(scope.environment)
            yield _size_view(scope.environment, scope.platform, entries, contents)


def _size_view(
    image: str, platform: str, entries: Iterable[PackageEntry], contents: Contents
) -> SizeView:
    entries = tuple(entries)
    sizes = sizes_of(entries, contents.stored)
    few = sizes_of(entries, contents.stored, FEW)
    return SizeView(
        image=image,
        platform=platform,
        total=format_size(sizes.total) if sizes.total else "",
        unknown=unknown_text(sizes),
        inside=sizes.inside,
        drawings=(("wide", draw(sizes, *WIDE)), ("narrow", draw(few, *NARROW))),
        rows=tuple(_rows(sizes)),
    )


def _rows(sizes: ImageSizes) -> Iterator[SizeRow]:
    for each in sizes.packages:
        share = f"{100 * each.size / sizes.total:.1f} %"
        size = format_size(each.size)
        yield SizeRow(each.name, each.version, each.manager, size, share)


def _licences(inventory: Inventory) -> Iterator[LicenceRow]:
    for licence, packages in by_licence(inventory).items():
        yield LicenceRow(phrases.printable(licence), len(packages), _names(packages))


def _names(packages: Iterable[LicensedPackage]) -> str:
    names = list(dict.fromkeys(package.name for package in packages))
    shown = list(islice(names, NAMED))
    if len(names) > NAMED:
        shown.append(f"and {len(names) - NAMED:,} more")
    return phrases.printable(", ".join(shown))
