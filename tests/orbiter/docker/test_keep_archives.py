"""``build --output`` writes whole archives, and removes what a killed run left there."""

from pathlib import Path

from orbiter.docker.bake import BuiltImage, keep_archives


def test_archives_are_whole_and_leftovers_are_removed(tmp_path: Path) -> None:
    archive, output = tmp_path / "debian-base.tar", tmp_path / "output"
    archive.write_bytes(b"image")
    (output / ".orbiter-new-dead").mkdir(parents=True)
    (output / ".orbiter-new-dead" / "debian-base-0.1.0.tar").write_bytes(b"im")
    image = BuiltImage(
        stage="debian-base",
        platforms=("linux/amd64",),
        tag="registry.example:5000/a/b:debian-base-0.1.0",
        digest="sha256:" + "0" * 64,
        archive=archive,
    )
    kept = keep_archives([image], output)
    assert [each.file for each in kept] == [output / "debian-base-0.1.0.tar"]
    assert [path.name for path in output.iterdir()] == ["debian-base-0.1.0.tar"]
    assert (output / "debian-base-0.1.0.tar").read_bytes() == b"image"
