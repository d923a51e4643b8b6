"""Images from layouts that the tests write; a simple engine of the tests unpacks the result."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from orbiter.assembly.assemble import AssembledStage
from orbiter.assembly.image import AssembledImage
from resolvers.errors import ExpectedError
from tests.support.layer_engine import Root, linked, root_of
from tests.support.raw_layouts import (
    CREATED,
    Member,
    assemble,
    assembler,
    base_layers,
    device,
    folder,
    hard_link,
    link,
    member,
    raw_image,
    stage_history,
    tar,
    tars,
)

OPAQUE = ".wh..wh..opq"
SITE = "opt/env/lib/python3.13/site-packages"
TRIMMED = "usr/share/orbiter/trimmed/core.json"
BASE = (
    folder("etc"),
    folder("etc/a"),
    folder("etc/a/deep"),
    member("etc/a/deep/x", b"1"),
    member("etc/a/y", b"2"),
    member("etc/file", b"3"),
    link("etc/link", "file"),
    folder("tmp", mode=0o1777),
)


def root(image: AssembledImage) -> Root:
    return root_of(tars(image))


def contents(unpacked: Root) -> dict[str, bytes | str]:
    """Return the bytes of files, the targets of links, and the kinds of other paths."""
    return {
        path: node.content if node.kind == "file" else node.target or node.kind
        for path, node in unpacked.items()
    }


def names(layer: bytes) -> list[str]:
    """Return the names of the removed files in a layer."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return [name for name in archive.getnames() if "/.wh." in f"/{name}"]


