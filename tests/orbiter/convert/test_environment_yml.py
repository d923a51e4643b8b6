"""Import of environment.yml: real files, what is left out and why, and the new images.toml."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orbiter.config.read import read_image_set
from orbiter.convert.selectors import selector_conflict
from tests.support.paths import TESTS

DATA = TESTS / "data" / "environment-yml"
FILES = sorted(path.name for path in DATA.glob("*.y*ml"))
IMAGES = """\
# What we publish.
version = "0.1.0"   # the release
repository = "a/b"

[sets]
plots = ["matplotlib"]

[builder.micromamba]
channels = ["ours", "conda-forge"]

# The parent of all images.
[image.micromamba.core]
apt = ["git"]

[image.micromamba.base]

# Compilers stay here.
[image.micromamba.base.build]
conda = [
    "python=3.12",   # what most have
    "@plots",
]
"""
DEBIAN = """\
version = "0.1.0"
repository = "a/b"

[builder.debian]
from = "debian:trixie-slim"

[image.debian.core]
apt = ["git"]
"""
RUN = "from orbiter.cli.import_ import import_file; import_file(prog_name='orbiter import')"


def run(folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN, *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images.toml").write_text(IMAGES)
    return tmp_path


def import_text(
    folder: Path, text: str, *words: str, image: str = "micromamba-base"
) -> "subprocess.CompletedProcess[str]":
    (folder / "environment.yml").write_text(text)
    done = run(folder, "environment.yml", "--image", image, *words)
    assert "Traceback" not in done.stderr
    return done


def import_error(folder: Path, text: str, image: str = "micromamba-base") -> str:
    (folder / "environment.yml").write_text(text)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = import_text(folder, text, image=image)
    assert (done.returncode, done.stdout) == (2, "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    return done.stderr


def lists(folder: Path, image: str = "base") -> Any:
    return tomllib.loads((folder / "images.toml").read_text())["image"]["micromamba"][image][
        "build"
    ]


def builder(folder: Path) -> Any:
    return tomllib.loads((folder / "images.toml").read_text())["builder"]["micromamba"]


def entries(dependencies: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the manager, the requirement and the selector of each entry."""
    for entry in dependencies:
        table = entry if isinstance(entry, dict) else {"": entry}
        for key, value in table.items():
            if key == "pip":
                yield from (("pip", requirement, "") for requirement in value)
            else:
                yield "conda", value, key


@pytest.mark.parametrize("name", FILES)
def test_every_entry_of_a_real_file_is_added_or_left_out(tmp_path: Path, name: str) -> None:
    """Another YAML parser reads the file for the comparison."""
    (tmp_path / "images.toml").write_text(DEBIAN)
    done = run(tmp_path, DATA / name, "--image", "micromamba-notebook")
    assert done.returncode == 0, done.stderr
    added = lists(tmp_path, "notebook")
    data = yaml.safe_load((DATA / name).read_text())
    left_out = 0
    for manager, text, selector in entries(data["dependencies"]):
        is_added = text in added[manager]
        assert is_added or f"left out: {manager} '{text}': " in done.stderr
        assert not selector or is_added == (selector == "sel(linux)")
        left_out += not is_added
    assert set(added) <= {"conda", "pip"}
    reported = done.stderr.count("left out: conda '") + done.stderr.count("left out: pip '")
    assert reported == left_out
    assert ("name" in data) == ("left out: name '" in done.stderr)
    read_image_set(tmp_path / "images.toml")


ENVIRONMENT = """\
channels: [bioconda, conda-forge]
dependencies:
- python=3.12  # for all
- pip: [six]
"""
NEW_BUILDER = """

[builder.micromamba]
channels = ["bioconda", "conda-forge"]
"""
NEW_IMAGE = """
[image.micromamba.base]

[image.micromamba.base.build]
conda = [
    "python=3.12",  # for all
]
pip = [
    "six",
]
"""
NEW_REPORT = """\
new: the image micromamba-base, which images.toml did not have
new: [builder.micromamba]
new: [image.micromamba.base]
new: [image.micromamba.base.build]
channels: bioconda, conda-forge added
micromamba-base-build conda: 1 added
    + python=3.12
micromamba-base-build pip: 1 added
    + six
wrote images.toml: review it, then run orbiter lock
"""


