"""The seeds that a build keeps for the next one; the content of seeds is another test's."""

from pathlib import Path

import pytest
import zstandard

from orbiter.build import seeds
from orbiter.build.seeds import link_seed
from orbiter.store.store import link_or_copy
from resolvers import cache
from tests.orbiter.build.test_debian_base import package


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    return [package(tmp_path / "one.deb", ("./usr/bin/one", b"one", 0o755))]


def test_the_same_packages_have_the_same_file(
    packages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "first")
    monkeypatch.delattr(seeds, "write_seed")
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "second")
    assert (tmp_path / "first").samefile(tmp_path / "second")


def test_other_packages_replace_the_seed_of_their_base_only(
    packages: list[Path], tmp_path: Path
) -> None:
    for number, name in enumerate(["debian", "debian-other", "debian"]):
        link_seed(packages, [f"sha256:{number}"], name, tmp_path / str(number))
    kept = sorted(path.name for path in cache.folder("assembly", "seeds").iterdir())
    assert [name.rpartition("-")[0] for name in kept] == ["debian", "debian-other"]
    assert (tmp_path / "0").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_seed_that_another_build_removes_meanwhile_is_written_again(
    packages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_and_link(seed: Path, target: Path) -> None:
        monkeypatch.setattr(seeds, "link_or_copy", link_or_copy)
        seed.unlink()
        link_or_copy(seed, target)

    link_seed(packages, ["sha256:1"], "debian", tmp_path / "first")
    monkeypatch.setattr(seeds, "link_or_copy", remove_and_link)
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("rule", ["SEED_FORMAT", "LEVEL", "LAYER_TIME"])
def test_other_rules_make_another_seed(
    packages: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
) -> None:
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "first")
    monkeypatch.setattr(seeds, rule, 5)
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "second")
    assert not (tmp_path / "first").samefile(tmp_path / "second")


@pytest.mark.parametrize("length", [0, 3, 20, -1])
def test_a_cut_seed_is_written_again(packages: list[Path], tmp_path: Path, length: int) -> None:
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "first")
    content = (tmp_path / "first").read_bytes()
    (tmp_path / "first").write_bytes(content[:length])  # a hard link to the one in the cache
    for name in ("second", "third"):
        link_seed(packages, ["sha256:1"], "debian", tmp_path / name)
        assert (tmp_path / name).read_bytes() == content


def test_a_seed_with_a_changed_byte_is_written_again(packages: list[Path], tmp_path: Path) -> None:
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "first")
    content = (tmp_path / "first").read_bytes()
    (tmp_path / "first").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "second")
    assert (tmp_path / "second").read_bytes() == content


def test_a_changed_seed_is_noticed(packages: list[Path], tmp_path: Path) -> None:
    link_seed(packages, ["sha256:1"], "debian", tmp_path / "seed")
    content = (tmp_path / "seed").read_bytes()
    with pytest.raises(zstandard.ZstdError, match="checksum"):
        zstandard.decompress(content[:-1] + bytes([content[-1] ^ 1]), max_output_size=1 << 20)
