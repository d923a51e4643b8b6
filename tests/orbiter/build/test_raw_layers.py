"""The layers of BuildKit that a build keeps for the next one."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from orbiter.build import raw_layers
from orbiter.build.raw_layers import RawLayers
from orbiter.oci.layout import BLOBS
from orbiter.store.store import hash_file
from resolvers import cache
from tests.support.raw_layouts import member, raw_image, tar

CORE, OLD, NEW = (tar(member(name)) for name in ("core", "old", "new"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RawLayers:
    """Keep the layers of a first build of the image base."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    raw_image(tmp_path / "first", {"core": [CORE], "base": [OLD]})
    layers = RawLayers("0123")
    layers.keep("base", tmp_path / "first")
    return layers


def linked(layers: RawLayers, image: str, layout: Path) -> set[bytes]:
    layers.link(image, layout)
    return {file.read_bytes() for file in (layout / BLOBS).iterdir()}


def test_the_next_build_finds_the_layers_of_the_last_one(kept: RawLayers, tmp_path: Path) -> None:
    assert linked(kept, "base", tmp_path / "second") == {CORE, OLD}
    raw_image(tmp_path / "third", {"core": [CORE], "base": [NEW]})
    kept.keep("base", tmp_path / "third")
    assert linked(kept, "base", tmp_path / "fourth") == {CORE, NEW}


def test_images_and_repositories_have_their_own_layers(kept: RawLayers, tmp_path: Path) -> None:
    assert linked(kept, "core", tmp_path / "core") == set()
    assert linked(RawLayers("4567"), "base", tmp_path / "other") == set()


def test_a_changed_layer_is_not_used(kept: RawLayers, tmp_path: Path) -> None:
    (folder,) = cache.folder("assembly", "raw").iterdir()
    (file,) = (path for path in folder.iterdir() if path.read_bytes() == OLD)
    file.write_bytes(OLD[:-1])
    assert linked(kept, "base", tmp_path / "second") == {CORE}
    assert not file.exists()


def test_a_layer_that_another_build_removes_meanwhile_is_not_used(
    kept: RawLayers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_and_remove(file: Path, algorithm: str) -> str:
        found = hash_file(file, algorithm)
        file.unlink()
        return found

    monkeypatch.setattr(raw_layers, "hash_file", hash_and_remove)
    assert linked(kept, "base", tmp_path / "second") == set()


def test_a_build_may_be_on_another_file_system(kept: RawLayers, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is not another file system")
    with TemporaryDirectory(dir=other) as folder:
        raw_image(Path(folder, "second"), {"core": [CORE], "base": [NEW]})
        kept.keep("base", Path(folder, "second"))
        assert linked(kept, "base", Path(folder, "third")) == {CORE, NEW}
