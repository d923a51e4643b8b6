"""The drawing of a treemap: one group for each manager, with a tile for each package. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from orbiter.report.release.package_sizes import ImageSizes, PackageSize
from orbiter.report.release.treemap import Rectangle, squarify
from orbiter.sizes import format_size

HEADING = 20
"""Height of the line with the name of a group."""
CHARACTER = 7
"""Average width of a character of a label."""
LINE = 15
"""Height of a line of a label."""
MARGIN = 4
SHORTEST = 4
"""Characters that a shortened label has at least."""


class Tile(NamedTuple):
    """The rectangle of a package. ``title`` is its tooltip, and ``lines`` are its label."""

    manager: str
    place: Rectangle
    title: str
    lines: tuple[str, ...]


class Group(NamedTuple):
    """The area of a manager; ``heading`` is "" if it has no room for one."""

    manager: str
    place: Rectangle
    heading: str
    tiles: tuple[Tile, ...]


class Drawing(NamedTuple):
    """A treemap of this width and height."""

    width: int
    height: int
    groups: tuple[Group, ...]


def draw(sizes: ImageSizes, width: int, height: int) -> Drawing:
    """Return the treemap of an image."""
    managers = sizes.managers()
    places = squarify(list(managers.values()), Rectangle(0, 0, width, height))
    groups = (
        _group(manager, [each for each in sizes.packages if each.manager == manager], place)
        for manager, place in zip(managers, places, strict=True)
    )
    return Drawing(width, height, tuple(groups))


def _group(manager: str, packages: list[PackageSize], place: Rectangle) -> Group:
    heading = _heading(manager, sum(package.size for package in packages), place)
    area = place
    if heading:
        area = place._replace(y=place.y + HEADING, height=place.height - HEADING)
    largest_first = sorted(packages, key=lambda each: -each.size)
    tiles = squarify([package.size for package in largest_first], area)
    return Group(
        manager=manager,
        place=place,
        heading=heading,
        tiles=tuple(map(_tile, largest_first, tiles)),
    )


def _heading(manager: str, size: int, place: Rectangle) -> str:
    """Return the name and size of a group, "" if it has no room for a line above its tiles."""
    text = f"{manager} {format_size(size)}"
    has_room = place.height >= 3 * HEADING and _fits(text, place.width)
    return text if has_room else ""


def _tile(package: PackageSize, place: Rectangle) -> Tile:
    size = format_size(package.size)
    name = f"{package.name} {package.version}".strip()
    lines = tuple(_lines(package.name, size, place))
    return Tile(package.manager, place, f"{name} ({package.manager}): {size}", lines)


def _lines(name: str, size: str, place: Rectangle) -> Iterator[str]:
    """Yield the lines of a label that fit into a tile."""
    if place.height < LINE + MARGIN:
        return
    room = int((place.width - 2 * MARGIN) // CHARACTER)
    if len(name) > room:
        name = f"{name[: room - 1]}…" if room > SHORTEST else ""
    if name:
        yield name
    if name and place.height >= 2 * LINE + MARGIN and _fits(size, place.width):
        yield size


def _fits(text: str, width: float) -> bool:
    return len(text) * CHARACTER + 2 * MARGIN <= width