CASES: dict[str, tuple[Sequence[Member], dict[str, bytes | str | None], list[str]]] = {
    "nothing": ((), {}, []),
    "file removed": ((folder("etc"), member("etc/.wh.file")), {"etc/file": None}, ["etc/.wh.file"]),
    "folder removed": (
        (folder("etc"), member("etc/.wh.a")),
        {"etc/a": None, "etc/a/deep": None, "etc/a/deep/x": None, "etc/a/y": None},
        ["etc/.wh.a"],
    ),
    "opaque": (
        (folder("etc"), folder("etc/a"), member("etc/a/" + OPAQUE), member("etc/a/new", b"4")),
        {"etc/a/new": b"4", "etc/a/deep": None, "etc/a/deep/x": None, "etc/a/y": None},
        ["etc/a/.wh.deep", "etc/a/.wh.y"],
    ),
    "file instead of folder": (
        (folder("etc"), member("etc/a", b"4")),
        {"etc/a": b"4", "etc/a/deep": None, "etc/a/deep/x": None, "etc/a/y": None},
        [],
    ),
    "link instead of folder": (
        (folder("etc"), folder("etc/a"), link("etc/a/deep", "y")),
        {"etc/a/deep": "y", "etc/a/deep/x": None},
        [],
    ),
    "folder instead of file": (
        (folder("etc"), folder("etc/file"), member("etc/file/x", b"4")),
        {"etc/file": "folder", "etc/file/x": b"4"},
        [],
    ),
    "folder instead of link": (
        (folder("etc"), folder("etc/link"), member("etc/link/x", b"4")),
        {"etc/link": "folder", "etc/link/x": b"4"},
        [],
    ),
    "file removed below a replaced folder": (
        (
            *(folder("etc"), member("etc/.wh.a"), folder("etc/a"), member("etc/a/y", b"2")),
            *(folder("etc/a/deep"), member("etc/a/deep/new", b"4")),
        ),
        {"etc/a/deep/x": None, "etc/a/deep/new": b"4"},
        ["etc/a/deep/.wh.x"],
    ),
    "device instead of a file": (
        (folder("etc"), device("etc/file")),
        {"etc/file": None},
        ["etc/.wh.file"],
    ),
    "state": (
        (
            *(folder("tmp", mode=0o1777), folder("tmp/x"), member("tmp/x/y"), folder("etc")),
            *(member("etc/machine-id", b"7"), folder("dev"), device("dev/null")),
        ),
        {"dev": "folder"},
        [],
    ),
    "same file again": ((folder("etc"), member("etc/file", b"3", mtime=7)), {}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_stage_changes(tmp_path: Path, case: str) -> None:
    layer, changed, removed = CASES[case]
    image = assemble(tmp_path, {"core": [tar(*layer)]}, [tar(*BASE)])
    expected = contents(root_of([tar(*BASE)])) | changed
    assert contents(root(image)) == {
        path: content for path, content in expected.items() if content is not None
    }
    assert [name for each in tars(image)[1:] for name in names(each)] == removed


def test_the_layers_of_the_base_image_stay_as_they_are(tmp_path: Path) -> None:
    base = [tar(*BASE), tar(folder("etc"), member("etc/new", b"4"))]
    image = assemble(tmp_path, {"core": [tar(member("x"))]}, base)
    assert tars(image)[:2] == base
    assert json.loads(image.config)["history"] == [
        {"created_by": "base"},
        {"created_by": "base"},
        {"created": "2026-08-01T00:00:00Z", "created_by": "orbiter: core: files"},
    ]
    assert CREATED == 1785542400


def test_a_base_made_by_the_first_stage_has_all_files_of_its_seed(tmp_path: Path) -> None:
    seed = tar(folder("usr"), member("usr/x", b"1"), member("usr/y", b"2"))
    stages = {"debian": [tar(folder("usr"), member("usr/.wh.y"))], "core": [tar(member("z"))]}
    raw = raw_image(tmp_path / "layout", stages, [seed])
    image = assembler(tmp_path / "scratch").assemble(
        raw, [AssembledStage(name=name) for name in stages], base_layers(tmp_path), print
    )
    assert contents(root(image)) == {"usr": "folder", "usr/x": b"1", "z": b""}
    assert len(image.layers) == 2
    assert [name for each in tars(image) for name in names(each)] == []


def test_the_label_of_the_stage_is_not_part_of_the_image(tmp_path: Path) -> None:
    config = json.loads(assemble(tmp_path, {"core": [tar(member("x"))]}).config)
    assert config["config"]["Labels"] == {"some": "label"}
    assert config["created"] == "2026-08-01T00:00:00Z"


def test_a_stage_without_changes_adds_no_layer(tmp_path: Path) -> None:
    image = assemble(tmp_path, {"core": [tar(*BASE)], "geo": [tar(), tar(folder("etc"))]})
    assert contents(root(image)) == contents(root_of([tar(*BASE)]))
    assert len(image.layers) == 1


@pytest.mark.parametrize("order", [["core", "geo"], ["geo", "core"]])
def test_images_share_the_layers_of_their_stages(tmp_path: Path, order: list[str]) -> None:
    stages = {"core": [tar(folder("etc"), member("etc/x"))], "geo": [tar(member("y"))]}
    known = assembler(tmp_path / "scratch")
    lines: list[object] = []
    images = {}
    for name in order:
        lineage = ["core", "geo"][: 1 + (name == "geo")]
        raw = raw_image(tmp_path / name, {each: stages[each] for each in lineage}, [tar(*BASE)])
        images[name] = known.assemble(
            raw,
            [AssembledStage(name=each) for each in lineage],
            base_layers(tmp_path / name, tar(*BASE)),
            lines.append,
        )
    core, geo = images["core"], images["geo"]
    assert [each.digest for each in core.layers] == [each.digest for each in geo.layers][:2]
    assert contents(root(geo)) == {**contents(root_of([tar(*BASE)])), "etc/x": b"", "y": b""}
    assert sorted(line for line in map(str, lines) if line.startswith("dividing")) == [
        "dividing core into layers",
        "dividing geo into layers",
    ]


def test_a_base_image_without_a_history(tmp_path: Path) -> None:
    base = [tar(*BASE), tar(member("b"))]
    lines = [*stage_history("core", [b""]), *stage_history("geo", [b""])]
    history = [*lines, {"created_by": "?"}, {"created_by": "?"}]
    stages = {"core": [tar(member("c"))], "geo": [tar(member("g"))]}
    raw = raw_image(tmp_path, stages, base, history=history)
    image = assembler(tmp_path / "scratch").assemble(
        raw, [AssembledStage(name=name) for name in stages], base_layers(tmp_path, *base), print
    )
    assert tars(image)[:2] == base
    assert [[*root_of([each])] for each in tars(image)[2:]] == [["c"], ["g"]]
    assert [line["created_by"] for line in json.loads(image.config)["history"]] == [
        "base",
        "base",
        "orbiter: core: files",
        "orbiter: geo: files",
    ]


def trimmed(tmp_path: Path, stage: bytes, base: bytes = b"", keep: str = "") -> AssembledImage:
    """Return an image whose stage has the rule ``docs``."""
    core = AssembledStage(name="core", rules=("docs",), keep=frozenset({keep} - {""}))
    return assemble(tmp_path, {"core": [stage]}, [base] if base else [], options={"core": core})


def docs(*members: Member) -> bytes:
    """Return a layer with files of a Debian package."""
    return tar(
        folder("usr"),
        folder("usr/share"),
        folder("usr/share/doc"),
        folder("usr/share/orbiter"),
        member("usr/share/orbiter/packages.json"),
        *members,
    )


DOC = "usr/share/doc/x"


def test_the_image_lists_what_the_rules_removed(tmp_path: Path) -> None:
    stage = docs(folder(DOC), member(f"{DOC}/README", b"1"), member(f"{DOC}/caf\udce9", b"2"))
    unpacked = root(trimmed(tmp_path, stage))
    assert not any(path.startswith("usr/share/doc/") for path in unpacked)
    assert json.loads(unpacked[TRIMMED].content)["removed"] == {"docs": ["usr/share/doc/"]}
    stage = docs(folder(DOC), member(f"{DOC}/caf\udce9"), member(f"{DOC}/copyright"))
    unpacked = root(trimmed(tmp_path / "second", stage))
    assert json.loads(unpacked[TRIMMED].content)["removed"] == {"docs": [rf"{DOC}/caf\xe9"]}


def test_a_removed_file_that_the_parent_also_has_is_hidden(tmp_path: Path) -> None:
    base = docs(folder(DOC), member(f"{DOC}/README", b"1"), member(f"{DOC}/other", b"2"))
    image = trimmed(tmp_path, docs(folder(DOC), member(f"{DOC}/README", b"new")), base)
    unpacked = contents(root(image))
    assert f"{DOC}/README" not in unpacked
    assert unpacked[f"{DOC}/other"] == b"2"
    assert names(tars(image)[1]) == [f"{DOC}/.wh.README"]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_a_removed_folder_of_the_parent_stays_with_its_other_files(
    tmp_path: Path, mode: int
) -> None:
    base = docs(folder(DOC), member(f"{DOC}/README", b"1"), member(f"{DOC}/other", b"2"))
    stage = docs(folder(DOC, mode), member(f"{DOC}/README", b"new"))
    unpacked = contents(root(trimmed(tmp_path, stage, base)))
    assert f"{DOC}/README" not in unpacked
    assert unpacked[f"{DOC}/other"] == b"2"


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ((folder(DOC), member(f"{DOC}/a", b"1")), (member(DOC, b"2"),)),
        ((member(DOC, b"1"),), (folder(DOC), member(f"{DOC}/a", b"2"))),
    ],
    ids=["file instead of folder", "folder instead of file"],
)
def test_a_removed_path_of_another_kind_is_hidden(
    tmp_path: Path, lower: Sequence[Member], upper: Sequence[Member]
) -> None:
    unpacked = root(trimmed(tmp_path, docs(*upper), docs(*lower)))
    assert [path for path in unpacked if path.startswith(DOC)] == []


