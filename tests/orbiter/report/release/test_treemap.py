"""Laws of the treemap, and its drawing for an image."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.report.release.drawing import CHARACTER, draw
from orbiter.report.release.package_sizes import ImageSizes, PackageSize
from orbiter.report.release.treemap import Rectangle, squarify

AREA = Rectangle(5, 7, 600, 400)
SIZES = st.lists(st.integers(1, 10**9), min_size=1, max_size=60).map(
    lambda sizes: sorted(sizes, reverse=True)
)


def surface(place: Rectangle) -> float:
    return place.width * place.height


def overlap(one: Rectangle, other: Rectangle) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0) * max(height, 0)


@given(SIZES)
def test_areas_are_proportional_to_sizes(sizes: list[int]) -> None:
    scale = surface(AREA) / sum(sizes)
    for size, place in zip(sizes, squarify(sizes, AREA), strict=True):
        assert surface(place) == pytest.approx(size * scale, rel=1e-6)


@given(SIZES)
def test_rectangles_are_inside_and_do_not_overlap(sizes: list[int]) -> None:
    places = squarify(sizes, AREA)
    for place in places:
        assert place.x >= AREA.x - 1e-6
        assert place.y >= AREA.y - 1e-6
        assert place.x + place.width <= AREA.x + AREA.width + 1e-6
        assert place.y + place.height <= AREA.y + AREA.height + 1e-6
    for one, other in combinations(places, 2):
        assert overlap(one, other) < 1e-4


def test_the_example_of_the_paper() -> None:
    """The sizes and the area are those of section 3.1 of "Squarified Treemaps"."""
    places = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert [tuple(round(side, 2) for side in place[2:]) for place in places] == [
        (3, 2),
        (3, 2),
        (1.71, 2.33),
        (1.29, 2.33),
        (1.2, 1.67),
        (1.2, 1.67),
        (0.6, 1.67),
    ]


def test_many_rows_need_no_recursion() -> None:
    assert len(squarify([2.0**-number for number in range(1000)], AREA)) == 1000


def test_nothing_has_no_rectangles() -> None:
    assert squarify([], AREA) == []


def images(*packages: PackageSize) -> ImageSizes:
    return ImageSizes(packages=packages, unknown={}, inside=0)


def test_each_manager_has_a_group_and_each_package_a_tile() -> None:
    sizes = images(
        PackageSize("pip", "numpy", "2.5.5", 16_000_000),
        PackageSize("apt", "git", "1:2.47.3", 9_000_000),
        PackageSize("pip", "pandas", "3.1.1", 12_000_000),
    )
    drawing = draw(sizes, 960, 480)
    assert [group.heading for group in drawing.groups] == ["pip 28.0 MB", "apt 9.0 MB"]
    tiles = [tile for group in drawing.groups for tile in group.tiles]
    assert [tile.lines for tile in tiles] == [
        ("numpy", "16.0 MB"),
        ("pandas", "12.0 MB"),
        ("git", "9.0 MB"),
    ]
    assert tiles[0].title == "numpy 2.5.5 (pip): 16.0 MB"


def test_labels_fit_into_their_tiles() -> None:
    names = [f"a-long-name-{number}" for number in range(60)]
    sizes = images(*(PackageSize("npm", name, "1", 1000 - 9 * at) for at, name in enumerate(names)))
    tiles = draw(sizes, 360, 460).groups[0].tiles
    labels = [(line, tile.place.width) for tile in tiles for line in tile.lines]
    assert any(line.endswith("…") for line, _ in labels)
    assert all(len(line) * CHARACTER <= width for line, width in labels)


def test_an_image_without_sizes_has_no_groups() -> None:
    assert draw(images(), 960, 480).groups == ()
