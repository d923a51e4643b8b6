"""Archives in a folder, a tar file and a registry give back every byte that they were given."""

import json
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbiter.archive import keep as archive_keep
from orbiter.archive.configured import configured_archive
from orbiter.fetch import fill
from orbiter.store.artifact_list import parse_list
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from tests.support.archives import (
    FILES,
    QUIET,
    archive,
    contents,
    digest_of,
    locked,
    locked_of,
    store_contents,
)
from tests.support.loopback_registry import NAME, LoopbackRegistry

pytestmark = pytest.mark.usefixtures("loopback")

WHEELS = """\
sha256:b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374 5892 \
pip/iniconfig-2.0.0-py3-none-any.whl pip:iniconfig/iniconfig-2.0.0-py3-none-any.whl
sha256:69297d5da0cc9281c77efffb4e730254dd45943f45bbfb461de5991713989b1e 0 \
pip/idna-3.9-py3-none-any.whl pip:idna/idna-3.9-py3-none-any.whl
"""


def test_an_archive_gives_back_all_files(target: str, other_machine: Callable[[], None]) -> None:
    release = locked()
    before = store_contents()
    assert "6 files added (0.0 MB), 0 already present" in archive(release, target)
    assert "0 files added (0.0 MB), 6 already present" in archive(release, target)
    other_machine()
    assert (
        str(archive_keep.fetch_release(release, (), target, QUIET))
        == "6 files fetched (0 MB), 0 already present"
    )
    assert store_contents() == before
    assert (
        str(archive_keep.fetch_release(release, (), target, QUIET))
        == "0 files fetched (0 MB), 6 already present"
    )
    assert str(fill.fill(release, (), QUIET, configured_archive())).startswith(
        "0 files fetched"
    )  # nobody else is asked for anything


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.dictionaries(
        st.sampled_from(
            [f"{manager}/{name}" for manager in ("pip", "npm", "apt") for name in "abcd"]
        ),
        st.binary(max_size=9),
    )
)
def test_any_files_survive(
    tmp_path: Path, other_machine: Callable[[], None], files: dict[str, bytes]
) -> None:
    places = [str(tmp_path / uuid.uuid4().hex / name) for name in ("carried", "carried.tar")]
    other_machine()
    release = locked(files)
    before = store_contents()
    summaries = {archive(release, place).partition(" (")[2].partition(")")[0] for place in places}
    assert len(summaries) == 1
    for place in places:
        other_machine()
        archive_keep.fetch_release(release, (), place, QUIET)
        assert store_contents() == before


def test_all_storages_have_one_digest(tmp_path: Path, loopback: LoopbackRegistry) -> None:
    release = locked()
    for place in ("carried", "carried.tar"):
        archive(release, str(tmp_path / place))
    archive(release, f"oci://{loopback.server.host}/{NAME}")
    with tarfile.open(tmp_path / "carried.tar") as tar:
        names = tar.getnames()
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert contents(tmp_path / "unpacked") == contents(tmp_path / "carried")
    manifest = loopback.manifests["0.1.0"]
    assert f"blobs/sha256/{digest_of(manifest)[7:]}" in names
    assert len(names) == len(loopback.blobs) + 3  # the manifest, and the two files of the layout
    read = json.loads(manifest)
    assert read["artifactType"] == "application/vnd.orbiter.archive.v1"
    assert read["annotations"]["org.orbiter.lockset"] == release.root
    titles = {
        layer["annotations"]["org.opencontainers.image.title"]: layer for layer in read["layers"]
    }
    assert set(FILES) < set(titles)
    assert titles["npm/b-1.tgz"]["digest"] == digest_of(b"tarball")
    assert titles["npm/b-1.tgz"]["annotations"]["org.orbiter.hash"] == digest_of(
        b"tarball", "sha512"
    )


def test_releases_share_their_files(target: str, other_machine: Callable[[], None]) -> None:
    first, second = locked(), locked({**FILES, "pip/d-1.whl": b"more"}, "0.2.0")
    archive(first, target)
    summary = archive(second, target)
    assert "release 0.2.0" in summary
    assert "1 files added (0.0 MB), 6 already present" in summary
    for release, count in ((first, 6), (second, 7)):
        other_machine()
        assert (
            str(archive_keep.fetch_release(release, (), target, QUIET))
            == f"{count} files fetched (0 MB), 0 already present"
        )


def test_a_tar_file_does_not_depend_on_the_order_of_releases(tmp_path: Path) -> None:
    first, second = locked(), locked({"pip/d-1.whl": b"more"}, "0.2.0")
    for name, releases in {"a.tar": (first, second), "b.tar": (second, first, first)}.items():
        for release in releases:
            archive(release, str(tmp_path / name))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*")) == ["a.tar", "b.tar", "docker"]


