"""Images as BuildKit writes them: the layers of each stage, found by the markers in the history."""

import json
from pathlib import Path
from typing import Any

import pytest

from orbiter.assembly.raw_image import RawImage, platform_of, read_raw_images
from orbiter.oci.registry import OCI_INDEX, sha256
from resolvers.errors import ExpectedError
from tests.support.oci_images import ARM64
from tests.support.raw_layouts import (
    index_text,
    member,
    raw_image,
    stage_history,
    tar,
    write_blob,
    write_image,
    write_index,
)

BASE = [tar(member("base", str(number).encode())) for number in range(3)]
CORE = [tar(member("core", str(number).encode())) for number in range(2)]
GEO = [tar(member("geo"))]
STAGES = {"debian-core": CORE, "debian-geo": GEO}
LINEAGE = ["debian-core", "debian-geo"]


def marker(name: str) -> dict[str, Any]:
    return {"created_by": f"LABEL org.orbiter.stage={name}", "empty_layer": True}


def contents(raw: RawImage) -> tuple[list[bytes], list[list[bytes]]]:
    """Return the layers of the base image and those of each stage."""
    stages = [[file.read_bytes() for file in stage] for stage in raw.stages]
    return [file.read_bytes() for file in raw.base], stages


def test_the_history_shows_the_layers_of_each_stage(tmp_path: Path) -> None:
    raw = raw_image(tmp_path, STAGES, BASE)
    assert contents(raw) == (BASE, [CORE, GEO])
    assert raw.platform == "linux/amd64"
    assert raw.config["config"]["Cmd"] == ["sh"]


def test_a_stage_may_have_no_layers(tmp_path: Path) -> None:
    raw = raw_image(tmp_path, {"a": [], "b": CORE, "c": []}, BASE)
    assert contents(raw) == (BASE, [[], CORE, []])


def test_an_image_may_have_no_base(tmp_path: Path) -> None:
    assert contents(raw_image(tmp_path, STAGES)) == ([], [CORE, GEO])


def test_empty_layers_of_the_base_image_do_not_count(tmp_path: Path) -> None:
    history = [{"created_by": "ENV", "empty_layer": True}, *[{"created_by": "ADD"}] * 3]
    raw = raw_image(tmp_path, STAGES, BASE, base_history=history)
    assert contents(raw) == (BASE, [CORE, GEO])


@pytest.mark.parametrize("name", ["other-core", "debian-core", "debian-geo"])
def test_a_base_image_of_orbiter_has_stages_of_its_own(tmp_path: Path, name: str) -> None:
    history = stage_history(name, BASE)
    raw = raw_image(tmp_path, STAGES, BASE, base_history=history)
    assert contents(raw) == (BASE, [CORE, GEO])


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ([], "none"),
        ([{"created_by": "LABEL other=debian-core", "empty_layer": True}], "none"),
        ([marker("debian-geo")], "debian-geo"),
        ([marker("debian-geo"), marker("debian-core")], "debian-geo, debian-core"),
        ([marker("debian-core"), marker("debian-gis")], "debian-core, debian-gis"),
        ([marker("debian-core"), marker("debian-geo"), marker("x")], "debian-geo, x"),
        (
            [marker("debian-core"), {"created_by": marker("debian-geo")["created_by"]}],
            "debian-core",
        ),
        ([marker("debian-core"), marker("debian-geo more")], "debian-core"),
        ([{}], "none"),
    ],
)
def test_other_markers_are_an_error(
    tmp_path: Path, history: list[dict[str, Any]], found: str
) -> None:
    write_index(tmp_path, write_image(tmp_path, STAGES, BASE, history=history))
    with pytest.raises(ExpectedError) as caught:
        read_raw_images(tmp_path, LINEAGE)
    assert caught.value.message == (
        f"BuildKit reported other stages than those of debian-geo: {found}"
    )
    assert "--no-cache" in caught.value.hint


def test_an_index_may_contain_indexes(tmp_path: Path) -> None:
    platforms = ("linux/amd64", ARM64, "linux/arm/v7")
    images = [
        write_image(tmp_path, {"debian-core": [tar(member(platform))]}, platform=platform)
        for platform in platforms
    ]
    inner = {"mediaType": OCI_INDEX, **write_blob(tmp_path, index_text(images[1:]))}
    write_index(tmp_path, images[0], inner)
    raws = read_raw_images(tmp_path, ["debian-core"])
    assert tuple(raw.platform for raw in raws) == platforms
    assert [contents(raw)[1] for raw in raws] == [[[tar(member(each))]] for each in platforms]


@pytest.mark.parametrize(
    ("variant", "platform"),
    [
        ({"architecture": "amd64"}, "linux/amd64"),
        ({"architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"architecture": "amd64", "variant": ""}, "linux/amd64"),
    ],
)
def test_the_platform_of_a_configuration(variant: dict[str, str], platform: str) -> None:
    assert platform_of({"os": "linux", **variant}) == platform


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_base_image_may_lack_lines_of_its_history(tmp_path: Path, missing: int) -> None:
    # BuildKit adds them after the last line of the last stage.
    stages = [*stage_history("debian-core", CORE), *stage_history("debian-geo", GEO)]
    history = [*[{"created_by": "base"}] * (3 - missing), *stages, *[{"created_by": "?"}] * missing]
    raw = raw_image(tmp_path, STAGES, BASE, history=history)
    assert contents(raw) != (BASE, [CORE, GEO])
    assert contents(raw.above(len(BASE))) == (BASE, [CORE, GEO])


def test_a_complete_history_stays_as_it_is(tmp_path: Path) -> None:
    raw = raw_image(tmp_path, STAGES, BASE)
    assert raw.above(len(BASE)) == raw
    with pytest.raises(ExpectedError, match="reported 6 layers, fewer than those of the base"):
        raw.above(len(BASE) + 2)


def test_the_files_are_those_of_the_layout(tmp_path: Path) -> None:
    raw = raw_image(tmp_path, STAGES, BASE)
    (first, *_) = raw.base
    assert first == tmp_path / "blobs" / "sha256" / sha256(BASE[0]).removeprefix("sha256:")
    assert json.loads((tmp_path / "index.json").read_bytes())["manifests"]
