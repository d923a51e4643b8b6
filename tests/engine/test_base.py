"""A base made of Debian's packages alone: locked, built for real, and looked at from inside."""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from orbiter.build import build
from orbiter.build.debian_base import write_seed
from orbiter.config.snapshot import load
from orbiter.docker.bake import BuildOptions
from orbiter.lockset import folder
from orbiter.render.context import ENV_PARTS

pytestmark = [pytest.mark.engine, pytest.mark.index]

IMAGES = """
version = "0.1.0"
repository = "orbiter-test/base"

[builder.debian]
from = { debian = "trixie" }
python = "3.13"

[image.debian.core]
apt = ["ca-certificates", "python3"]

[image.debian.base]
from = "core"

[image.debian.base.build]
from = "core"
pip = ["attrs"]
"""
REMOVED = re.compile(r"/usr/share/(doc|groff|help|info|lintian|locale|man)/")


class Project:
    """An image set that is locked and built."""

    def __init__(self, place: Path, cache: Path) -> None:
        self.place, self.cache = place, cache
        (place / "images.toml").write_text(IMAGES)
        self.run("lock", "-q")
        self.digests = self.run("build", "-q").splitlines()

    def start(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        command = [sys.executable, "-m", "orbiter", *words]
        return subprocess.run(
            command, cwd=self.place, env=env, check=False, text=True, capture_output=True
        )

    def run(self, *words: str) -> str:
        done = self.start(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def packages(self, stage: str) -> dict[str, str]:
        text = (self.place / f"locks/0.1.0/build/{stage}/packages-linux-amd64.json").read_text()
        return {
            each["name"]: each["version"]
            for each in json.loads(text)["packages"]
            if each["manager"] == "apt"
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache"))


def inside(script: str, *words: str, stage: str = "debian-core") -> list[str]:
    command = [
        "docker",
        "run",
        "--rm",
        "--user",
        "0",
        *words,
        f"orbiter-test/base:{stage}-0.1.0",
        "bash",
        "-c",
    ]
    done = subprocess.run(
        [*command, f"set -e\n{script}"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_dpkg_finds_what_is_locked_whole_and_as_it_was_packed(project: Project) -> None:
    found = dict(line.split() for line in inside("dpkg-query -W -f '${Package} ${Version}\\n'"))
    assert found == project.packages("debian-core")
    assert len(found) > len(project.packages("debian")) > 50
    assert inside("dpkg --audit") == []
    changed = [line for line in inside("dpkg --verify") if not REMOVED.search(line)]
    assert changed == []


@pytest.mark.usefixtures("project")
def test_nothing_is_left_of_how_it_was_made() -> None:
    places = "/var/log /var/cache/apt /var/lib/apt/lists /var/cache/ldconfig /tmp /var/tmp /run"
    assert inside(f"find {places} -type f") == []
    absent = "/etc/machine-id /var/lib/dbus/machine-id /usr/sbin/policy-rc.d /artifacts /lock /etc/passwd- /etc/.pwd.lock"
    assert inside(f"ls -d {absent} 2>/dev/null || true") == []
    assert (
        inside("find /usr/share/doc /usr/share/man /usr/share/locale -type f ! -name copyright")
        == []
    )
    assert inside("find /usr/share/doc -name copyright | wc -l") != ["0"]
    assert (
        inside(
            "find /bin /home /lib64 /opt /root /srv /usr /var -xdev ! -newermt @946684799 -o -newermt @946684800"
        )
        == []
    )


@pytest.mark.usefixtures("project")
def test_more_can_be_installed() -> None:
    script = "apt-get update -q; apt-get install -q -y --no-install-recommends hello; hello; apt-get check -q; dpkg --audit"
    assert "Hello, world!" in inside(f"exec 2>&1; {script}")


def test_no_image_is_named_or_fetched(project: Project) -> None:
    locked = folder.read(project.place / "locks/0.1.0")
    assert locked.manifest.bases == {}
    assert [stage.kind for stage in load(locked.files["images.toml"]).stages].count("base") == 1
    froms = [
        line
        for text in locked.files.values()
        for line in text.splitlines()
        if line.startswith("FROM ")
    ]
    assert {line.split()[1] for line in froms} == {
        "seed",
        "scratch",
        "debian",
        "debian-core",
        "debian-base-build",
    }


def test_layers_stay_the_same_in_a_later_release_whatever_cache_they_come_from(
    project: Project,
) -> None:
    images = project.place / "images.toml"
    images.write_text(IMAGES.replace("0.1.0", "0.2.0"))
    try:
        project.run("lock", "-q", "--upgrade")
        cached = project.run("build", "-q").splitlines()
        assert (
            project.run("build", "-q", "--no-cache", "--no-load", "--output", "kept").splitlines()
            == cached
        )
    finally:
        images.write_text(IMAGES)
    older, newer = layers("debian-base-0.1.0"), layers("debian-base-0.2.0")
    different = [
        number for number, both in enumerate(zip(older, newer, strict=True)) if len(set(both)) == 2
    ]
    assert different == [3, 5 + len(ENV_PARTS)]  # the lists of packages, which name the release


def layers(tag: str) -> list[str]:
    """The digests of an image's layers, uncompressed."""
    command = [
        "docker",
        "image",
        "inspect",
        "--format",
        "{{json .RootFS.Layers}}",
        f"orbiter-test/base:{tag}",
    ]
    return list(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def test_the_seed_decides_no_byte(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Orbiter may unpack in another order, with other times."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(project.cache))
    monkeypatch.setattr(build, "write_seed", another_seed)
    locked = folder.read(project.place / "locks/0.1.0")
    options = BuildOptions(images=("debian-core",), load=False, no_cache=True)
    (image,) = build.build(locked, options, silent)
    assert f"{image.tag}  {image.digest}" in project.digests


def another_seed(packages: Iterable[Path], target: Path) -> None:
    plain = target.with_suffix(".plain")
    write_seed(reversed(tuple(packages)), plain)
    with tarfile.open(plain) as old, tarfile.open(target, "w") as new:
        for member in old:
            mtime = member.mtime if member.name in {"dev", "proc", "sys", "tmp"} else 1_234_567_890
            new.addfile(
                member.replace(mtime=mtime), old.extractfile(member) if member.isreg() else None
            )
    plain.unlink()


def silent(_title: str) -> Callable[[str], None]:
    return lambda _line: None


def test_a_clean_build_has_the_same_digests(project: Project) -> None:
    assert (
        project.run("build", "-q", "--no-cache", "--no-load", "--output", "kept").splitlines()
        == project.digests
    )


@pytest.mark.usefixtures("project")
def test_the_environment_works_on_it() -> None:
    assert inside(
        "python -c 'import attrs, sys; print(sys.version_info[:2])'", stage="debian-base"
    ) == ["(3, 13)"]


def test_locking_again_changes_nothing_and_asks_nobody(project: Project) -> None:
    env = {
        **os.environ,
        "ORBITER_CACHE_DIR": str(project.cache),
        "DOCKER_HOST": "tcp://127.0.0.1:9",
    }
    command = ["unshare", "--net", sys.executable, "-m", "orbiter", "lock"]
    done = subprocess.run(
        command, cwd=project.place, env=env, capture_output=True, text=True, check=False
    )
    assert "is up to date" in done.stdout, done.stderr


def test_a_package_with_another_byte_is_refused_by_name(project: Project) -> None:
    lists = (
        (project.place / "locks/0.1.0/build/debian/artifacts-linux-amd64.txt")
        .read_text()
        .splitlines()
    )
    digest, _, path, _ = next(line for line in lists if "/dash_" in line).split(" ")
    stored = project.cache / "store" / "sha256" / digest[7:9] / digest[7:]
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.unlink()  # a hard link of it may be in use
    stored.write_bytes(content)
    refused = project.start("build", "-q")
    assert refused.returncode == 2
    assert (
        f"{path.removeprefix('apt/')} was changed in the store: expected {digest}" in refused.stderr
    )
    assert (
        project.run("build", "-q").splitlines() == project.digests
    )  # it was put aside, and is fetched again


def test_a_template_with_another_byte_is_refused_by_name(project: Project) -> None:
    dockerfile = project.place / "locks/0.1.0/build/debian/Dockerfile"
    text = dockerfile.read_text()
    dockerfile.write_text(text.replace("network=none", "network=host"))
    try:
        refused = project.start("build", "-q")
    finally:
        dockerfile.write_text(text)
    assert refused.returncode == 2
    assert f"{dockerfile.relative_to(project.place)}: lockset.toml names sha256:" in refused.stderr
