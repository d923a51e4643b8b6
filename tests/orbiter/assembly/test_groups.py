"""Layers of a stage: the rules by examples, and laws that hold for all stages."""

import hashlib
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.assembly.groups import (
    LARGE_SIZE,
    LIMIT,
    LONE_SIZE,
    STAGE_LAYERS,
    LayerGroup,
    group,
)
from orbiter.assembly.tree import Entry
from tests.support.trees import file, folder, link

LAST = ("package records", "large files", "files")


class Package(NamedTuple):
    """A package of a stage, with the sizes of its files.

    All packages that are ``linked`` have hard links to one file. A ``native`` one has machine code.
    """

    name: str
    sizes: tuple[int, ...] = (1,)
    folder: str = "opt/env/lib"
    linked: bool = False
    native: bool = False

    def entries(self) -> dict[str, Entry]:
        files = {str(number): file(size) for number, size in enumerate(self.sizes)}
        if self.linked:
            files["INSTALLER"] = file(3, inode=1)
        return {f"{self.folder}/{self.name}/{name}": entry for name, entry in files.items()}


Names = Mapping[str, str]
"""Names of layers by path."""


def grouped(
    *packages: Package, others: Mapping[str, Entry] = {}, lower_layers: int = 0
) -> tuple[LayerGroup, ...]:
    own = dict(others)
    owner: dict[str, str] = {}
    for package in packages:
        own |= package.entries()
        owner |= dict.fromkeys(package.entries(), package.name)
    native = {package.name for package in packages if package.native}
    return group(own, owner, native, lower_layers)


def by_path(groups: tuple[LayerGroup, ...]) -> Names:
    return {path: each.name for each in groups for path in each.paths}


def names(groups: tuple[LayerGroup, ...]) -> list[str]:
    return [each.name for each in groups]


def numbered(prefix: str, count: int, *sizes: int, native: bool = False) -> list[Package]:
    return [Package(f"{prefix}{number}", sizes or (1,), native=native) for number in range(count)]


def test_large_packages_are_alone_and_small_ones_share_layers() -> None:
    half = LONE_SIZE // 2
    groups = grouped(
        Package("pip:numpy", (half, half)),
        Package("apt:libc6", (LONE_SIZE,)),
        Package("conda:small", (half, half - 1)),
        Package("apk:small", (LONE_SIZE - 1,), native=True),
        Package("npm:small", (LONE_SIZE - 1,), native=True),
        Package("conda:native", (LONE_SIZE,), native=True),
        others={"etc/motd": file(), "etc/passwd": file(), "opt/model": file(LARGE_SIZE)},
    )
    shared = int(hashlib.sha256(b"conda:small").hexdigest(), 16) % 24 + 1
    native = int(hashlib.sha256(b"npm:small").hexdigest(), 16) % 8 + 1
    system = int(hashlib.sha256(b"apk:small").hexdigest(), 16) % 4 + 1
    assert names(groups) == [
        *("apt:libc6", f"system packages {system}"),
        *("conda:native", f"native packages {native}"),
        *(f"packages {shared}", "pip:numpy"),
        *LAST,
    ]


def test_packages_with_machine_code_share_layers() -> None:
    groups = grouped(*numbered("pip:", 300), *numbered("conda:", 300, native=True))
    layers = {
        manager: {name for path, name in by_path(groups).items() if f"/{manager}:" in path}
        for manager in ("conda", "pip")
    }
    assert layers == {
        "conda": {f"native packages {number + 1}" for number in range(8)},
        "pip": {f"packages {number + 1}" for number in range(24)},
    }


def test_stages_without_files_have_no_layer() -> None:
    assert group({}, {}, (), 0) == ()


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_size_of_lone_packages_doubles_while_they_are_too_many(size: int) -> None:
    # One package is larger than the others, so there are never none.
    packages = [*numbered("pip:", 13, size * LONE_SIZE), Package("pip:large", (9 * LONE_SIZE,))]
    found = {name for name in names(grouped(*packages)) if name.startswith("pip:")}
    assert found == {"pip:large"}
    assert len(names(grouped(*packages[2:]))) == 12


def test_packages_of_the_doubled_size_are_alone() -> None:
    large = [Package(f"pip:large-{number}", (2 * LONE_SIZE,)) for number in range(10)]
    packages = [*large, *numbered("pip:", 10, 2 * LONE_SIZE - 1)]
    found = {name for name in names(grouped(*packages)) if name.startswith("pip:")}
    assert found == {each.name for each in large}


