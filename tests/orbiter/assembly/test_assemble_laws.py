"""Laws of assembly, for any file systems and any layers that a builder may write for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.assembly.image import AssembledImage
from tests.support.builder import diff, put
from tests.support.layer_engine import FOLDER, Node, Root, linked, remove, root_of
from tests.support.raw_layouts import assemble, tars

PATHS = st.lists(st.sampled_from(["a", "b", "ab", "é", "\udcff"]), min_size=1, max_size=3).map(
    "/".join
)
OWNERS = st.sampled_from([0, 1000, 3_000_000])
ATTRIBUTES = st.sampled_from([{}, {"user.x": "1"}, {"security.capability": "\x01\0\udcff\n"}])
FILES = st.builds(
    Node,
    st.just("file"),
    st.sampled_from([0o644, 0o755, 0o4755]),
    OWNERS,
    OWNERS,
    st.sampled_from([b"", b"1", b"2" * 600]),
    st.just(""),
    ATTRIBUTES,
)
FOLDERS = st.builds(
    Node,
    st.just("folder"),
    st.sampled_from([0o755, 0o2770]),
    OWNERS,
    OWNERS,
    st.just(b""),
    st.just(""),
    ATTRIBUTES,
)
LINKS = st.builds(
    Node,
    st.just("link"),
    st.just(0o777),
    OWNERS,
    OWNERS,
    st.just(b""),
    st.sampled_from(["a", "../b", "x" * 120]),
)
DEVICES = st.just(Node("device", 0o666))
Change = tuple[str, Node | str | None]
"""A path with a new node, with a file that it becomes a hard link of, or with None to remove it."""
CHANGES = st.lists(
    st.tuples(PATHS, st.one_of(FILES, FILES, FOLDERS, LINKS, DEVICES, PATHS, st.none())),
    max_size=8,
)


def changed(root: Root, changes: list[Change]) -> Root:
    """Return a file system after some changes."""
    result = dict(root)
    for path, change in changes:
        if change is None:
            remove(result, path)
        elif isinstance(change, Node):
            put(result, path, change)
        elif path != change and change in result and result[change].kind == "file":
            node = result[change]
            put(result, path, node)
    return result


@st.composite
def file_systems(draw: st.DrawFn) -> tuple[Root, Root, Root]:
    """Draw the base image, one step on the way, and the result."""
    base = changed({}, draw(CHANGES))
    for path in [path for path, node in base.items() if node.kind == "device"]:
        del base[path]
    middle = changed(base, draw(CHANGES))
    return base, middle, changed(middle, draw(CHANGES))


@contextmanager
def place() -> Iterator[Path]:
    """Make a new folder with a new cache."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORBITER_CACHE_DIR", f"{name}/cache")
        yield Path(name)


def from_nothing(base: Root) -> list[bytes]:
    return [diff({}, base, Random(0), in_order=True)] if base else []


def assembled(base: Root, *layers: bytes) -> tuple[AssembledImage, list[bytes]]:
    """Return an image of one stage, and its uncompressed layers."""
    with place() as folder:
        image = assemble(folder, {"core": layers}, from_nothing(base))
        return image, tars(image)


def same(one: AssembledImage, other: AssembledImage) -> bool:
    return (one.manifest, one.config) == (other.manifest, other.config)


def without_devices(root: Root) -> Root:
    return {path: node for path, node in root.items() if node.kind != "device"}


def expected_links(base: Root, tree: Root) -> set[frozenset[str]]:
    """Return the hard links of the image: those within what the stage adds, and within the rest."""
    own = {path for path, node in tree.items() if base.get(path) != node}
    groups = {group & own for group in linked(tree)}
    groups |= {group - own & tree.keys() for group in linked(base)}
    return {group for group in groups if len(group) > 1}


@settings(max_examples=60)
@given(file_systems(), st.randoms(use_true_random=False))
def test_the_image_has_exactly_the_files_of_the_stage(
    roots: tuple[Root, Root, Root], random: Random
) -> None:
    base, _, tree = roots
    _, layers = assembled(base, diff(base, tree, random))
    unpacked = root_of(layers)
    assert unpacked == without_devices(tree)
    assert linked(unpacked) == expected_links(base, without_devices(tree))


@settings(max_examples=40)
@given(file_systems(), st.randoms(use_true_random=False))
def test_neither_the_order_of_entries_nor_the_number_of_steps_matters(
    roots: tuple[Root, Root, Root], random: Random
) -> None:
    base, middle, tree = roots
    image, layers = assembled(base, diff(base, tree, random, in_order=True))
    shuffled, _ = assembled(base, diff(base, tree, random))
    in_steps, _ = assembled(base, diff(base, middle, random), diff(middle, tree, random))
    assert same(image, shuffled)
    assert same(image, in_steps)
    again, bytes_again = assembled(base, diff(base, tree, random, in_order=True))
    assert same(image, again)
    assert layers == bytes_again


@settings(max_examples=40)
@given(file_systems())
def test_a_stage_and_its_child_have_the_files_of_the_child(
    roots: tuple[Root, Root, Root],
) -> None:
    base, middle, tree = roots
    stages = {
        "core": [diff(base, middle, Random(0), in_order=True)],
        "geo": [diff(middle, tree, Random(0), in_order=True)],
    }
    with place() as folder:
        image = assemble(folder, stages, from_nothing(base), compression="zstd")
        assert root_of(tars(image)) == without_devices(tree)


def test_the_builder_of_the_tests_writes_what_the_engine_reads() -> None:
    base = {"a": FOLDER, "a/x": Node("file", content=b"1"), "b": FOLDER}
    tree = changed(base, [("a/y", "a/x"), ("b", Node("link", 0o777, target="a")), ("c/d", FOLDER)])
    layers = [*from_nothing(base), diff(base, tree, Random(3), in_order=True)]
    assert root_of(layers) == tree
    assert linked(root_of(layers)) == {frozenset({"a/x", "a/y"})}
