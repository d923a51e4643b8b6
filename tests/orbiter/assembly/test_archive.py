"""Image archives, read as an OCI layout and as ``docker load`` reads them."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from orbiter.assembly.archive import write_archive
from orbiter.assembly.documents import image_index
from orbiter.assembly.image import AssembledImage
from orbiter.oci.registry import sha256
from resolvers.errors import ExpectedError
from tests.support.oci_images import AMD64, ARM64, assembled, layer

TAG = "registry.example:5000/team/images:debian-base-0.1.0"
SHARED, OWN = layer(("shared", b"1")), layer(("own", b"2"))


@pytest.fixture
def image(tmp_path: Path) -> AssembledImage:
    return assembled(tmp_path, SHARED, OWN)


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        contents = {}
        for info in archive:
            file = archive.extractfile(info)
            assert file
            contents[info.name] = file.read()
    return contents


def document(files: dict[str, bytes], name: str) -> Any:
    return json.loads(files[name])


def blob(files: dict[str, bytes], descriptor: Any) -> bytes:
    """Return the content of a blob after a check of its digest and size."""
    content = files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert sha256(content) == descriptor["digest"]
    assert len(content) == descriptor["size"]
    return content


def layers(files: dict[str, bytes], manifest: bytes) -> list[str]:
    """Return the digests of an image's layers after a check of all its blobs."""
    found = json.loads(manifest)
    blob(files, found["config"])
    return [sha256(blob(files, descriptor)) for descriptor in found["layers"]]


def test_the_archive_is_a_complete_layout(tmp_path: Path, image: AssembledImage) -> None:
    write_archive(tmp_path / "x.tar", TAG, [image], None)
    files = read(tmp_path / "x.tar")
    assert document(files, "oci-layout") == {"imageLayoutVersion": "1.0.0"}
    (descriptor,) = document(files, "index.json")["manifests"]
    assert descriptor["annotations"] == {
        "io.containerd.image.name": TAG,
        "org.opencontainers.image.ref.name": "debian-base-0.1.0",
    }
    assert blob(files, descriptor) == image.manifest
    assert layers(files, image.manifest) == [each.digest for each in image.layers]
    assert len(files) == 3 + 2 + len(image.layers)


def test_the_engine_finds_the_layers_in_their_order(tmp_path: Path, image: AssembledImage) -> None:
    write_archive(tmp_path / "x.tar", TAG, [image], None)
    files = read(tmp_path / "x.tar")
    (entry,) = document(files, "manifest.json")
    assert entry["RepoTags"] == [TAG]
    assert files[entry["Config"]] == image.config
    assert [sha256(files[name]) for name in entry["Layers"]] == [
        each.digest for each in image.layers
    ]


def test_an_archive_for_several_platforms_has_the_index(tmp_path: Path) -> None:
    images = [
        assembled(tmp_path, SHARED, OWN),
        assembled(tmp_path, SHARED, layer(("own", b"3")), platform=ARM64),
    ]
    index = image_index(images)
    write_archive(tmp_path / "x.tar", TAG, images, index)
    files = read(tmp_path / "x.tar")
    assert "manifest.json" not in files
    (descriptor,) = document(files, "index.json")["manifests"]
    assert blob(files, descriptor) == index
    manifests = json.loads(index)["manifests"]
    assert [each["platform"]["architecture"] for each in manifests] == ["amd64", "arm64"]
    for descriptor, each in zip(manifests, images, strict=True):
        assert blob(files, descriptor) == each.manifest
        assert layers(files, each.manifest) == [own.digest for own in each.layers]
    assert len([name for name in files if name.startswith("blobs/")]) == 1 + 2 * 2 + 3


def test_the_same_image_gives_the_same_bytes(tmp_path: Path, image: AssembledImage) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    write_archive(tmp_path / "one.tar", TAG, [image], None)
    write_archive(tmp_path / "two.tar", TAG, [assembled(folder, SHARED, OWN)], None)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        assert {(info.mtime, info.mode, info.uid, info.uname) for info in archive} == {
            (0, 0o644, 0, "")
        }


def test_an_image_of_the_hub_has_its_full_name(tmp_path: Path, image: AssembledImage) -> None:
    write_archive(tmp_path / "x.tar", "dorgeln/orbiter:core-0.1.0", [image], None)
    files = read(tmp_path / "x.tar")
    annotations = document(files, "index.json")["manifests"][0]["annotations"]
    name = "docker.io/dorgeln/orbiter:core-0.1.0"
    assert annotations["io.containerd.image.name"] == name
    assert document(files, "manifest.json")[0]["RepoTags"] == ["dorgeln/orbiter:core-0.1.0"]


def test_an_existing_file_stays(tmp_path: Path, image: AssembledImage) -> None:
    (tmp_path / "x.tar").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        write_archive(tmp_path / "x.tar", TAG, [image], None)
    assert (tmp_path / "x.tar").read_bytes() == b"other"
    assert image.platform == AMD64


def test_a_flipped_byte_in_a_layer_is_noticed(tmp_path: Path, image: AssembledImage) -> None:
    path = image.layers[1].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ExpectedError) as caught:
        write_archive(tmp_path / "image.tar", TAG, [image], None)
    assert f"{path} is damaged" in caught.value.message
    assert "build the image again" in caught.value.hint
