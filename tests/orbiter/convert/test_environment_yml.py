"""orbiter import: real files of other people, what is left out and why, and images.toml afterwards."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orbiter.config.read import read_image_set
from orbiter.convert.selectors import unfit
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

# What all stand on.
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


def run(place: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN, *map(str, words)]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "images.toml").write_text(IMAGES)
    return tmp_path


def importing(
    place: Path, text: str, *words: str, image: str = "micromamba-base"
) -> "subprocess.CompletedProcess[str]":
    (place / "environment.yml").write_text(text)
    done = run(place, "environment.yml", "--image", image, *words)
    assert "Traceback" not in done.stderr
    return done


def refused(place: Path, text: str, image: str = "micromamba-base") -> str:
    before = {
        path.name: path.read_bytes() for path in place.iterdir() if path.name != "environment.yml"
    }
    done = importing(place, text, image=image)
    assert (done.returncode, done.stdout) == (2, "")
    assert before == {
        path.name: path.read_bytes() for path in place.iterdir() if path.name != "environment.yml"
    }
    return done.stderr


def lists(place: Path, image: str = "base") -> Any:
    return tomllib.loads((place / "images.toml").read_text())["image"]["micromamba"][image]["build"]


def entries(dependencies: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Manager, requirement and selector of each."""
    for each in dependencies:
        for key, value in (each if isinstance(each, dict) else {"": each}).items():
            for text in value if isinstance(value, list) else [value]:
                yield ("pip", text, "") if key == "pip" else ("conda", text, key)


@pytest.mark.parametrize("name", FILES)
def test_every_entry_of_a_real_file_is_added_or_told(tmp_path: Path, name: str) -> None:
    """Read a second time by another YAML reader."""
    (tmp_path / "images.toml").write_text(DEBIAN)
    done = run(tmp_path, DATA / name, "--image", "micromamba-notebook")
    assert done.returncode == 0, done.stderr
    added = lists(tmp_path, "notebook")
    data = yaml.safe_load((DATA / name).read_text())
    told = 0
    for manager, text, selector in entries(data["dependencies"]):
        here = text in added[manager]
        assert here or f"left out: {manager} '{text}': " in done.stderr
        assert not selector or here == (selector == "sel(linux)")
        told += not here
    assert set(added) <= {"conda", "pip"}
    assert done.stderr.count("left out: conda '") + done.stderr.count("left out: pip '") == told
    assert ("name" in data) == ("left out: name '" in done.stderr)
    read_image_set(tmp_path / "images.toml")


