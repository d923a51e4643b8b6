"""File systems from layers; a simple engine of the tests applies the same layers."""

from pathlib import Path

import pytest

from orbiter.assembly.file_system import FileSystem, parents
from orbiter.assembly.raw_layer import RawLayer, read_layer
from tests.support import layer_engine
from tests.support.raw_layouts import (
    Member,
    device,
    folder,
    hard_link,
    link,
    member,
    tar,
)
from tests.support.trees import file

OPAQUE = ".wh..wh..opq"
LOWER = (
    folder("a"),
    folder("a/b"),
    member("a/b/file", b"1"),
    member("a/b/other", b"2"),
    member("ab", b"3"),
    link("link", "a"),
    member("one", b"4"),
    hard_link("two", "one"),
)


def apply(tmp_path: Path, *layers: tuple[Member, ...]) -> FileSystem:
    result = FileSystem()
    for number, members in enumerate(layers):
        path = tmp_path / str(number)
        path.write_bytes(tar(*members))
        result.apply(read_layer(path))
    return result


def contents(file_system: FileSystem) -> dict[str, bytes | str]:
    """Return what each path has: the bytes of files, the targets of links, and their kind."""
    return {
        path: entry.content.read() if entry.content else entry.target or entry.kind
        for path, entry in file_system.tree.items()
    }


@pytest.mark.parametrize(
    ("layer", "changed"),
    [
        ((member("a/b/.wh.file"),), {"a/b/file": None}),
        ((member("a/.wh.b"),), {"a/b": None, "a/b/file": None, "a/b/other": None}),
        ((member("a/b/" + OPAQUE),), {"a/b/file": None, "a/b/other": None}),
        (
            (folder("a"), member("a/" + OPAQUE), folder("a/b"), member("a/b/file", b"new")),
            {"a/b/file": b"new", "a/b/other": None},
        ),
        (
            (member("a", b"file"),),
            {"a": b"file", "a/b": None, "a/b/file": None, "a/b/other": None},
        ),
        (
            (link("a/b", "elsewhere"),),
            {"a/b": "elsewhere", "a/b/file": None, "a/b/other": None},
        ),
        ((device("a/b"),), {"a/b": None, "a/b/file": None, "a/b/other": None}),
        ((folder("ab"), member("ab/x", b"5")), {"ab": "folder", "ab/x": b"5"}),
        ((folder("link"),), {"link": "folder"}),
        ((member("one", b"new"),), {"one": b"new"}),
        ((hard_link("ab", "one"),), {"ab": b"4"}),
        ((member("a/.wh.missing"), member("missing/" + OPAQUE)), {}),
    ],
    ids=[
        "file removed",
        "folder removed",
        "opaque folder",
        "opaque folder with new content",
        "file instead of folder",
        "link instead of folder",
        "device instead of folder",
        "folder instead of file",
        "folder instead of link",
        "one of two hard links",
        "hard link to a lower file",
        "nothing to remove",
    ],
)
def test_one_change(
    tmp_path: Path, layer: tuple[Member, ...], changed: dict[str, bytes | str | None]
) -> None:
    expected = contents(apply(tmp_path, LOWER)) | changed
    result = contents(apply(tmp_path, LOWER, layer))
    assert result == {path: content for path, content in expected.items() if content is not None}
    by_engine = layer_engine.root_of([tar(*LOWER), tar(*layer)])
    assert set(result) == {path for path, node in by_engine.items() if node.kind != "device"}


def test_hard_links_have_one_inode(tmp_path: Path) -> None:
    tree = apply(
        tmp_path,
        LOWER,
        (member("new", b"5"), hard_link("x", "new"), hard_link("y", "x"), hard_link("z", "link")),
    ).tree
    assert tree["one"].inode == tree["two"].inode != 0
    assert tree["new"].inode == tree["x"].inode == tree["y"].inode
    assert tree["new"].inode not in {0, tree["one"].inode}
    assert tree["z"] == tree["link"]
    assert tree["ab"].inode == tree["z"].inode == 0


def test_a_hard_link_to_a_device_is_dropped_too(tmp_path: Path) -> None:
    assert apply(tmp_path, (device("dev/x"), hard_link("dev/y", "dev/x"))).tree == {}


def test_inodes_of_a_copy_are_new(tmp_path: Path) -> None:
    lower = apply(tmp_path, LOWER)
    copy = FileSystem(lower.tree)
    layer = tmp_path / "next"
    layer.write_bytes(tar(member("new", b"5"), hard_link("x", "new")))
    copy.apply(read_layer(layer))
    assert copy.tree["x"].inode == copy.tree["new"].inode > copy.tree["one"].inode
    assert "new" not in lower.tree


def test_many_removals_read_each_path_once() -> None:
    class Counted(dict[str, object]):
        """A tree that counts how often all its paths are read."""

        passes = 0

        def __iter__(self):  # type: ignore[no-untyped-def] # as in dict
            self.passes += 1
            return super().__iter__()

    paths = [f"folder/{number}" for number in range(10_000)]
    below = [f"other/{number}/file" for number in range(100)]
    file_system = FileSystem({path: file() for path in (*paths, *below)})
    counted = Counted(file_system.tree)
    file_system.tree = counted  # type: ignore[assignment] # it has what apply needs
    removed = frozenset((*paths[1:], *(f"other/{number}" for number in range(100))))
    hostile = RawLayer({}, {}, removed, frozenset(paths), frozenset())
    file_system.apply(hostile)
    assert list(counted) == paths[:1]
    assert counted.passes == 2  # the removal, and the line above


def test_the_folders_above_a_path() -> None:
    assert list(parents("usr/lib/x")) == ["usr/lib", "usr", ""]
    assert list(parents("")) == []
