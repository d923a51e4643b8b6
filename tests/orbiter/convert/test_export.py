"""orbiter export: what the real conda-lock makes of it, and that it is what the image holds."""

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
from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet, Manifest
from resolvers.conda import lock_file
from resolvers.conda import manager as conda
from resolvers.errors import ExpectedError
from resolvers.types import CondaOptions, Request
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
spec = parse_environment_file(pathlib.Path(sys.argv[1]), platforms=["linux-64"], mapping_url=sys.argv[2])
print(json.dumps([[each.manager, each.name] for each in spec.dependencies["linux-64"]]))
"""


@pytest.fixture(scope="module", autouse=True)
def _calm_end() -> Iterator[None]:
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
    where = channel(tmp_path / "channel", *packages)
    (tmp_path / "images.toml").write_text(IMAGES.replace("CHANNEL", where))
    image_set = read.read_image_set(tmp_path / "images.toml")
    options = CondaOptions(channels=(where,), priority="disabled", virtual={"__cuda": "12.4"})
    asked = Request(
        groups=groups(image_set, "micromamba", "conda"), targets=(AMD64, ARM64), conda=options
    )
    files = {f"micromamba/{name}": text for name, text in conda.resolve(asked).items()}
    manifest = Manifest(release="0.1.0", cutoff="2026-01-01T00:00:00Z", source_date_epoch=0)
    return model.seal(manifest, {**files, model.SNAPSHOT: snapshot.dump(image_set)})


def names(text: str) -> dict[str, list[str]]:
    lock = lock_file.parse({"conda-lock.yml": text})
    return {subdir: [each.name for each in lock.of(subdir)] for subdir in lock.hashes}


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("micromamba-base", "abc"),
        ("micromamba-base-build", "abc"),
        ("micromamba-geo", "abcd"),
        ("micromamba-other", "ce"),
    ],
)
def test_each_form_holds_what_the_image_holds_once(
    locked: LockSet, image: str, wanted: str
) -> None:
    text = export("conda-lock", locked, image)
    assert names(text) == {"linux-64": [*wanted], "linux-aarch64": [*wanted]}
    assert {each.category for each in lock_file.parse({"conda-lock.yml": text}).package} == {"main"}
    assert names(export("conda-lock", locked, image, "linux/arm64")) == {"linux-aarch64": [*wanted]}
    entries = lock_file.parse({"conda-lock.yml": text}).of("linux-aarch64")
    lines = {
        line
        for line in export("explicit", locked, image, "linux/arm64").splitlines()
        if "://" in line
    }
    assert lines == {f"{each.url}#{each.hash.md5}" for each in entries}


@pytest.mark.index
@pytest.mark.parametrize(
    ("image", "platform"), [("micromamba-other", ""), ("micromamba-geo", "linux/arm64")]
)
def test_conda_lock_takes_lock_and_condas_part_of_the_environment_for_its_own(
    locked: LockSet, tmp_path: Path, image: str, platform: str
) -> None:
    place = tmp_path / "there"
    place.mkdir()
    (place / "conda-lock.yml").write_text(export("conda-lock", locked, image, platform))
    of_conda = export("environment", locked, image, platform).partition("  - pip\n")[0]
    (place / "environment.yml").write_text(of_conda)
    (place / "virtual-packages.yml").write_text(locked.files["micromamba/virtual-packages.yml"])
    (place / "names.json").write_text("{}")
    program = tmp_path / "micromamba"
    program.write_text(NO_SOLVER)
    program.chmod(0o755)
    told = ["--pypi_to_conda_lookup_file", "names.json", "--micromamba", "--conda", str(program)]
    checked = run(place, "conda-lock", "lock", "--check-input-hash", "-f", "environment.yml", *told)
    assert checked.returncode == 0, checked.stderr
    assert "already locked for" in checked.stderr
    rendered = run(place, "conda-lock", "render", "-k", "explicit", "-p", "linux-aarch64")
    assert rendered.returncode == 0, rendered.stderr
    lines = (place / "conda-linux-aarch64.lock").read_text().splitlines()
    ours = export("explicit", locked, image, "linux/arm64").splitlines()
    assert {line for line in lines if "://" in line} == {line for line in ours if "://" in line}


@pytest.mark.index
def test_an_environment_is_what_was_asked_for_and_conda_lock_reads_it(
    locked: LockSet, tmp_path: Path
) -> None:
    text = export("environment", locked, "micromamba-geo")
    (tmp_path / "environment.yml").write_text(text)
    data = yaml.safe_load(text)
    assert data["channels"] == [(tmp_path / "channel").as_uri(), "nodefaults"]
    assert data["platforms"] == ["linux-64", "linux-aarch64"]
    assert data["dependencies"] == [
        "a 1.*", "b >=1,<9", "a <2", "d", "pip", {"pip": ["six>=1; python_version > '3'", "attrs"]}
    ]  # fmt: skip
    assert "# channel priority: disabled" in text
    (tmp_path / "names.json").write_text("{}")
    done = run(tmp_path, "python", "-c", SPECS, "environment.yml", "names.json")
    assert done.returncode == 0, done.stderr
    found = {tuple(each) for each in json.loads(done.stdout)}
    assert found == {
        ("conda", "a"),
        ("conda", "b"),
        ("conda", "d"),
        ("conda", "pip"),
        ("pip", "six"),
        ("pip", "attrs"),
    }


@pytest.mark.parametrize(
    ("form", "image", "platform", "words", "hint"),
    [
        ("conda-lock", "debian-core", "", "debian-core of release 0.1.0 has no conda packages", "-base-build"),
        ("explicit", "micromamba-core", "", "micromamba-core of release 0.1.0 has no conda packages", "these have"),
        ("explicit", "micromamba-base", "", "is for one platform; there are linux/amd64, linux/arm64", "--platform"),
        ("explicit", "micromamba-bsae", "", "no image or stage 'micromamba-bsae'", "'micromamba-base'"),
        ("environment", "micromamba-base", "linux/386", "no 'linux/386'", "linux/amd64, linux/arm64"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_told(
    locked: LockSet, form: str, image: str, platform: str, words: str, hint: str
) -> None:
    with pytest.raises(ExpectedError, match=words) as caught:
        export(form, locked, image, platform)
    assert hint in caught.value.hint


def test_a_lock_set_without_condas_part_is_told(locked: LockSet) -> None:
    partial = model.seal(locked.manifest, {model.SNAPSHOT: locked.files[model.SNAPSHOT]})
    with pytest.raises(ExpectedError, match=r"conda's part of release .* is not locked"):
        export("environment", partial, "micromamba-base")


def test_the_command_prints_or_writes_out_of_the_lock_set_alone(
    locked: LockSet, tmp_path: Path
) -> None:
    folder.write(locked, tmp_path / "locks" / "0.1.0")
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