def test_own_files_are_not_trimmed(tmp_path: Path) -> None:
    stage = docs(folder(DOC), member(f"{DOC}/README", b"1"), member(f"{DOC}/other", b"2"))
    unpacked = contents(root(trimmed(tmp_path, stage, keep=f"{DOC}/README")))
    assert unpacked[f"{DOC}/README"] == b"1"
    assert f"{DOC}/other" not in unpacked


def test_an_own_file_keeps_the_folders_above_it(tmp_path: Path) -> None:
    layer = tar(folder("tmp"), folder("tmp/a", 0o700), member("tmp/a/own"), member("tmp/a/other"))
    core = AssembledStage(name="core", keep=frozenset({"tmp/a/own"}))
    unpacked = root(assemble(tmp_path, {"core": [layer]}, options={"core": core}))
    assert [*unpacked] == ["tmp", "tmp/a", "tmp/a/own"]
    assert unpacked["tmp/a"].mode == 0o700


def test_hard_links_of_a_package_and_the_layers_of_packages(tmp_path: Path) -> None:
    record = b"a/x,,\na/y,,\na-1.dist-info/RECORD,,\n"
    above = [f"{SITE}/".split("/")[:count] for count in range(1, 6)]
    stage = tar(
        *(folder("/".join(parts)) for parts in above),
        folder(f"{SITE}/a"),
        member(f"{SITE}/a/y", b"1" * (4 << 20)),
        hard_link(f"{SITE}/a/x", f"{SITE}/a/y"),
        folder(f"{SITE}/a-1.dist-info"),
        member(f"{SITE}/a-1.dist-info/RECORD", record),
        member("plain"),
    )
    image = assemble(tmp_path, {"core": [stage]}, compression="zstd")
    lines = [line["created_by"] for line in json.loads(image.config)["history"]]
    assert lines == ["orbiter: core: pip:a", "orbiter: core: files"]
    unpacked = root(image)
    assert linked(unpacked) == {frozenset({f"{SITE}/a/x", f"{SITE}/a/y"})}
    assert unpacked.keys() == root_of([stage]).keys()


def test_a_broken_layer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="a layer of the build cannot be read"):
        assemble(tmp_path, {"core": [b"no tar file" * 100]})


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_compressed_layers_of_the_base_image_are_read(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    base = compress(tar(*BASE))
    raw = raw_image(tmp_path, {"core": [tar(folder("etc"), member("etc/file", b"3"))]}, [base])
    image = assembler(tmp_path / "scratch").assemble(
        raw, [AssembledStage(name="core")], base_layers(tmp_path, base), print
    )
    assert len(image.layers) == 1  # the stage changes nothing