def test_files_of_a_folder_are_hard_links(tmp_path: Path) -> None:
    archive(locked(), str(tmp_path / "carried"))
    blob = tmp_path / "carried/blobs/sha256" / digest_of(FILES["pip/a-1.whl"])[7:]
    assert blob.samefile(Store().path(digest_of(FILES["pip/a-1.whl"])))
    assert {path.name for path in (tmp_path / "carried").iterdir()} == {
        "blobs",
        "index.json",
        "oci-layout",
    }


def test_files_that_the_archive_lacks_are_all_named(
    target: str, other_machine: Callable[[], None]
) -> None:
    archive(locked(), target)
    more = locked({**FILES, "pip/d-1.whl": b"more", "npm/e-1.tgz": b"most"})
    other_machine()
    with pytest.raises(ExpectedError) as caught:
        archive_keep.fetch_release(more, (), target, QUIET)
    assert caught.value.message.splitlines() == [
        "2 files could not be fetched:",
        f"  npm/e-1.tgz: not in {target} ({digest_of(b'most', 'sha512')})",
        f"  pip/d-1.whl: not in {target} ({digest_of(b'more')})",
    ]
    assert "another lock set" in caught.value.hint


def test_another_lock_set_of_the_release_is_accepted_if_no_file_is_missing(
    target: str, other_machine: Callable[[], None]
) -> None:
    archive(locked(), target)
    fewer = locked({"apt/c_1_amd64.deb": b"deb"})
    other_machine()
    assert (
        str(archive_keep.fetch_release(fewer, (), target, QUIET))
        == "4 files fetched (0 MB), 0 already present"
    )


def test_a_missing_release_names_the_available_ones(target: str) -> None:
    for release in ("0.1.0", "0.2.0"):
        archive(locked(release=release), target)
    with pytest.raises(ExpectedError, match=r"has no release 0\.3\.0; it has 0\.1\.0, 0\.2\.0"):
        archive_keep.fetch_release(locked(release="0.3.0"), (), target, QUIET)


def test_a_custom_tag(loopback: LoopbackRegistry, other_machine: Callable[[], None]) -> None:
    release, target = locked(), f"oci://{loopback.server.host}/{NAME}:mine"
    archive(release, target)
    assert list(loopback.manifests) == ["mine"]
    other_machine()
    assert "6 files fetched" in str(archive_keep.fetch_release(release, (), target, QUIET))
    with pytest.raises(ExpectedError, match=r"has no release 0\.1\.0; it has mine"):
        archive_keep.fetch_release(release, (), target.removesuffix(":mine"), QUIET)


@pytest.mark.index
def test_wheels_of_the_real_index_are_fetched_first(
    tmp_path: Path, other_machine: Callable[[], None]
) -> None:
    release = locked_of(list(parse_list(WHEELS)))
    assert "5 files added" in archive(release, str(tmp_path / "carried"))
    other_machine()
    assert "5 files fetched" in str(
        archive_keep.fetch_release(release, (), str(tmp_path / "carried"), QUIET)
    )


@pytest.fixture
def real() -> str:
    address = os.environ.get("ORBITER_WORLD_REGISTRY")
    if not address:
        pytest.skip("no registry to push to is known (ORBITER_WORLD_REGISTRY)")
    return f"{address}/orbiter-test/archive-{uuid.uuid4().hex}"


@pytest.mark.engine
def test_a_real_registry(real: str, other_machine: Callable[[], None]) -> None:
    first, second = locked(), locked({**FILES, "pip/d-1.whl": b"more"}, "0.2.0")
    assert "6 files added" in archive(first, f"oci://{real}")
    assert "1 files added (0.0 MB), 6 already present" in archive(second, f"oci://{real}")
    before = store_contents()
    other_machine()
    archive_keep.fetch_release(second, (), f"oci://{real}", QUIET)
    assert store_contents() == before


@pytest.mark.engine
def test_skopeo_copies_an_archive_between_storages(
    real: str, tmp_path: Path, other_machine: Callable[[], None]
) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    release, places = (
        locked(),
        [f"oci:{tmp_path}/carried:0.1.0", f"docker://{real}:0.1.0", f"oci:{tmp_path}/back:0.1.0"],
    )
    archive(release, str(tmp_path / "carried"))
    for one, other in pairwise(places):
        skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", one, other)
    assert len({skopeo("inspect", "--raw", "--tls-verify=false", place) for place in places}) == 1
    other_machine()
    archive_keep.fetch_release(release, (), str(tmp_path / "back"), QUIET)


def skopeo(*words: str) -> str:
    return subprocess.run(["skopeo", *words], capture_output=True, text=True, check=True).stdout
