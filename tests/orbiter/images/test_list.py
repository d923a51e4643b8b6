"""``orbiter images`` on real images of a real engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiny_images import Project, project

pytestmark = pytest.mark.engine
OTHER = "sha256:" + "0" * 64


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


def test_each_image_is_fresh_or_stale_or_has_no_lock_set(here: Project) -> None:
    root = here.write_lock_set("0.1.0").root
    here.image("debian-core-0.1.0", root, title="debian-core", release="0.1.0")
    here.image("debian-base-build-0.1.0", OTHER, title="debian-base-build", release="0.1.0")
    here.image("debian-0.2.0-rc.1", OTHER)  # a base made of packages has no further labels
    done = here.orbiter("images")
    assert (done.returncode, done.stderr) == (0, "")
    repository, header, *lines = done.stdout.splitlines()
    assert repository == here.repository
    assert header.split() == ["image", "release", "size", "lock", "set", "state"]
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = [line.split(maxsplit=5) for line in lines]
    short, other = root.removeprefix("sha256:")[:12], "0" * 12
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("debian", "0.2.0-rc.1", other, "no lock set"),
        ("debian-base-build", "0.1.0", other, "stale"),
        ("debian-core", "0.1.0", short, "fresh"),
    ]


def test_as_json(here: Project) -> None:
    root = here.write_lock_set("0.1.0").root
    tag = here.image("debian-core-0.1.0", root)
    listed = json.loads(here.orbiter("images", "--format", "json").stdout)
    assert listed["format"] == 1
    (image,) = listed["images"]
    assert image["size"] > 0
    assert image["id"].startswith("sha256:")
    expected = {"tag": tag, "release": "0.1.0", "lockset": root, "state": "fresh"}
    assert {key: image[key] for key in expected} == expected


def test_images_of_others_and_those_built_upon_ours_are_not_listed(
    here: Project, tmp_path: Path
) -> None:
    root = here.write_lock_set("0.1.0").root
    here.image("mine", root, title="debian-core", release="0.1.0")
    here.image("mine-0.1.0", root, title="debian-core", release="0.1.0")
    (tmp_path / "other").mkdir()
    with project(tmp_path / "other") as other:
        other.image("debian-core-0.1.0", root)
        done = here.orbiter("images")
    assert done.stdout == ""
    assert f"no images of {here.repository} found" in done.stderr
    assert json.loads(here.orbiter("images", "--format", "json").stdout) == {
        "format": 1,
        "images": [],
    }


def test_an_older_release_may_have_another_repository(here: Project, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with project(tmp_path / "old") as old:
        root = here.write_lock_set("0.0.1", repository=f"docker.io/{old.repository}").root
        tag = old.image("debian-core-0.0.1", root)
        lines = here.orbiter("images").stdout.splitlines()
        assert f"{lines[0]}:{lines[2].split()[0]}-0.0.1" == tag