def test_hard_links_of_a_package_count_once() -> None:
    linked = {f"opt/env/lib/a/{number}": file(LONE_SIZE - 1, inode=7) for number in range(9)}
    owner = dict.fromkeys([*linked, "opt/env/lib/a/more"], "pip:a")
    (shared,) = group(linked, owner, (), 0)
    assert shared.name.startswith("packages ")
    (alone,) = group(linked | {"opt/env/lib/a/more": file(1)}, owner, (), 0)
    assert alone.name == "pip:a"


@pytest.mark.parametrize(
    ("size", "paths", "layer"),
    [
        (1, ["opt/a/x", "opt/b/x"], "package records"),
        (1, ["opt/a/x", "etc/x"], "package records"),
        (1, ["opt/a/x", "etc/passwd"], "package records"),
        (LARGE_SIZE, ["opt/a/x", "opt/b/x"], "large files"),
        (LARGE_SIZE, ["opt/a/x", "opt/a/y"], "pip:a"),
        (LARGE_SIZE, ["etc/x", "etc/y"], "large files"),
        (1, ["etc/x", "etc/y"], "files"),
    ],
)
def test_hard_links_stay_together(size: int, paths: list[str], layer: str) -> None:
    owner = {"opt/a/x": "pip:a", "opt/a/y": "pip:a", "opt/b/x": "pip:b"}
    (found,) = group({path: file(size, inode=7) for path in paths}, owner, (), 0)
    assert found == LayerGroup(layer, tuple(sorted(paths)))


@pytest.mark.parametrize(
    "entry", [file(inode=0), replace(link("x"), inode=7)], ids=["file", "link"]
)
def test_only_files_have_hard_links(entry: Entry) -> None:
    groups = group({"a": entry, "opt/a": entry}, {"opt/a": "pip:a"}, (), 0)
    assert names(groups)[1:] == ["files"]


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status",
        "var/lib/dpkg/info/format",
        "var/lib/dpkg/triggers/File",
        "var/lib/apt/extended_states",
        "var/cache/debconf/templates.dat",
        "lib/apk/db/installed",
        "usr/lib/apk/db/scripts.tar.gz",
        "etc/apk/world",
        "etc/passwd",
        "etc/ld.so.cache",
        "opt/env/conda-meta/history",
        "opt/env/lib/npm/node_modules/.package-lock.json",
        "usr/share/orbiter/packages.json",
    ],
)
def test_files_that_change_with_every_package_are_one_layer(path: str) -> None:
    assert names(group({path: file(LARGE_SIZE)}, {path: "apk:x"}, (), 0)) == ["package records"]


@pytest.mark.parametrize(
    "path",
    ["var/lib/dpkg/info/libc6:amd64.list", "etc/passwd.conf", "srv/var/lib/dpkg/status", "etc/apk"],
)
def test_other_files_are_not_records(path: str) -> None:
    assert names(group({path: file()}, {}, (), 0)) == ["files"]


def test_folders_are_in_a_layer_that_contains_them_anyway() -> None:
    own = {
        "opt": folder(),
        "opt/a": folder(),
        "opt/a/x": file(),
        "opt/b": folder(),
        "opt/b/empty": folder(),
        "opt/b/y": file(LARGE_SIZE),
        "opt/b-c": folder(),
    }
    found = by_path(group(own, {"opt/a/x": "apt:x"}, (), 0))
    assert found["opt"] == found["opt/a"] == found["opt/a/x"]
    assert found["opt/b"] == "large files"
    assert found["opt/b/empty"] == found["opt/b-c"] == "files"


def test_the_first_file_of_a_folder_is_not_that_of_the_first_hard_link() -> None:
    linked = file(inode=7)
    own = {"a": linked, "opt/z": linked, "opt/m": file(), "opt": folder()}
    found = by_path(group(own, {"opt/m": "pip:m"}, (), 0))
    assert found["opt"] == found["opt/m"] != found["opt/z"]


LIMITS = {
    0: (12, 4, 8, 24),
    13: (12, 4, 8, 24),
    14: (12, 4, 8, 12),
    26: (12, 4, 8, 6),
    38: (6, 4, 4, 6),
    50: (3, 2, 2, 3),
    57: (1, 1, 1, 1),
    58: (1, 1, 1, 1),
    103: (1, 1, 1, 1),
}
"""Layers of large packages, and of small system packages, native ones and others, by the number of
layers below in a stage with all kinds of layers."""
ALL_KINDS = {"etc/passwd": file(), "opt/model": file(LARGE_SIZE), "etc/motd": file()}


