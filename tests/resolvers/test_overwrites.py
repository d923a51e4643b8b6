"""Packages that install the same file with different content."""

from collections.abc import Mapping

import pytest

from resolvers.overwrites import PackageFiles, overlaps, winner


def made(name: str, manager: str = "pip", **files: str) -> PackageFiles:
    return PackageFiles(manager=manager, name=name, version="1", files=files)


def test_only_different_files_overlap() -> None:
    first = made("a", x="1", same="2", own="3")
    second = made("b", x="2", same="2")
    third = made("c", x="1", y="1")
    found = {
        (each.first.name, each.second.name): each.paths for each in overlaps([first, second, third])
    }
    assert found == {("a", "b"): ("x",), ("b", "c"): ("x",)}


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ({}, None),
        ({"pip": ["b"]}, "b"),
        ({"pip": ["b", "a"]}, "a"),
        ({"pip": ["other"]}, None),
        ({"conda": ["a"]}, None),
    ],
)
def test_the_last_allowed_package_wins(
    allowed: Mapping[str, list[str]], expected: str | None
) -> None:
    (overlap,) = overlaps([made("a", x="1"), made("b", x="2")])
    chosen = winner(overlap, allowed)
    assert (chosen and chosen.name) == expected


def test_pip_installs_on_top_of_conda() -> None:
    (overlap,) = overlaps([made("a", "conda", x="1"), made("b", x="2")])
    assert winner(overlap, {"conda": ["a"]}) is None
    chosen = winner(overlap, {"pip": ["b"], "conda": ["a"]})
    assert chosen
    assert chosen.name == "b"
