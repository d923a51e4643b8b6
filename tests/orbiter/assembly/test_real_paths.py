import os
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.assembly.real_paths import LONGEST, RealPaths
from tests.support.trees import file, folder, link, real_tree

MERGED = {
    "lib": link("usr/lib"),
    "bin": link("/usr/bin"),
    "usr": folder(),
    "usr/lib": folder(),
    "usr/lib/libc.so.6": file(),
    "usr/bin/sh": link("dash"),
    "usr/bin/dash": file(),
    "usr/bin/X11": link("."),
    "lib64": link("lib"),
    "srv/up": link("../../etc"),
    "srv/loop": link("round"),
    "srv/round": link("loop/x"),
}


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("usr/lib/libc.so.6", "usr/lib/libc.so.6"),
        ("lib/libc.so.6", "usr/lib/libc.so.6"),
        ("lib64/libc.so.6", "usr/lib/libc.so.6"),
        ("lib/none", "usr/lib/none"),
        ("lib", "lib"),
        ("bin/sh", "usr/bin/sh"),
        ("usr/bin/X11/X11/./X11//dash", "usr/bin/dash"),
        ("usr/lib/../bin/dash", "usr/bin/dash"),
        ("lib/../bin/dash", "usr/bin/dash"),
        ("init", "init"),
        ("usr/..", ""),
        ("../etc/passwd", None),
        ("usr/../../etc/passwd", None),
        ("srv/up/passwd", None),
        ("srv/loop/x", None),
        ("/".join("a" for _ in range(LONGEST)), None),
    ],
)
def test_links_among_folders_are_followed(path: str, real: str | None) -> None:
    assert RealPaths(MERGED).real(path) == real


@pytest.mark.parametrize(
    ("path", "end"),
    [("bin/sh", "usr/bin/dash"), ("lib64", "usr/lib"), ("srv/loop", None), ("srv", "srv")],
)
def test_the_last_part_is_followed_on_request(path: str, end: str | None) -> None:
    assert RealPaths(MERGED).follow(path) == end


def test_links_that_multiply_are_followed_once() -> None:
    # Each link leads twice through the next one; following all of them takes 2 ** 39 steps.
    links = {f"l{number}": link(f"l{number + 1}/../l{number + 1}/.") for number in range(39)}
    assert RealPaths(links | {"l39": link(".")}).follow("l0") is None  # above the root
    links = {f"l{number}": link(f"l{number + 1}/./l{number + 1}") for number in range(39)}
    assert RealPaths(links | {"l39": link(".")}).follow("l0") == ""


def test_long_chains_and_growing_paths_lead_nowhere() -> None:
    chain = {f"l{number}": link(f"l{number + 1}") for number in range(5000)}
    assert RealPaths(chain).follow("l0") is None
    grown = {f"l{number}": link(f"l{number + 1}/{'x/' * 1000}") for number in range(10)}
    assert RealPaths(grown).follow("l0") is None


PARTS = st.lists(st.sampled_from(["a", "b", "a", "b", "..", "."]), min_size=1, max_size=4)
PATHS = PARTS.map("/".join)
ENTRIES = st.lists(st.tuples(PATHS, st.one_of(st.none(), PATHS)), max_size=8)
"""Paths to create, and the targets of links; folders have none."""
ASKED = [
    "/".join(parts) for count in range(1, 5) for parts in product(["a", "b", ".."], repeat=count)
]


@given(ENTRIES)
def test_the_kernel_agrees(entries: list[tuple[str, str | None]]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        for each, target in entries:
            place = Path(os.path.normpath(root / each))
            if not place.is_relative_to(root) or place == root or os.path.lexists(place):
                continue
            try:
                place.parent.resolve(strict=True)
                place.symlink_to(target) if target else place.mkdir()
            except (OSError, RuntimeError):
                continue  # a part is not a folder, or a link leads nowhere
        paths = RealPaths(real_tree(root))
        for path in ASKED:
            try:
                expected = (root / path).resolve(strict=True)
            except (OSError, RuntimeError):
                continue
            if expected.is_relative_to(root):
                relative = str(expected.relative_to(root)).replace(".", "", 1)
                assert paths.follow(path) == relative