@pytest.mark.parametrize("lower_layers", LIMITS)
def test_stages_upon_many_layers_have_fewer(lower_layers: int) -> None:
    lone, system, native, others = LIMITS[lower_layers]
    small = [*numbered("apt:", 500), *numbered("pip:", 500)]
    packages = [*small, *numbered("npm:", 500, native=True)]
    large = numbered("conda:", lone, LONE_SIZE)
    groups = names(grouped(*packages, *large, others=ALL_KINDS, lower_layers=lower_layers))
    assert groups == [
        *sorted(f"system packages {number + 1}" for number in range(system)),
        *sorted(f"native packages {number + 1}" for number in range(native)),
        *sorted(each.name for each in large),
        *sorted(f"packages {number + 1}" for number in range(others)),
        *LAST,
    ]
    more = numbered("conda:", lone + 1, LONE_SIZE)
    groups = names(grouped(*packages, *more, others=ALL_KINDS, lower_layers=lower_layers))
    assert not [name for name in groups if name.startswith("conda:")]


def test_halving_a_limit_joins_layers() -> None:
    packages = numbered("pip:", 200)
    many, few = (by_path(grouped(*packages, lower_layers=lower)) for lower in (0, 30))
    assert len({*many.values()}) == 24
    assert len({*few.values()}) == 12
    assert len({(many[path], few[path]) for path in many}) == 24


def test_images_with_too_many_layers_get_one_more() -> None:
    packages = [*numbered("apt:", 50), *numbered("pip:", 50)]
    assert len(grouped(*packages, lower_layers=LIMIT - STAGE_LAYERS)) == 3
    (all_files,) = grouped(*packages, lower_layers=LIMIT - STAGE_LAYERS + 1)
    assert all_files.name == "files"


def test_the_rules_stay_the_same_in_format_1() -> None:
    # Never change this digest: released images depend on it.
    packages = [
        *(Package(f"apt:lib{number}", (number * 100_000, 5)) for number in range(100)),
        *(
            Package(
                f"pip:project-{number}",
                (number * 50_000,),
                linked=number % 2 == 0,
                native=number % 3 == 0,
            )
            for number in range(200)
        ),
    ]
    groups = grouped(*packages, others=ALL_KINDS | {"opt": folder(), "srv": folder()})
    found = hashlib.sha256(msgspec.json.encode(groups)).hexdigest()
    assert found == "2c42b4be50d09f803dddd7ee739d4cea3a3e59be90977eee42db7d89bb59600d"


