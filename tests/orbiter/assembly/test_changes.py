"""The changes of a stage, without what describes the machine and the moment of the build."""

import struct
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from orbiter.assembly.changes import Changes, changes
from orbiter.assembly.tree import Entry, Tree
from tests.support import trim_trees
from tests.support.trees import folder, link

TIME = b"\xcb\x0d\x0d\x0a" + bytes(4) + struct.pack("<II", 1_700_000_000, 7)
UNCHECKED = b"\xcb\x0d\x0d\x0a" + b"\x01\0\0\0" + b"8 bytes "


class Files(dict[str, Entry]):
    """A tree of files with these bytes; None is a folder."""

    def __init__(self, contents: Mapping[str, bytes | None]) -> None:
        self.contents = contents
        super().__init__(
            (path, folder() if content is None else trim_trees.file(content))
            for path, content in contents.items()
        )

    def read(self, path: str) -> bytes:
        return self.contents[path] or b""


def found(tree: Files, lower: Tree, keep: Collection[str] = ()) -> Changes:
    return changes(tree, lower, keep, tree.read)


def added(path: str, content: bytes = b"", keep: Collection[str] = ()) -> bool:
    """Return whether the file that a stage adds is part of its layers."""
    return path in found(Files({path: content}), {}, keep).own


def test_only_what_differs_is_part_of_the_layers() -> None:
    lower = Files({"same": b"1", "changed": b"2", "folder": None})
    tree = Files({**lower.contents, "changed": b"new", "new": b"7", "new-folder": None})
    expected = {path: tree[path] for path in ("changed", "new", "new-folder")}
    assert found(tree, lower) == Changes(expected, ())


@pytest.mark.parametrize(
    ("fact", "counts"),
    [
        ({"mode": 0o4644}, True),
        ({"uid": 7}, True),
        ({"gid": 7}, True),
        ({"attributes": (("user.x", "1"),)}, True),
        ({"inode": 7}, False),
    ],
)
def test_all_facts_of_a_path_count_except_its_inode(
    fact: Mapping[str, Any], *, counts: bool
) -> None:
    lower = Files({"x": b"1", "folder": None})
    tree = Files(lower.contents)
    tree |= {path: replace(entry, **fact) for path, entry in lower.items()}
    assert bool(found(tree, lower).own) == counts


def test_the_target_and_the_kind_count() -> None:
    lower = {"a": link("x"), "b": link("x"), "c": folder(), "d": trim_trees.file(b"")}
    tree = Files({"c": b"", "d": None})
    tree |= {"a": link("x"), "b": link("y")}
    assert list(found(tree, lower).own) == ["c", "d", "b"]


def test_removed_paths_are_sorted_and_those_below_others_are_left_out() -> None:
    lower = Files(
        {
            "z": b"",
            "gone": None,
            "gone/x": b"",
            "gone/deep": None,
            "gone/deep/x": b"",
            "now-file": None,
            "now-file/x": b"",
            "now-link": None,
            "now-link/x": b"",
            "stays": None,
            "stays/x": b"",
            "stays/y": b"",
            "now-folder": b"",
        }
    )
    tree = Files({"now-file": b"", "stays": None, "stays/y": b"", "now-folder": None})
    tree["now-link"] = link("stays")
    assert found(tree, lower).removed == ("gone", "stays/x", "z")


@pytest.mark.parametrize(
    "path",
    [
        "var/log/apt/history.log",
        "var/lib/apt/lists/deb.example_dists_trixie_InRelease",
        "var/cache/apt/pkgcache.bin",
        "var/cache/ldconfig/aux-cache",
        "var/cache/fontconfig/0f-le64.cache-9",
        "lib/apk/db/lock",
        "usr/lib/apk/db/lock",
        "var/cache/debconf/config.dat-old",
        "var/lib/dpkg/status-old",
        "etc/passwd-",
        "etc/subgid-",
        "etc/machine-id",
        "var/lib/dbus/machine-id",
        "etc/.pwd.lock",
        "dev/console",
        "proc/x",
        "sys/x",
        "tmp/x",
    ],
)
def test_state_of_the_build_is_left_out_unless_it_is_an_own_file(path: str) -> None:
    assert not added(path)
    assert added(path, keep={path})
    assert added(path, keep={path.rpartition("/")[0]})


@pytest.mark.parametrize(
    "path",
    [
        "var/logs/x",
        "opt/var/log/x",
        "var/lib/dpkg/status",
        "var/lib/dpkg/info/x-old",
        "var/cache/debconf/config.dat",
        "etc/passwd",
        "etc/machine-ids",
        "home/ann/tmp/x",
        "var/tmp/x",
        "tmpfile",
    ],
)
def test_similar_files_stay(path: str) -> None:
    assert added(path)


def test_folders_stay_except_in_places_that_a_container_gets() -> None:
    folders = ("var/log/apt", "tmp", "dev", "tmp/x", "dev/shm", "var/cache/apt/archives")
    own = found(Files(dict.fromkeys(folders)), {}).own
    assert list(own) == ["var/log/apt", "tmp", "dev", "var/cache/apt/archives"]


def test_state_of_the_lower_image_stays_as_it_was() -> None:
    lower = Files({"etc/machine-id": b"1", "var/log": None, "var/log/x": b"", "tmp": None})
    tree = Files({"etc/machine-id": b"2", "var/log": None, "tmp": None})
    assert found(tree, lower) == Changes({}, ("var/log/x",))


@pytest.mark.parametrize(
    ("path", "content", "stays"),
    [
        ("a/__pycache__/m.cpython-313.pyc", TIME, False),
        ("__pycache__/m.pyc", TIME, False),
        ("a/__pycache__/m.cpython-313.pyc", UNCHECKED, True),
        ("a/__pycache__/m.cpython-313.pyc", b"\xcb\x0d\x0d\x0a\x03\0\0\0", True),
        ("a/__pycache__/m.cpython-313.pyc", b"short", True),
        ("a/__pycache__/m.txt", TIME, True),
        ("a/__pycache__/deep/m.pyc", TIME, True),
        ("a/m.pyc", TIME, True),
    ],
)
def test_byte_code_with_the_time_of_its_source_is_left_out(
    path: str, content: bytes, *, stays: bool
) -> None:
    assert added(path, content) == stays


def test_a_new_folder_whose_byte_code_is_left_out_is_left_out_too() -> None:
    cache = {"a/__pycache__": None, "a/__pycache__/m.pyc": TIME}
    assert found(Files(cache), {}).own == {}
    assert [*found(Files({**cache, "a/__pycache__/n.pyc": UNCHECKED}), {}).own] == [
        "a/__pycache__",
        "a/__pycache__/n.pyc",
    ]
    tree = Files(cache)
    tree["a/__pycache__"] = replace(folder(), mode=0o777)
    assert [*found(tree, Files({"a/__pycache__": None})).own] == ["a/__pycache__"]


def test_a_link_that_looks_like_byte_code_stays() -> None:
    tree = Files({})
    tree["__pycache__/m.pyc"] = link("elsewhere")
    assert list(found(tree, {}).own) == ["__pycache__/m.pyc"]
