"""Explicit files: their packages and the order of these."""

from collections.abc import Mapping, Set
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.conda import lock_file
from resolvers.conda import manager as conda
from resolvers.conda.explicit import format_explicit, installation_order
from resolvers.errors import ExpectedError
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target
from tests.support.conda_world import (
    AMD64,
    ARM64,
    BASE,
    GEOSPATIAL,
    base,
    channel,
    geo,
    real_channel,
    record,
    request,
)

GRAPHS = st.dictionaries(
    st.sampled_from([*"abcdefgh", "python"]), st.frozensets(st.sampled_from("abcdefgh")), min_size=1
)


@pytest.fixture
def files(tmp_path: Path) -> LockFiles:
    packages = [
        record("python", "3.12.1", "pip", "zlib"),
        record("pip", "1", "python"),
        record("zlib", "1"),
        record("a", "1", "z >=1", "python", "__glibc >=2.17"),
        record("b", "1", "a", "x"),
        record("z", "3.10", "y"),
        record("y", "1", "z"),
        record("x", "1"),
    ]
    return conda.resolve(
        request(channel(tmp_path, *packages), base("a"), geo("b"), targets=(AMD64, ARM64))
    )


def names(text: str) -> list[str]:
    head, _, lines = text.partition("\n@EXPLICIT\n")
    assert "://" not in head
    return [line.rpartition("/")[2].partition("-")[0] for line in lines.splitlines()]


def test_packages_follow_their_dependencies_and_python_is_first(files: LockFiles) -> None:
    text = format_explicit(files, AMD64, (base().name,))
    assert names(text) == ["zlib", "python", "y", "z", "a", "pip"]
    assert text.startswith("# Written by Orbiter")
    assert "\n# platform: linux-64\n@EXPLICIT\n" in text
    locked = {each.name: each for each in lock_file.parse_lock(files).entries_for("linux-64")}
    assert text.endswith(f"\n{locked['pip'].url}#{locked['pip'].hash.md5}\n")


def test_packages_of_other_groups_are_left_out(files: LockFiles) -> None:
    assert names(format_explicit(files, AMD64, (geo().name,), (base().name,))) == ["x", "b"]
    assert names(format_explicit(files, AMD64, (geo().name, base().name))) == [
        "zlib", "python", "y", "z", "a", "x", "b", "pip"
    ]  # fmt: skip


def test_a_file_without_packages_has_a_head(files: LockFiles) -> None:
    for lock in (files, {}):
        assert format_explicit(lock, ARM64, ("none",)).endswith(
            "# platform: linux-aarch64\n@EXPLICIT\n"
        )


def test_a_platform_that_is_not_locked_is_an_error(tmp_path: Path) -> None:
    files = conda.resolve(request(channel(tmp_path, record("a", "1")), base("a")))
    with pytest.raises(ExpectedError, match="not locked for linux/arm64"):
        format_explicit(files, Target(platform="linux/arm64"), (base().name,))


def test_the_sha256_replaces_a_missing_md5(files: LockFiles) -> None:
    lock = lock_file.parse_lock(files)
    without = files["conda-lock.yml"].replace(f"md5: {lock.entries[0].hash.md5}", "size: 1")
    text = format_explicit({"conda-lock.yml": without}, AMD64, (lock.entries[0].category,))
    assert f"#sha256:{lock.entries[0].hash.sha256}\n" in text


@given(GRAPHS)
def test_each_name_follows_its_dependencies_without_cycles(
    graph: dict[str, frozenset[str]],
) -> None:
    """Without cycles: names depend only on names before them in the alphabet."""
    needs = {
        name: sorted(each for each in needed if each in graph and each < name)
        for name, needed in graph.items()
    }
    order = installation_order(needs)
    assert sorted(order) == sorted(needs)
    for name, needed in needs.items():
        assert all(order.index(each) < order.index(name) for each in needed)


@given(GRAPHS, st.frozensets(st.sampled_from("abcdefgh")))
def test_python_precedes_its_users_in_any_cycle(
    graph: dict[str, frozenset[str]], users: frozenset[str]
) -> None:
    graph = {**graph, "python": graph.get("python", frozenset())}
    needs = {
        name: sorted((needed | ({"python"} if name in users else set())) & graph.keys())
        for name, needed in graph.items()
    }
    order = installation_order(needs)
    assert sorted(order) == sorted(needs)
    assert all(
        order.index("python") < order.index(name) for name in users & graph.keys() - {"python"}
    )


def test_the_real_lists_are_in_order(tmp_path: Path) -> None:
    files = conda.resolve(request(real_channel(tmp_path), base(*BASE), geo(*GEOSPATIAL)))
    groups = (geo().name, base().name)
    entries = {each.url: each for each in lock_file.parse_lock(files).entries_for("linux-64")}
    found = [
        entries[line.partition("#")[0]]
        for line in format_explicit(files, AMD64, groups).splitlines()
        if "://" in line
    ]
    position = {each.name: number for number, each in enumerate(found)}
    assert len(position) == len(found) == len(conda.select(files, AMD64, groups)) > 250
    needs = {each.name: position.keys() & each.dependencies.keys() for each in found}
    late = {
        (name, need) for name in needs for need in needs[name] if position[need] > position[name]
    }
    assert all(
        name in reached(needs, need) for name, need in late
    )  # cycles, such as Sphinx and its own extensions


def reached(needs: Mapping[str, Set[str]], name: str) -> set[str]:
    found, new = set[str](), {name}
    while new:
        found |= new
        new = {need for each in new for need in needs[each]} - found
    return found