def test_a_missing_image_is_added_with_its_builder(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(DEBIAN)
    done = import_text(tmp_path, ENVIRONMENT)
    expected = DEBIAN.replace('slim"\n', f'slim"{NEW_BUILDER}') + NEW_IMAGE
    assert (tmp_path / "images.toml").read_text() == expected
    assert (done.stdout, done.stderr) == (NEW_REPORT, "")


@pytest.mark.parametrize("image", ["micromamba-base", "micromamba-base-build"])
def test_lists_grow_and_everything_else_stays(folder: Path, image: str) -> None:
    (folder / "images.toml").chmod(0o640)
    done = import_text(
        folder, "channels: [ours]\ndependencies: [numpy, {pip: [six]}]\n", image=image
    )
    assert done.returncode == 0
    new = '    "@plots",\n    "numpy",\n]\npip = [\n    "six",\n]\n'
    assert (folder / "images.toml").read_text() == IMAGES.replace('    "@plots",\n]\n', new)
    assert (folder / "images.toml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["environment.yml", "images.toml"]


def test_an_image_without_a_build_stage_gets_the_requirements_itself(folder: Path) -> None:
    import_text(folder, "dependencies: [numpy]\n", image="micromamba-core")
    assert 'apt = ["git"]\nconda = [\n    "numpy",\n]\n' in (folder / "images.toml").read_text()


def test_a_build_stage_can_be_added_to_an_image(folder: Path) -> None:
    done = import_text(folder, "dependencies: [numpy]\n", image="micromamba-core-build")
    assert "new: [image.micromamba.core.build]\n" in done.stdout
    assert lists(folder, "core") == {"conda": ["numpy"]}


def test_existing_requirements_stay_and_differences_are_reported(folder: Path) -> None:
    conda = "'python = 3.12', 'matplotlib >=3', Python=3.11, scipy, 'scipy >1', scipy, scipy<9"
    done = import_text(folder, f"dependencies: [{conda}]\n")
    assert lists(folder)["conda"] == ["python=3.12", "@plots", "scipy >1"]
    assert done.stderr.splitlines() == [
        "left out: conda 'matplotlib >=3': images.toml already has 'matplotlib'",
        "left out: conda 'Python=3.11': images.toml already has 'python=3.12'",
        "left out: conda 'scipy<9': the file already has 'scipy >1'",
    ]


def test_a_package_of_conda_is_not_added_for_pip(folder: Path) -> None:
    pip = "{pip: [numpy==2, Matplotlib, six]}"
    done = import_text(folder, f"dependencies: [numpy >=2, {pip}]\n")
    assert lists(folder)["pip"] == ["six"]
    assert done.stderr.splitlines() == [
        "left out: pip 'numpy==2': the file already has 'numpy >=2' for conda",
        "left out: pip 'Matplotlib': images.toml already has 'matplotlib' for conda",
    ]
    assert import_text(folder, "dependencies: [six]\n").stderr == (
        "left out: conda 'six': images.toml already has 'six' for pip\n"
    )


def test_importing_the_same_file_again_changes_nothing(folder: Path) -> None:
    text = "channels: [other]\ndependencies: [numpy >=2, pip, {pip: [six]}]\n"
    import_text(folder, text)
    before = (folder / "images.toml").read_bytes()
    done = import_text(folder, text)
    assert (done.returncode, done.stderr) == (0, "")
    expected = "images.toml is unchanged: it already has all requirements of environment.yml\n"
    assert done.stdout == expected
    assert (folder / "images.toml").read_bytes() == before


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    done = import_text(folder, "dependencies: [numpy]\n", "--dry-run")
    assert done.stdout == (
        "micromamba-base-build conda: 1 added\n    + numpy\ndry run: images.toml was not written\n"
    )
    assert (folder / "images.toml").read_text() == IMAGES


@pytest.mark.parametrize(
    ("channels", "requirement", "expected", "message"),
    [
        ("[conda-forge]", "a", ["ours", "conda-forge"], ""),
        ("[bioconda]", "a", ["ours", "conda-forge", "bioconda"], ""),
        ("bioconda", "a", ["ours", "conda-forge", "bioconda"], ""),
        (
            "[bioconda, conda-forge]",
            "a",
            ["ours", "conda-forge", "bioconda"],
            "the order of the channels bioconda",
        ),
        (
            "[conda-forge, nodefaults]",
            "a",
            ["ours", "conda-forge"],
            "channel 'nodefaults': not needed",
        ),
        ("[defaults]", "a", ["ours", "conda-forge"], "channel 'defaults': replaced by conda-forge"),
        ("[]", "pytorch/linux-64::a", ["ours", "conda-forge", "pytorch"], ""),
        (
            '["https://$U:$P@example.org/c/"]',
            "a",
            ["ours", "conda-forge", "https://${U}:${P}@example.org/c"],
            "",
        ),
    ],
)
def test_channels_are_added_after_existing_ones(
    folder: Path, channels: str, requirement: str, expected: list[str], message: str
) -> None:
    done = import_text(folder, f"channels: {channels}\ndependencies: ['{requirement}']\n")
    assert builder(folder)["channels"] == expected
    if message:
        assert message in done.stderr
    else:
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("channels", "expected"), [("[]", None), ("[conda-forge]", None), ("[x]", ["conda-forge", "x"])]
)
def test_a_builder_without_channels_keeps_its_default(
    folder: Path, channels: str, expected: list[str] | None
) -> None:
    (folder / "images.toml").write_text(IMAGES.replace('channels = ["ours", "conda-forge"]\n', ""))
    import_text(folder, f"channels: {channels}\ndependencies: [a]\n")
    assert builder(folder).get("channels") == expected


def test_everything_left_out_is_reported_with_its_reason_and_without_secrets(folder: Path) -> None:
    text = """\
name: mine
variables: {PASSWORD: hunter2}
prefix: /home/me
platforms: [linux-64, osx-64]
category: dev
pip-repositories: ["https://me:hunter2@pip.example.org/simple"]
odd: 1
dependencies:
  - "numpy=1.26.4=py312h_0"
  - pywin32  # [win]
  - uvloop  # [not win] faster
  - "cuda"  # only there [linux64 or win64]
  - x  # [see 1]
  - sel(osx): appnope
  - defaults::tk
  - https://me:hunter2@c.example.org/t/hunter2/x::y
  - python: 3.12
  - 7
  - pip:
    - --index-url=https://me:hunter2@pip.example.org/simple
    - -f wheels
    - -r requirements.txt
    - -e .
    - -e git+https://hunter2@git.example.org/x.git#egg=x
    - git+https://hunter2@git.example.org/x.git
    - pkg @ https://me:hunter2@c.example.org/x.whl
    - ./wheels/x.whl
    - foo=1
    - dask[array]>=2; python_version < "4"  # arrays
"""
    done = import_text(folder, text)
    assert done.returncode == 0
    assert lists(folder)["conda"][2:] == ["numpy=1.26.4=py312h_0", "uvloop", "x"]
    assert '"uvloop",  # [not win] faster\n' in (folder / "images.toml").read_text()
    assert lists(folder)["pip"] == ['dask[array]>=2; python_version < "4"']
    assert "hunter2" not in done.stderr + done.stdout
    parts = [line.removeprefix("left out: ").partition(": ") for line in done.stderr.splitlines()]
    reasons = {what: why for what, _, why in parts}
    assert set(reasons) == {
        "conda 'pywin32'",
        "conda 'cuda'",
        "conda 'appnope'",
        "conda 'defaults::tk'",
        "dependency 'python'",
        "conda 'https://…@c.example.org/t/…/x::y'",
        "dependency '7'",
        "pip '--index-url'",
        "pip '-f'",
        "pip '-r requirements.txt'",
        "pip '-e .'",
        "pip '-e git+https://…@git.example.org/x.git#egg=x'",
        "pip 'git+https://…@git.example.org/x.git'",
        "pip 'pkg @ https://…@c.example.org/x.whl'",
        "pip './wheels/x.whl'",
        "pip 'foo=1'",
        "name 'mine'",
        "variables 'PASSWORD'",
        "prefix '/home/me'",
        "platforms 'linux-64, osx-64'",
        "category 'dev'",
        "pip-repositories",
        "odd '1'",
    }
    assert reasons["conda 'pywin32'"] == "it is only for systems other than linux/amd64"
    assert "selector [linux64 or win64]" in reasons["conda 'cuda'"]
    assert "add them to images.toml" in reasons["pip '-r requirements.txt'"]
    assert "two equals signs" in reasons["pip 'foo=1'"]


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("a: [", "micromamba-base", "environment.yml cannot be read: YAML"),
        (
            "dependencies:\n<<<<<<< HEAD\n- a\n=======\n- b\n>>>>>>> topic\n",
            "micromamba-base",
            "environment.yml:2: contains conflict markers of a merge",
        ),
        (
            "package: []\n",
            "micromamba-base",
            "environment.yml is not a conda environment: it has no list 'dependencies'",
        ),
        (
            "dependencies: [a]\n",
            "debian-base",
            "'debian-base' is not an image of the builder micromamba",
        ),
        (
            "dependencies: [a]\n",
            "micromamba",
            "images.toml has no image or stage 'micromamba'",
        ),
        (
            "dependencies: [a]\n",
            "micromamba-Odd_name",
            "images.toml with environment.yml: image.micromamba.Odd_name",
        ),
        (
            "channels: ['https://me:hunter2@c.example.org/x']\ndependencies: [a]\n",
            "micromamba-base",
            "credentials",
        ),
        (
            "channels: ['a b']\ndependencies: [a]\n",
            "micromamba-base",
            "environment.yml: 'a b' is not a channel",
        ),
    ],
)
def test_mistakes_are_reported_and_nothing_changes(
    folder: Path, text: str, image: str, words: str
) -> None:
    error = import_error(folder, text, image)
    assert words in error
    assert "\nhint: " in error
    assert "hunter2" not in error


