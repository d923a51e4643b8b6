"""Layers as tar files: what other programs read in them, and which facts determine their bytes."""

import io
import subprocess
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orbiter.assembly.layer import (
    LayerEntry,
    layer_entries,
    layer_key,
    removal_entries,
    write_layer,
)
from orbiter.assembly.tree import Content, Entry
from tests.support.trees import folder, link

TIME = 946684800


def file(path: Path, content: bytes = b"content", *, before: bytes = b"", **facts: Any) -> Entry:
    """Return a file whose bytes are after others in a source."""
    path.write_bytes(before + content + b"after")
    described = Content(sha256(content).hexdigest(), len(content), path, len(before))
    return Entry(**{"kind": "file", "mode": 0o644, "uid": 0, "gid": 0, **facts}, content=described)


def tar(own: Mapping[str, Entry]) -> bytes:
    return written(layer_entries(own, own, own))


def written(entries: tuple[LayerEntry, ...]) -> bytes:
    buffer = io.BytesIO()
    write_layer(entries, TIME, buffer)
    return buffer.getvalue()


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {info.name: info for info in archive}


def test_entries_have_fixed_times_and_no_names_of_users(tmp_path: Path) -> None:
    source = file(tmp_path / "x", before=b"before", mode=0o4755, uid=3_000_000, gid=5)
    content = tar({"usr": folder(), "usr/x": source, "usr/y": link("x")})
    found = members(content)
    assert list(found) == ["usr", "usr/x", "usr/y"]
    for info in found.values():
        assert (info.mtime, info.uname, info.gname) == (TIME, "", "")
    assert (found["usr/x"].mode, found["usr/x"].uid, found["usr/x"].gid) == (0o4755, 3_000_000, 5)
    assert found["usr/y"].linkname == "x"
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        read = archive.extractfile("usr/x")
        assert read
        assert read.read() == b"content"
    assert len(content) % 512 == 0
    assert content.endswith(bytes(1024))


def test_gnu_tar_reads_long_and_binary_names(tmp_path: Path) -> None:
    names = ["d/" + "x" * 120, "d/" + "/".join(["y" * 90] * 4), "d/caf\udce9", "d/é"]
    own = {name: file(tmp_path / "x") for name in names}
    own |= {"d": folder()} | {
        "/".join(names[1].split("/")[:count]): folder() for count in range(2, 5)
    }
    done = subprocess.run(
        ["tar", "--list", "--quoting-style=literal"],
        input=tar(own),
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    listed = {line.rstrip(b"/") for line in done.stdout.splitlines()}
    assert {name.encode(errors="surrogateescape") for name in own} == listed


def test_paths_are_sorted_part_by_part_with_the_folders_above_them(tmp_path: Path) -> None:
    source = file(tmp_path / "x")
    own = dict.fromkeys(("a-b/x", "a/y", "a/b/z", "a.c"), source)
    above = {"a": replace(folder(), mode=0o2750), "a/b": folder(), "a-b": folder(), "z": folder()}
    entries = layer_entries(own, own, above | own)
    assert [each.path for each in entries] == ["a", "a/b", "a/b/z", "a/y", "a-b", "a-b/x", "a.c"]
    assert entries[0].entry.mode == 0o2750


def test_a_hard_link_comes_after_its_file_and_has_no_content(tmp_path: Path) -> None:
    linked = file(tmp_path / "x", inode=3)
    own = {"z": linked, "a/b": linked, "a": folder(), "link": replace(link("a/b"), inode=3)}
    found = members(tar(own))
    assert found["a/b"].isreg()
    assert (found["z"].islnk(), found["z"].linkname, found["z"].size) == (True, "a/b", 0)
    assert found["link"].issym()
    assert members(tar({"z": linked}))["z"].isreg()


def test_removals_are_empty_files_of_root_in_their_folders() -> None:
    tree = {"etc": replace(folder(), uid=4), "etc/apt": folder(), "other": folder()}
    found = members(written(removal_entries(["etc/apt/x", "top", "etc/y"], tree)))
    assert list(found) == [".wh.top", "etc", "etc/.wh.y", "etc/apt", "etc/apt/.wh.x"]
    assert found["etc"].uid == 4
    marker = found["etc/.wh.y"]
    assert (marker.isreg(), marker.size, marker.mode, marker.uid) == (True, 0, 0, 0)


def test_attributes_are_written_as_they_were(tmp_path: Path) -> None:
    binary = b"\x01\x00\xff\n=".decode(errors="surrogateescape")
    entry = file(tmp_path / "x", attributes=(("security.capability", binary), ("user.é", "1")))
    headers = members(tar({"x": entry}))["x"].pax_headers
    assert headers["SCHILY.xattr.security.capability"] == binary
    assert headers["SCHILY.xattr.user.é"] == "1"


CHANGES: Mapping[str, Mapping[str, Any]] = {
    "mode": {"mode": 0o600},
    "uid": {"uid": 1},
    "gid": {"gid": 1},
    "attributes": {"attributes": (("user.x", "1"),)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_fact_changes_the_key_and_the_bytes(tmp_path: Path, name: str) -> None:
    source = file(tmp_path / "x")
    one = (LayerEntry("x", source),)
    other = (LayerEntry("x", replace(source, **CHANGES[name])),)
    assert layer_key(one, TIME) != layer_key(other, TIME)
    assert written(one) != written(other)


def test_the_key_is_that_of_everything_in_the_layer(tmp_path: Path) -> None:
    source = file(tmp_path / "x", before=b"before")
    layers = [
        (LayerEntry("x", source),),
        (LayerEntry("y", source),),
        (LayerEntry("x", file(tmp_path / "other", b"Content")),),
        (LayerEntry("x", source), LayerEntry("y", source)),
        (LayerEntry("x", source), LayerEntry("y", source, "x")),
        (LayerEntry("y", source), LayerEntry("x", source)),
        (LayerEntry("x", folder()),),
        (LayerEntry("x", link("y")),),
        (LayerEntry("x", link("z")),),
        (),
    ]
    assert len({layer_key(layer, TIME) for layer in layers}) == len(layers)
    assert len({written(layer) for layer in layers}) == len(layers)
    assert layer_key(layers[0], TIME) != layer_key(layers[0], TIME + 1)


def test_the_place_of_the_bytes_and_the_inode_do_not_matter(tmp_path: Path) -> None:
    one = (LayerEntry("x", file(tmp_path / "x", before=b"before", inode=7)),)
    other = (LayerEntry("x", file(tmp_path / "y")),)
    assert layer_key(one, TIME) == layer_key(other, TIME)
    assert written(one) == written(other)


def test_a_source_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    entry = file(tmp_path / "x")
    (tmp_path / "x").write_bytes(b"con")
    with pytest.raises(EOFError, match="became shorter"):
        tar({"x": entry})