def test_an_image_that_is_not_there_is_added_with_its_builder(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text(DEBIAN)
    done = importing(
        tmp_path,
        "channels: [bioconda, conda-forge]\ndependencies:\n- python=3.12  # for all\n- pip: [six]\n",
    )
    assert (tmp_path / "images.toml").read_text() == DEBIAN.replace(
        'slim"\n', 'slim"\n\n[builder.micromamba]\nchannels = ["bioconda", "conda-forge"]\n'
    ) + (
        '\n[image.micromamba.base]\n\n[image.micromamba.base.build]\nconda = [\n    "python=3.12",  # for all\n]\n'
        'pip = [\n    "six",\n]\n'
    )
    assert done.stderr == ""
    assert done.stdout == (
        "new: [builder.micromamba]\nnew: [image.micromamba.base]\nnew: [image.micromamba.base.build]\n"
        "channels: bioconda, conda-forge added\n"
        "micromamba-base-build conda: 1 added\n    + python=3.12\nmicromamba-base-build pip: 1 added\n    + six\n"
        "wrote images.toml: review it, then run orbiter lock\n"
    )


@pytest.mark.parametrize("image", ["micromamba-base", "micromamba-base-build"])
def test_lists_grow_and_all_else_stays(place: Path, image: str) -> None:
    (place / "images.toml").chmod(0o640)
    done = importing(place, "channels: [ours]\ndependencies: [numpy, {pip: [six]}]\n", image=image)
    assert done.returncode == 0
    new = '    "@plots",\n    "numpy",\n]\npip = [\n    "six",\n]\n'
    assert (place / "images.toml").read_text() == IMAGES.replace('    "@plots",\n]\n', new)
    assert (place / "images.toml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in place.iterdir()) == ["environment.yml", "images.toml"]


def test_a_stage_that_has_no_build_stage_gets_them_itself(place: Path) -> None:
    importing(place, "dependencies: [numpy]\n", image="micromamba-core")
    assert 'apt = ["git"]\nconda = [\n    "numpy",\n]\n' in (place / "images.toml").read_text()


def test_a_build_stage_can_be_added_to_an_image(place: Path) -> None:
    done = importing(place, "dependencies: [numpy]\n", image="micromamba-core-build")
    assert "new: [image.micromamba.core.build]\n" in done.stdout
    assert lists(place, "core") == {"conda": ["numpy"]}


def test_what_is_there_stays_and_is_told_where_it_differs(place: Path) -> None:
    text = "dependencies: ['python = 3.12', 'matplotlib >=3', Python=3.11, scipy, 'scipy >1', scipy, scipy<9]\n"
    done = importing(place, text)
    assert lists(place)["conda"] == ["python=3.12", "@plots", "scipy >1"]
    assert done.stderr.splitlines() == [
        "left out: conda 'matplotlib >=3': images.toml asks for 'matplotlib' already, which stays",
        "left out: conda 'Python=3.11': images.toml asks for 'python=3.12' already, which stays",
        "left out: conda 'scipy<9': the file asks for 'scipy >1' already, which stays",
    ]


def test_a_second_time_nothing_is_left_to_do(place: Path) -> None:
    text = "channels: [other]\ndependencies: [numpy >=2, pip, {pip: [six]}]\n"
    importing(place, text)
    before = (place / "images.toml").read_bytes()
    done = importing(place, text)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == "images.toml is unchanged: it already has all requirements of environment.yml\n"
    )
    assert (place / "images.toml").read_bytes() == before


def test_a_dry_run_writes_nothing(place: Path) -> None:
    done = importing(place, "dependencies: [numpy]\n", "--dry-run")
    assert done.stdout == (
        "micromamba-base-build conda: 1 added\n    + numpy\ndry run: images.toml was not written\n"
    )
    assert (place / "images.toml").read_text() == IMAGES


@pytest.mark.parametrize(
    ("channels", "asked", "wanted", "said"),
    [
        ("[conda-forge]", "a", ["ours", "conda-forge"], ""),
        ("[bioconda]", "a", ["ours", "conda-forge", "bioconda"], ""),
        ("bioconda", "a", ["ours", "conda-forge", "bioconda"], ""),
        ("[bioconda, conda-forge]", "a", ["ours", "conda-forge", "bioconda"], "the order of the channels bioconda"),
        ("[conda-forge, nodefaults]", "a", ["ours", "conda-forge"], "channel 'nodefaults': needs no words"),
        ("[defaults]", "a", ["ours", "conda-forge"], "channel 'defaults': conda-forge serves instead"),
        ("[]", "pytorch/linux-64::a", ["ours", "conda-forge", "pytorch"], ""),
        ('["https://$U:$P@example.org/c/"]', "a", ["ours", "conda-forge", "https://${U}:${P}@example.org/c"], ""),
    ],
)  # fmt: skip
def test_channels_are_added_behind_those_there(
    place: Path, channels: str, asked: str, wanted: list[str], said: str
) -> None:
    done = importing(place, f"channels: {channels}\ndependencies: ['{asked}']\n")
    assert (
        tomllib.loads((place / "images.toml").read_text())["builder"]["micromamba"]["channels"]
        == wanted
    )
    assert (said in done.stderr) if said else (done.stderr == "")


@pytest.mark.parametrize(
    ("channels", "wanted"), [("[]", None), ("[conda-forge]", None), ("[x]", ["conda-forge", "x"])]
)
def test_a_builder_without_channels_keeps_its_default(
    place: Path, channels: str, wanted: list[str] | None
) -> None:
    (place / "images.toml").write_text(IMAGES.replace('channels = ["ours", "conda-forge"]\n', ""))
    importing(place, f"channels: {channels}\ndependencies: [a]\n")
    assert (
        tomllib.loads((place / "images.toml").read_text())["builder"]["micromamba"].get("channels")
        == wanted
    )


def test_each_thing_that_is_left_out_is_told_with_its_reason_and_no_secret(place: Path) -> None:
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
    done = importing(place, text)
    assert done.returncode == 0
    assert lists(place)["conda"][2:] == ["numpy=1.26.4=py312h_0", "uvloop", "x"]
    assert '"uvloop",  # [not win] faster\n' in (place / "images.toml").read_text()
    assert lists(place)["pip"] == ['dask[array]>=2; python_version < "4"']
    assert "hunter2" not in done.stderr + done.stdout
    parts = [line.removeprefix("left out: ").partition(": ") for line in done.stderr.splitlines()]
    told = {what: why for what, _, why in parts}
    assert set(told) == {
        "conda 'pywin32'", "conda 'cuda'", "conda 'appnope'", "conda 'defaults::tk'", "dependency 'python'",
        "conda 'https://…@c.example.org/t/…/x::y'", "dependency '7'", "pip '--index-url'", "pip '-f'",
        "pip '-r requirements.txt'", "pip '-e .'", "pip '-e git+https://…@git.example.org/x.git#egg=x'",
        "pip 'git+https://…@git.example.org/x.git'", "pip 'pkg @ https://…@c.example.org/x.whl'",
        "pip './wheels/x.whl'", "pip 'foo=1'", "name 'mine'", "variables 'PASSWORD'", "prefix '/home/me'",
        "platforms 'linux-64, osx-64'", "category 'dev'", "pip-repositories", "odd '1'",
    }  # fmt: skip
    assert told["conda 'pywin32'"] == "it is for other systems than linux/amd64"
    assert "selector [linux64 or win64]" in told["conda 'cuda'"]
    assert "add what it asks for" in told["pip '-r requirements.txt'"]
    assert "two equals signs" in told["pip 'foo=1'"]


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("a: [", "micromamba-base", "environment.yml cannot be read: YAML"),
        ("package: []\n", "micromamba-base", "environment.yml is no environment.yml: it has no list 'dependencies'"),
        ("dependencies: [a]\n", "debian-base", "'debian-base' is no image of the builder micromamba"),
        ("dependencies: [a]\n", "micromamba", "'micromamba' is no image of the builder micromamba"),
        ("dependencies: [a]\n", "micromamba-Odd_name", 'images.toml with environment.yml: image.micromamba.Odd_name'),
        ("channels: ['https://me:hunter2@c.example.org/x']\ndependencies: [a]\n", "micromamba-base", "credentials"),
        ("channels: ['a b']\ndependencies: [a]\n", "micromamba-base", "environment.yml: 'a b' is no channel"),
    ],
)  # fmt: skip
def test_mistakes_are_told_and_nothing_changes(
    place: Path, text: str, image: str, words: str
) -> None:
    said = refused(place, text, image)
    assert words in said
    assert "\nhint: " in said
    assert "hunter2" not in said