def test_a_broken_images_toml_is_reported_first(folder: Path) -> None:
    (folder / "images.toml").write_text(IMAGES.replace("apt =", "atp ="))
    assert "image.micromamba.core.atp: unknown key" in import_error(folder, "dependencies: [a]\n")


def test_an_image_on_one_line_is_rejected(folder: Path) -> None:
    inline = "[image.micromamba]\ncore = {}\nbase = { build = { conda = ['a'] } }\n"
    (folder / "images.toml").write_text(IMAGES.partition("# The parent of")[0] + inline)
    error = import_error(folder, "dependencies: [b]\n")
    assert "write it as a table with a header line: [image.micromamba.base" in error


@pytest.mark.parametrize(
    ("selector", "platforms", "words"),
    [
        ("linux", ("linux/amd64", "linux/arm64"), ""),
        ("unix", ("linux/arm64",), ""),
        ("linux64", ("linux/amd64",), ""),
        ("not osx", ("linux/amd64", "linux/arm64"), ""),
        ("linux64", ("linux/amd64", "linux/arm64"), "it is only for linux/amd64, but"),
        ("not aarch64", ("linux/amd64", "linux/arm64"), "it is only for linux/amd64, but"),
        ("arm64", ("linux/arm64",), "systems other than linux/arm64"),
        ("not linux", ("linux/arm64",), "systems other than linux/arm64"),
        ("win or linux", ("linux/arm64",), "is not supported"),
        ("1", ("linux/arm64",), ""),
    ],
)
def test_selectors(selector: str, platforms: tuple[str, ...], words: str) -> None:
    conflict = selector_conflict(selector, platforms)
    if words:
        assert words in conflict
    else:
        assert conflict == ""


@pytest.mark.parametrize(
    "tables", ["", "[builder.micromamba]\n", "[builder.micromamba]\n[image]\n"]
)
def test_an_image_set_without_images_gets_its_first_one(folder: Path, tables: str) -> None:
    (folder / "images.toml").write_text(f'version = "0.1.0"\nrepository = "a/b"\n{tables}')
    done = import_text(folder, "dependencies: [numpy]\n")
    assert done.returncode == 0, done.stderr
    assert lists(folder)["conda"] == ["numpy"]
    assert read_image_set(folder / "images.toml").builders.keys() >= {"micromamba"}


def test_other_mistakes_of_an_image_set_without_images_are_reported(folder: Path) -> None:
    (folder / "images.toml").write_text('version = "0.1"\nrepository = "a/b"\n[builder.debian]\n')
    assert 'images.toml:1: version: "0.1" is not valid' in import_error(folder, "dependencies: [a]")
