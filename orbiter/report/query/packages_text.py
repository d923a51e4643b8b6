"""``orbiter list`` as text: a table for each image, without the packages of its parent."""

from collections.abc import Iterator, Mapping

from orbiter.query.packages import ListedImage, ListedPackage, Listing
from orbiter.report.query.table import counted, table, wrapped
from orbiter.sizes import format_size

HEADER = ("  package", "version", "manager", "size", "")
SIZE_COLUMN = 3
DIRECT = "* requested in images.toml"
"""The legend of the mark."""


def render(listing: Listing, *, width: int, narrowed: bool = False) -> str:
    """Return the listing; ``narrowed`` says that options left out packages."""
    images = {image.name: image for image in listing.images}
    blocks = [_block(image, images, width, narrowed=narrowed) for image in listing.images]
    notes = [line for note in listing.notes for line in wrapped(f"not listed: {note}", width)]
    lines = [line for block in blocks for line in (*block, "")]
    legend = [DIRECT] if any(line.startswith("*") for line in lines) else []
    return "\n".join([*lines, *legend, *notes]).rstrip("\n") + "\n"


def _block(
    image: ListedImage, images: Mapping[str, ListedImage], width: int, *, narrowed: bool
) -> Iterator[str]:
    parent = images.get(image.parent)
    inherited = set(map(_key, parent.packages)) if parent else set()
    own = [package for package in image.packages if _key(package) not in inherited]
    yield from wrapped(_title(image, len(own), narrowed=narrowed), width)
    if own:
        rows = [HEADER, *(_row(package, image) for package in own)]
        yield from table(rows, width, right=SIZE_COLUMN)
    if image.base:
        yield from wrapped(f"not listed: the packages of the base image {image.base}", width, "  ")


def _title(image: ListedImage, own: int, *, narrowed: bool) -> str:
    total = len(image.packages)
    text = f"{image.name} ({', '.join(image.platforms)}): {counted(total, 'package')}"
    size = sum(package.sizes.get(image.platforms[0], 0) for package in image.packages)
    if size and not narrowed:
        has_all = all(any(package.sizes.values()) for package in image.packages)
        text += f", {'' if has_all else 'more than '}{format_size(size)} to download"
    if own < total:
        text += f"; {total - own:,} of them are those of {image.parent}"
    return text


def _key(package: ListedPackage) -> tuple[str, str, str, str]:
    return package.manager, package.name, package.version, package.build


def _row(package: ListedPackage, image: ListedImage) -> tuple[str, ...]:
    size = next((package.sizes[each] for each in image.platforms if each in package.sizes), 0)
    is_everywhere = len(package.sizes) == len(image.platforms)
    note = "" if is_everywhere else f"{', '.join(sorted(package.sizes))} only"
    version = f"{package.version} {package.build}".strip()
    shown_size = format_size(size) if size else ""
    name = f"{'*' if package.direct else ' '} {package.name}"
    return name, version, package.manager, shown_size, note