def test_a_broken_images_toml_is_told_first(place: Path) -> None:
    (place / "images.toml").write_text(IMAGES.replace("apt =", "atp ="))
    assert "image.micromamba.core.atp: unknown key" in refused(place, "dependencies: [a]\n")


def test_an_image_that_is_written_in_one_line_is_refused(place: Path) -> None:
    inline = "[image.micromamba]\ncore = {}\nbase = { build = { conda = ['a'] } }\n"
    (place / "images.toml").write_text(IMAGES.partition("# What all")[0] + inline)
    assert "give it a line of its own: [image.micromamba.base" in refused(
        place, "dependencies: [b]\n"
    )


@pytest.mark.parametrize(
    ("selector", "platforms", "words"),
    [
        ("linux", ("linux/amd64", "linux/arm64"), ""),
        ("unix", ("linux/arm64",), ""),
        ("linux64", ("linux/amd64",), ""),
        ("not osx", ("linux/amd64", "linux/arm64"), ""),
        ("linux64", ("linux/amd64", "linux/arm64"), "for linux/amd64 alone"),
        ("not aarch64", ("linux/amd64", "linux/arm64"), "for linux/amd64 alone"),
        ("arm64", ("linux/arm64",), "other systems"),
        ("not linux", ("linux/arm64",), "other systems"),
        ("win or linux", ("linux/arm64",), "does not read"),
        ("1", ("linux/arm64",), ""),
    ],
)
def test_selectors(selector: str, platforms: tuple[str, ...], words: str) -> None:
    why = unfit(selector, platforms)
    assert (words in why) if words else (why == "")