SIZES = st.sampled_from([0, 1, LONE_SIZE // 2, LONE_SIZE, 5 * LONE_SIZE])
PACKAGES = st.builds(
    Package,
    name=st.builds(
        "{}:{}".format, st.sampled_from(["apt", "pip", "conda", "npm"]), st.integers(0, 60)
    ),
    sizes=st.lists(SIZES, min_size=1, max_size=3).map(tuple),
    folder=st.sampled_from(["usr", "opt/env", "opt/env/lib"]),
    linked=st.booleans(),
    native=st.booleans(),
)
STAGES = st.lists(PACKAGES, max_size=40, unique_by=lambda each: each.name)
OTHERS = st.dictionaries(
    st.sampled_from(
        ["etc/passwd", "opt", "opt/env", "opt/env/lib", "srv", "srv/a", "srv/a/b", "usr/x", "zzz"]
    ),
    st.sampled_from([file(), file(3, inode=1), file(LARGE_SIZE), folder(), link("usr")]),
).map(lambda entries: {path: entry for path, entry in entries.items() if _fits(path, entry)})
LOWER_LAYERS = st.integers(0, 130)


def _fits(path: str, entry: Entry) -> bool:
    """Return whether a path is a folder if others are below it."""
    return path not in {"opt", "opt/env", "opt/env/lib", "srv", "srv/a"} or entry == folder()


@settings(max_examples=50)
@given(STAGES, OTHERS, LOWER_LAYERS)
def test_every_path_is_in_one_layer(
    stage: list[Package], others: dict[str, Entry], lower_layers: int
) -> None:
    groups = grouped(*stage, others=others, lower_layers=lower_layers)
    paths = [path for each in groups for path in each.paths]
    assert sorted(paths) == sorted({*others, *(path for each in stage for path in each.entries())})
    assert all(each.paths == tuple(sorted(each.paths)) for each in groups)
    assert all(each.paths for each in groups)
    assert len({*names(groups)}) == len(groups)


@settings(max_examples=50)
@given(STAGES, OTHERS, LOWER_LAYERS, st.randoms())
def test_the_order_of_the_entries_does_not_matter(
    stage: list[Package], others: dict[str, Entry], lower_layers: int, random: Random
) -> None:
    groups = grouped(*stage, others=others, lower_layers=lower_layers)
    random.shuffle(stage)
    mixed = [*others.items()]
    random.shuffle(mixed)
    assert groups == grouped(*stage, others=dict(mixed), lower_layers=lower_layers)


@settings(max_examples=50)
@given(STAGES, OTHERS, LOWER_LAYERS)
def test_an_image_has_not_too_many_layers(
    stage: list[Package], others: dict[str, Entry], lower_layers: int
) -> None:
    number = len(grouped(*stage, others=others, lower_layers=lower_layers))
    assert number + lower_layers <= 64 or number <= STAGE_LAYERS
    assert number + lower_layers <= 110 or number <= 1


def _files(groups: tuple[LayerGroup, ...], others: Mapping[str, Entry]) -> dict[str, set[str]]:
    """Return the files and links of each layer, which decide about its bytes."""
    folders = {path for path, entry in others.items() if entry.kind == "folder"}
    return {each.name: {*each.paths} - folders for each in groups}


@settings(max_examples=50)
@given(STAGES.filter(bool), OTHERS, LOWER_LAYERS, st.data())
def test_another_version_of_a_package_changes_one_layer(
    stage: list[Package], others: dict[str, Entry], lower_layers: int, data: st.DataObject
) -> None:
    old = data.draw(st.sampled_from(stage))
    new = old._replace(folder=f"{old.folder}/next")
    before = _files(grouped(*stage, others=others, lower_layers=lower_layers), others)
    stage[stage.index(old)] = new
    after = _files(grouped(*stage, others=others, lower_layers=lower_layers), others)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    paths = {path for name in changed for path in before[name] - after[name]}
    assert paths == {*old.entries()}
    # A file of several packages changes with each of them.
    assert len(changed - {"package records"} if old.linked else changed) == 1


@settings(max_examples=50)
@given(STAGES.filter(bool), OTHERS, LOWER_LAYERS, st.data())
def test_another_package_changes_one_layer(
    stage: list[Package], others: dict[str, Entry], lower_layers: int, data: st.DataObject
) -> None:
    like = data.draw(st.sampled_from(stage))  # no new kind of layer
    new = Package(f"{like.name.partition(':')[0]}:new", native=like.native)
    before = _files(grouped(*stage, others=others, lower_layers=lower_layers), others)
    after = _files(grouped(*stage, new, others=others, lower_layers=lower_layers), others)
    for name in before.keys() | after.keys():
        assert after.get(name, set()) - {*new.entries()} == before.get(name, set())


NATIVE = st.lists(
    st.builds(
        Package,
        name=st.builds(
            "{}:native-{}".format, st.sampled_from(["pip", "conda", "npm"]), st.integers(0, 60)
        ),
        sizes=st.just((1,)),
        folder=st.sampled_from(["usr", "opt/env", "opt/env/lib"]),
        linked=st.just(False),
        native=st.just(True),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda each: each.name,
)
"""Small packages with machine code of one platform."""
PORTABLE = STAGES.map(lambda stage: [each._replace(native=False) for each in stage])


def _portable(groups: tuple[LayerGroup, ...], others: Mapping[str, Entry]) -> dict[str, set[str]]:
    """Return the files and links of the layers that platforms have in common.

    A layer with folders only is not one of them: each folder may be above a native package.
    """
    files = _files(groups, others)
    return {
        name: paths
        for name, paths in files.items()
        if paths and not name.startswith("native packages ")
    }


@settings(max_examples=50)
@given(PORTABLE, NATIVE, NATIVE, OTHERS, LOWER_LAYERS)
def test_packages_without_machine_code_have_the_same_layers_on_all_platforms(
    stage: list[Package],
    here: list[Package],
    there: list[Package],
    others: dict[str, Entry],
    lower_layers: int,
) -> None:
    if lower_layers > LIMIT - STAGE_LAYERS:
        lower_layers = 0  # else all files are one layer
    layers, of_other_platform = (
        _portable(grouped(*stage, *native, others=others, lower_layers=lower_layers), others)
        for native in (here, there)
    )
    assert layers == of_other_platform


@settings(max_examples=50)
@given(PORTABLE, NATIVE, OTHERS, st.integers(0, 13))
def test_packages_with_machine_code_do_not_move_others(
    stage: list[Package], native: list[Package], others: dict[str, Entry], lower_layers: int
) -> None:
    alone = grouped(*stage, others=others, lower_layers=lower_layers)
    together = grouped(*stage, *native, others=others, lower_layers=lower_layers)
    assert _portable(alone, others) == _portable(together, others)
