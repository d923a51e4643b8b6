"""The servers that an image set needs, and the packages to ask them for."""

from pathlib import Path

from orbiter.config.image_set import ImageSet
from orbiter.config.read import image_set_of
from orbiter.doctor.subject import (
    base_images,
    conda_indexes,
    downloads,
    npm_packages,
    pip_projects,
)

IMAGES = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]
[builder.debian]
from = { debian = "trixie" }
[builder.micromamba]
from = "debian:trixie-slim"
channels = ["conda-forge", "nodefaults"]
[index.lab]
url = "https://lab.example/simple"
[image.debian.base]
pip = [
  "own @ https://host.example/own-1-py3-none-any.whl",
  { requirement = "secret", index = "lab" },
  "Rich>=1",
]
npm = ["alias@npm:@lab/real@^1", "left"]
[image.micromamba.base]
conda = ["numpy"]
"""
EMPTY = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.base]
apt = ["git"]
"""


def project(text: str = IMAGES) -> ImageSet:
    return image_set_of(text, Path("images.toml"), "images.toml")


def test_pip_asks_each_index_for_a_project_that_comes_from_it() -> None:
    assert pip_projects(project()) == {"": "rich", "lab": "secret"}
    assert pip_projects(project(EMPTY)) == {"": "pip"}


def test_npm_asks_for_names_of_the_registry() -> None:
    assert npm_packages(project()) == {"@lab": "@lab/real", "": "left"}
    assert npm_packages(project(EMPTY)) == {}


def test_conda_has_an_index_for_each_platform() -> None:
    found = [(each.channel.url, each.subdir) for each in conda_indexes(project())]
    assert sorted(found) == [
        ("conda-forge", "linux-64"),
        ("conda-forge", "linux-aarch64"),
        ("conda-forge", "noarch"),
    ]
    assert conda_indexes(project(EMPTY)) == ()


def test_a_base_of_packages_needs_the_image_of_its_suite() -> None:
    assert list(base_images(project())) == ["debian:trixie-slim"]


def test_no_downloads() -> None:
    assert downloads(project()) == ()
