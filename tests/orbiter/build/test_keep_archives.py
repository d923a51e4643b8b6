"""``build --output`` writes whole archives, and removes what a killed run left there."""

import json
import tarfile
from pathlib import Path

from orbiter.build.built_image import BuiltImage
from orbiter.build.deliver import deliver, keep_archives
from orbiter.build.options import BuildOptions
from orbiter.lockset.record import RecordedBuilder
from tests.support.oci_images import AMD64, assembled, layer

NAME = "debian-base-0.1.0.tar"


def built(folder: Path) -> BuiltImage:
    folder.mkdir(exist_ok=True)
    image = assembled(folder, layer(("x", b"1")))
    return BuiltImage(
        stage="debian-base",
        tag="registry.example:5000/a/b:debian-base-0.1.0",
        digest=image.digest,
        images=(image,),
        builder=RecordedBuilder(),
    )


def test_archives_are_whole_and_leftovers_are_removed(tmp_path: Path) -> None:
    output = tmp_path / "output"
    (output / ".orbiter-new-dead").mkdir(parents=True)
    (output / ".orbiter-new-dead" / NAME).write_bytes(b"im")
    (output / NAME).write_bytes(b"of an earlier build")
    image = built(tmp_path / "blobs")
    kept = keep_archives([image], output)
    assert [each.file for each in kept] == [output / NAME]
    assert [path.name for path in output.iterdir()] == [NAME]
    with tarfile.open(output / NAME) as archive:
        index = archive.extractfile("index.json")
        assert index
        assert json.loads(index.read())["manifests"][0]["digest"] == image.digest
    assert kept[0].platforms == (AMD64,)


def test_an_output_folder_needs_no_engine(tmp_path: Path) -> None:
    image = built(tmp_path / "blobs")
    options = BuildOptions(load=False, output=tmp_path / "output")
    lines: list[str] = []
    (delivered,) = deliver((image,), options, (), lambda title: lambda _line: lines.append(title))
    assert delivered.file == tmp_path / "output" / NAME
    assert delivered.file.exists()
    assert not delivered.pushed
    assert lines == ["debian-base"]
    (kept,) = deliver((image,), BuildOptions(load=False), (), lambda _title: print)
    assert kept == image
