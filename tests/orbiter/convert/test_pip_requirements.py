"""Requirements of pip as lines that conda, micromamba and pip read in an environment.yml."""

import tomllib
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from orbiter.convert.pip_requirements import requirement_lines

IMAGES = """\
version = "0.1.0"
repository = "a/b"
[index.cpu]
url = "https://download.example.org/whl/cpu"
[index.unused]
url = "https://unused.example.org/simple"
[builder.micromamba]
[image.micromamba.base]
conda = ["python"]
pip = [
    { requirement = "Torch>=2", index = "cpu" },
    { requirement = "torchvision", index = "cpu" },
    "attrs",
    "labtools[plots] @ ./src/labtools ; python_version > '3'",
    "other @ https://example.org/other-1.0-py3-none-any.whl",
]
"""


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    assert tomllib.loads(IMAGES)
    (tmp_path / "images.toml").write_text(IMAGES)
    project = tmp_path / "src/labtools"
    project.mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "labtools"\nversion = "1"\n')
    image_set = read_image_set(tmp_path / "images.toml")
    requirements = [
        text for stage in image_set.stages for text in stage.requirements.get("pip", ())
    ]
    return list(requirement_lines(image_set, "micromamba", requirements))


def test_the_index_of_a_package_is_kept(lines: list[str]) -> None:
    index = "--extra-index-url https://download.example.org/whl/cpu  # torch, torchvision"
    assert lines[0] == index
    assert "Torch>=2" in lines
    assert not any("unused" in line for line in lines)


def test_the_path_of_a_folder_is_one_that_pip_reads(lines: list[str]) -> None:
    assert './src/labtools[plots] ; python_version > "3"' in lines
    assert "other @ https://example.org/other-1.0-py3-none-any.whl" in lines
