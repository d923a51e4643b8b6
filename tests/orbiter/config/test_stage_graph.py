"""The stages that are resolved together, and the packages that each one inherits."""

from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.config.stage_graph import ancestors, groups

STACKED = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
apt = ["python3"]
[image.debian.base]
from = "core"
apt = ["libcairo2"]
[image.debian.base.build]
from = "core"
apt = ["build-essential"]
pip = ["numpy"]
[image.debian.geospatial]
from = "core"
[image.debian.geospatial.build]
from = "base-build"
pip = ["pyproj"]
"""


@pytest.fixture
def image_set(tmp_path: Path) -> ImageSet:
    (tmp_path / "images.toml").write_text(STACKED)
    return read_image_set(tmp_path / "images.toml")


def test_groups_are_stages_with_requirements_parents_first(image_set: ImageSet) -> None:
    assert [group.name for group in groups(image_set, "debian", "pip")] == [
        "debian-base-build",
        "debian-geospatial-build",
    ]
    assert groups(image_set, "debian", "pip")[1].parents == ("debian-base-build",)
    assert {group.name for group in groups(image_set, "debian", "apt")} == {
        "debian-core",
        "debian-base",
        "debian-base-build",
    }
    assert groups(image_set, "debian", "npm") == ()


def test_a_final_stage_receives_the_environment_but_not_the_compilers(image_set: ImageSet) -> None:
    final = next(stage for stage in image_set.stages if stage.name == "debian-geospatial")
    assert set(ancestors(image_set, final, "pip")) == {
        "debian-core",
        "debian-geospatial-build",
        "debian-base-build",
    }
    assert ancestors(image_set, final, "apt") == ("debian-core",)
