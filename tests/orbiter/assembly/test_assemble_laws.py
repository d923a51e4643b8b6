"""Laws of assembly, for any file systems and any layers that a builder may write for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.assembly.image import AssembledImage
from tests.support.builder import diff, put
from tests.support.layer_engine import Node, Root, linked, remove, root_of
from tests.support.raw_layouts import assemble, tars

NAMES = ("a", "b", "ab", "é", "\udcff")
PATHS = [*NAMES, *(f"{one}/{two}" for one in NAMES for two in NAMES), "a/b/a", "a/b/b", "b/a/a"]
OWNERS = (0, 1000, 3_000_000)
ATTRIBUTES: tuple[dict[str, str], ...] = (
    {},
    {},
    {"user.x": "1"},
    {"security.capability": "\x01\0\udcff\n"},
)
ACTIONS = ("put", "put", "remove", "change owner", "change attributes", "link")
CHANGES = 14
SEEDS = st.integers(0, 10**9)
"""Random file systems, because those that Hypothesis draws are almost empty."""


def any_node(random: Random) -> Node:
    """Return a file, a folder, a link or a device."""
    kind = random.choice(["file", "file", "file", "folder", "folder", "link", "device"])
    owners = random.choice(OWNERS), random.choice(OWNERS)
    if kind == "link":
        return Node("link", 0o777, *owners, target=random.choice(["a", "../b", "x" * 120]))
    if kind == "device":
        return Node("device", 0o666)
    modes, contents = ((0o755, 0o2770), (b"",))
    if kind == "file":
        modes, contents = (0o644, 0o4755), (b"", b"1", b"2" * 600)  # type: ignore[assignment]
    content, attributes = random.choice(contents), random.choice(ATTRIBUTES)
    return Node(
        "file" if kind == "file" else "folder",
        random.choice(modes),
        *owners,
        content=content,
        attributes=attributes,
    )


def changed(root: Root, random: Random) -> Root:
    """Return a file system after some changes."""
    result = dict(root)
    for _ in range(random.randrange(CHANGES)):
        path = random.choice(PATHS)
        action = random.choice(
            ["put", "put", "remove", "change owner", "change attributes", "link"]
        )
        files = [each for each, node in result.items() if node.kind == "file" and each != path]
        if action == "put":
            put(result, path, any_node(random))
        elif action == "remove":
            remove(result, path)
        elif action == "link" and files:
            put(result, path, result[random.choice(files)])
        elif action == "change owner":
            result |= other(result, path, uid=random.choice(OWNERS))
        elif action == "change attributes" and path in result and result[path].kind == "file":
            result |= other(result, path, attributes=random.choice(ATTRIBUTES))
    return result


def other(root: Root, path: str, **facts: Any) -> Root:
    """Return the paths of a file with other facts."""
    node = root.get(path)
    if node is None:
        return {}
    new = replace(node, **facts)
    return {each: new for each, same in root.items() if same is node}


def file_systems(random: Random) -> tuple[Root, Root, Root]:
    """Return the base image, one step on the way, and the result."""
    base = without_devices(changed(changed({}, random), random))
    middle = changed(base, random)
    return base, middle, changed(middle, random)


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
    groups |= {frozenset((group - own) & tree.keys()) for group in linked(base)}
    return {group for group in groups if len(group) > 1}


@settings(max_examples=40)
@given(SEEDS)
def test_the_image_has_exactly_the_files_of_the_stage(seed: int) -> None:
    random = Random(seed)
    base, _, tree = file_systems(random)
    _, layers = assembled(base, diff(base, tree, random))
    unpacked = root_of(layers)
    assert unpacked == without_devices(tree)
    assert linked(unpacked) == expected_links(base, without_devices(tree))


@settings(max_examples=25)
@given(SEEDS)
def test_neither_the_order_of_entries_nor_the_number_of_steps_matters(seed: int) -> None:
    random = Random(seed)
    base, middle, tree = file_systems(random)
    image, layers = assembled(base, diff(base, tree, random, in_order=True))
    shuffled, _ = assembled(base, diff(base, tree, random))
    in_steps, _ = assembled(base, diff(base, middle, random), diff(middle, tree, random))
    assert same(image, shuffled)
    assert same(image, in_steps)
    again, bytes_again = assembled(base, diff(base, tree, random, in_order=True))
    assert same(image, again)
    assert layers == bytes_again


@settings(max_examples=25)
@given(SEEDS)
def test_a_stage_and_its_child_have_the_files_of_the_child(seed: int) -> None:
    base, middle, tree = file_systems(Random(seed))
    stages = {
        "core": [diff(base, middle, Random(seed), in_order=True)],
        "geo": [diff(middle, tree, Random(seed), in_order=True)],
    }
    with place() as folder:
        image = assemble(folder, stages, from_nothing(base), compression="zstd")
        assert root_of(tars(image)) == without_devices(tree)


def test_the_builder_of_the_tests_writes_what_the_engine_reads() -> None:
    for seed in range(100):
        random = Random(seed)
        base, _, tree = file_systems(random)
        layers = [*from_nothing(base), diff(base, tree, random, in_order=True)]
        assert root_of(layers) == tree
        assert linked(root_of(layers)) == linked(tree)
