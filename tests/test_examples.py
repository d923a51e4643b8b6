"""The image sets that the documentation shows as examples."""

from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from resolvers.conda import manager as conda
from resolvers.types import CondaOptions, Package
from tests.support.conda_world import base, real_channel, request
from tests.support.paths import ROOT, TESTS

EXAMPLES = sorted((ROOT / "docs/examples").glob("*.toml"))
RECORDS = TESTS / "data/conda-kernels"


@pytest.fixture
def channel(tmp_path: Path) -> str:
    """Write a channel with real records of R and PyTorch, and return its URL."""
    return real_channel(tmp_path, RECORDS)


def example(name: str) -> ImageSet:
    return read_image_set(ROOT / f"docs/examples/{name}.toml")


def solved(channel: str, requirements: tuple[str, ...], **virtual: str) -> dict[str, Package]:
    options = CondaOptions(
        channels=(channel,), virtual={f"__{name}": version for name, version in virtual.items()}
    )
    files = conda.resolve(request(channel, base(*requirements), conda=options))
    return {package.name: package for package in conda.read(files)}


def conda_requirements(image_set: ImageSet) -> tuple[str, ...]:
    (stage,) = (stage for stage in image_set.stages if "conda" in stage.requirements)
    return stage.requirements["conda"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_valid_image_set(path: Path) -> None:
    assert read_image_set(path).stages


def test_conda_solves_the_example_with_r(channel: str) -> None:
    packages = solved(channel, conda_requirements(example("r-conda")))
    assert packages["r-base"].version.startswith("4.3.")
    assert {"jupyterlab", "r-ggplot2", "r-irkernel"} <= set(packages)


def test_conda_solves_the_example_for_gpus(channel: str) -> None:
    image_set = example("gpu")
    settings = image_set.builders["micromamba"].conda
    assert settings
    packages = solved(channel, conda_requirements(image_set), **settings.virtual)
    assert "cuda129" in source(packages["pytorch"])
    assert packages["cuda-version"].version == "12.9"


def test_without_the_virtual_package_conda_locks_no_cuda(channel: str) -> None:
    packages = solved(channel, conda_requirements(example("gpu")))
    assert "cpu" in source(packages["pytorch"])
    assert "cuda-version" not in packages


def source(package: Package) -> str:
    (artifact,) = package.artifacts
    return artifact.source
