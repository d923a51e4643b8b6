"""Export of conda packages: the same packages as in the image, and readable for conda-lock."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from orbiter.config import read, snapshot
from orbiter.config.stage_graph import groups
from orbiter.convert.export import export
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.model import LockSet, Manifest
from resolvers.conda import lock_file
from resolvers.conda import manager as conda
from resolvers.errors import ExpectedError
from resolvers.types.options import CondaOptions
from resolvers.types.request import Request
from tests.resolvers.conda.test_lock_file import NO_SOLVER, run
from tests.support.conda_world import AMD64, ARM64, channel, record

IMAGES = """\
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
apt = ["git"]
[builder.micromamba]
channels = ["CHANNEL"]
channel-priority = "disabled"
[image.micromamba.core]
apt = ["git"]
[image.micromamba.base]
from = "core"
[image.micromamba.base.build]
conda = ["a=1", "B >=1,<9"]
pip = ["six>=1; python_version > '3'"]
[image.micromamba.geo]
[image.micromamba.geo.build]
from = "base-build"
conda = ["d", "a<2"]
pip = ["attrs"]
[image.micromamba.other.build]
conda = ["e"]
[image.micromamba.other]
"""
SPECS = """
import json, pathlib, sys
from conda_lock.src_parser.environment_yaml import parse_environment_file
file, names = sys.argv[1:]
spec = parse_environment_file(pathlib.Path(file), platforms=["linux-64"], mapping_url=names)
print(json.dumps([[each.manager, each.name] for each in spec.dependencies["linux-64"]]))
"""


@pytest.fixture(scope="module", autouse=True)
def _wait_for_rattler() -> Iterator[None]:
    yield
    time.sleep(0.3)  # see orbiter/cli/exit.py


@pytest.fixture
def locked(tmp_path: Path) -> LockSet:
    packages = [
        record("a", "1", "c >=1", "__glibc >=2.17"),
        *(record("b", "3.10", "c", subdir=subdir) for subdir in ("linux-64", "linux-aarch64")),
        record("c", "1.3_31"),
        record("d", "2", "c"),
        record("e", "5", "c"),
    ]
    address = channel(tmp_path / "channel", *packages)
    (tmp_path / "images.toml").write_text(IMAGES.replace("CHANNEL", address))
    image_set = read.read_image_set(tmp_path / "images.toml")
    options = CondaOptions(channels=(address,), priority="disabled", virtual={"__cuda": "12.4"})
    request = Request(
        groups=groups(image_set, "micromamba", "conda"), targets=(AMD64, ARM64), conda=options
    )
    files = {f"micromamba/{name}": text for name, text in conda.resolve(request).items()}
    manifest = Manifest(release="0.1.0", cutoff="2026-01-01T00:00:00Z", source_date_epoch=0)
    return model.seal(manifest, {**files, model.SNAPSHOT: snapshot.dump(image_set)})


def names(text: str) -> dict[str, list[str]]:
    lock = lock_file.parse_lock({"conda-lock.yml": text})
    return {
        subdir: [each.name for each in lock.entries_for(subdir)] for subdir in lock.content_hashes
    }


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("micromamba-base", "abc"),
        ("micromamba-base-build", "abc"),
        ("micromamba-geo", "abcd"),
        ("micromamba-other", "ce"),
    ],
)
def test_each_form_has_the_packages_of_the_image_once(
    locked: LockSet, image: str, expected: str
) -> None:
    text = export("conda-lock", locked, image)
    assert names(text) == {"linux-64": [*expected], "linux-aarch64": [*expected]}
    assert {each.category for each in lock_file.parse_lock({"conda-lock.yml": text}).entries} == {
        "main"
    }
    assert names(export("conda-lock", locked, image, "linux/arm64")) == {
        "linux-aarch64": [*expected]
    }
    entries = lock_file.parse_lock({"conda-lock.yml": text}).entries_for("linux-aarch64")
    explicit = export("explicit", locked, image, "linux/arm64")
    urls = {line for line in explicit.splitlines() if "://" in line}
    assert urls == {f"{entry.url}#{entry.hash.md5}" for entry in entries}


@pytest.mark.index
@pytest.mark.parametrize(
    ("image", "platform"), [("micromamba-other", ""), ("micromamba-geo", "linux/arm64")]
)
def test_conda_lock_accepts_the_lock_and_the_environment_as_its_own(
    locked: LockSet, tmp_path: Path, image: str, platform: str
) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "conda-lock.yml").write_text(export("conda-lock", locked, image, platform))
    without_pip = export("environment", locked, image, platform).partition("  - pip\n")[0]
    (folder / "environment.yml").write_text(without_pip)
    (folder / "virtual-packages.yml").write_text(locked.files["micromamba/virtual-packages.yml"])
    (folder / "names.json").write_text("{}")
    program = tmp_path / "micromamba"
    program.write_text(NO_SOLVER)
    program.chmod(0o755)
    options = ["--pypi_to_conda_lookup_file", "names.json", "--micromamba", "--conda", str(program)]
    checked = run(
        folder, "conda-lock", "lock", "--check-input-hash", "-f", "environment.yml", *options
    )
    assert checked.returncode == 0, checked.stderr
    assert "already locked for" in checked.stderr
    rendered = run(folder, "conda-lock", "render", "-k", "explicit", "-p", "linux-aarch64")
    assert rendered.returncode == 0, rendered.stderr
    lines = (folder / "conda-linux-aarch64.lock").read_text().splitlines()
    ours = export("explicit", locked, image, "linux/arm64").splitlines()
    assert {line for line in lines if "://" in line} == {line for line in ours if "://" in line}


@pytest.mark.index
def test_an_environment_has_the_requirements_and_conda_lock_reads_it(
    locked: LockSet, tmp_path: Path
) -> None:
    text = export("environment", locked, "micromamba-geo")
    (tmp_path / "environment.yml").write_text(text)
    data = yaml.safe_load(text)
    assert data["channels"] == [(tmp_path / "channel").as_uri(), "nodefaults"]
    assert data["platforms"] == ["linux-64", "linux-aarch64"]
    assert data["dependencies"] == [
        "a 1.*",
        "b >=1,<9",
        "a <2",
        "d",
        "pip",
        {"pip": ["six>=1; python_version > '3'", "attrs"]},
    ]
    assert "# channel priority: disabled" in text
    (tmp_path / "names.json").write_text("{}")
    done = run(tmp_path, "python", "-c", SPECS, "environment.yml", "names.json")
    assert done.returncode == 0, done.stderr
    specs = {tuple(spec) for spec in json.loads(done.stdout)}  # "a" is required twice
    conda_specs = {("conda", name) for name in ("a", "b", "d", "pip")}
    assert specs == conda_specs | {("pip", "six"), ("pip", "attrs")}


@pytest.mark.parametrize(
    ("form", "image", "platform", "words", "hint"),
    [
        (
            "conda-lock",
            "debian-core",
            "",
            "debian-core of release 0.1.0 has no conda packages",
            "-base-build",
        ),
        (
            "explicit",
            "micromamba-core",
            "",
            "micromamba-core of release 0.1.0 has no conda packages",
            "these stages have",
        ),
        (
            "explicit",
            "micromamba-base",
            "",
            "is for one platform, but the release has linux/amd64, linux/arm64",
            "--platform",
        ),
        (
            "explicit",
            "micromamba-bsae",
            "",
            "no image or stage 'micromamba-bsae'",
            "'micromamba-base'",
        ),
        (
            "environment",
            "micromamba-base",
            "linux/386",
            "is not locked for linux/386",
            "linux/amd64, linux/arm64",
        ),
    ],
)
def test_impossible_exports_are_reported(
    locked: LockSet, form: str, image: str, platform: str, words: str, hint: str
) -> None:
    with pytest.raises(ExpectedError, match=words) as caught:
        export(form, locked, image, platform)
    assert hint in caught.value.hint


def test_a_lock_set_without_conda_packages_is_reported(locked: LockSet) -> None:
    partial = model.seal(locked.manifest, {model.SNAPSHOT: locked.files[model.SNAPSHOT]})
    with pytest.raises(ExpectedError, match=r"the conda packages of release .* are not locked"):
        export("environment", partial, "micromamba-base")


def test_the_command_prints_or_writes_from_the_lock_set_only(
    locked: LockSet, tmp_path: Path
) -> None:
    lockset_folder.write(locked, tmp_path / "locks" / "0.1.0")
    (tmp_path / "images.toml").write_text("nothing that can be read")
    script = "from orbiter.cli.export import export; export(prog_name='orbiter export')"
    words = ["explicit", "--image", "micromamba-base", "--release", "0.1.0"]

    def orbiter(*more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", script, *words, *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    text = export("explicit", locked, "micromamba-base", "linux/amd64")
    assert orbiter("--platform", "linux/amd64").stdout == text
    assert orbiter("--platform", "linux/amd64", "-o", "explicit.txt").stdout == ""
    assert (tmp_path / "explicit.txt").read_text() == text
    failed = orbiter("-o", "explicit.txt")
    assert failed.returncode == 2
    assert "error: an explicit file is for one platform" in failed.stderr
    assert (tmp_path / "explicit.txt").read_text() == text
