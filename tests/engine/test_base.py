"""A base made of Debian packages, locked and built with a real engine."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from orbiter.build import seeds
from orbiter.build.build import build
from orbiter.build.debian_base import write_seed
from orbiter.build.options import BuildOptions
from orbiter.config.snapshot import load
from orbiter.lockset import folder
from orbiter.tasks import Report
from tests.support.byte_code import invalid_byte_code
from tests.support.paths import QUICK_ORBITER
from tests.support.quick_orbiter import use_quick_compression

pytestmark = [pytest.mark.engine, pytest.mark.index]

IMAGES = """
version = "0.1.0"
repository = "orbiter-test/base"

[builder.debian]
from = { debian = "trixie" }
python = "3.13"

[image.debian.core]
apt = ["ca-certificates", "locales", "python3"]
debconf = [
    "locales locales/locales_to_be_generated multiselect de_DE.UTF-8 UTF-8",
    "locales locales/default_environment_locale select de_DE.UTF-8",
]

[image.debian.base]
from = "core"

[image.debian.base.build]
from = "core"
pip = ["attrs", "pip"]
"""
REMOVED = re.compile(r"/usr/share/(doc|groff|help|info|lintian|locale|man)/")


class Project:
    """An image set, locked and built."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        (folder / "images.toml").write_text(IMAGES)
        self.run("lock", "-q")
        self.digests = self.run("build", "-q").splitlines()

    def start(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        command = [sys.executable, QUICK_ORBITER, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=env, check=False, text=True, capture_output=True
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        assert process.returncode == 0, process.stderr
        return process.stdout

    def packages(self, stage: str) -> dict[str, str]:
        text = (self.folder / f"locks/0.1.0/build/{stage}/packages-linux-amd64.json").read_text()
        return {
            package["name"]: package["version"]
            for package in json.loads(text)["packages"]
            if package["manager"] == "apt"
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache"))


def run_inside(script: str, *, stage: str = "debian-core") -> list[str]:
    """Run a shell script as root in an image and return the lines of its output."""
    image = f"orbiter-test/base:{stage}-0.1.0"
    command = ["docker", "run", "--rm", "--user", "0", image, "bash", "-c", f"set -e\n{script}"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return process.stdout.splitlines()


def test_dpkg_has_the_locked_packages_complete_and_unchanged(project: Project) -> None:
    installed = dict(
        line.split() for line in run_inside("dpkg-query -W -f '${Package} ${Version}\\n'")
    )
    assert installed == project.packages("debian-core")
    assert len(installed) > len(project.packages("debian")) > 50
    assert run_inside("dpkg --audit") == []
    changed = [line for line in run_inside("dpkg --verify") if not REMOVED.search(line)]
    assert changed == []


@pytest.mark.usefixtures("project")
def test_package_scripts_find_the_answers_to_their_questions() -> None:
    assert run_inside("grep -v '^#' /etc/default/locale") == ["LANG=de_DE.UTF-8"]
    assert "de_DE.utf8" in run_inside("locale -a")


@pytest.mark.usefixtures("project")
def test_no_files_of_the_build_remain() -> None:
    folders = "/var/log /var/cache/apt /var/lib/apt/lists /var/cache/ldconfig /tmp /var/tmp /run"
    assert run_inside(f"find {folders} -type f") == []
    absent = (
        "/etc/machine-id /var/lib/dbus/machine-id /usr/sbin/policy-rc.d /artifacts /lock"
        " /etc/passwd- /etc/.pwd.lock"
    )
    assert run_inside(f"ls -d {absent} 2>/dev/null || true") == []
    assert (
        run_inside("find /usr/share/doc /usr/share/man /usr/share/locale -type f ! -name copyright")
        == []
    )
    assert run_inside("find /usr/share/doc -name copyright | wc -l") != ["0"]
    folders = "/bin /home /lib64 /opt /root /srv /usr /var"
    assert run_inside(f"find {folders} -xdev ! -newermt @946684799 -o -newermt @946684800") == []


@pytest.mark.usefixtures("project")
def test_all_byte_code_is_valid_without_times() -> None:
    invalid, count = invalid_byte_code("orbiter-test/base:debian-base-0.1.0")
    assert invalid == []
    assert count > 500


@pytest.mark.usefixtures("project")
def test_users_can_install_more_packages() -> None:
    script = """\
exec 2>&1
apt-get update -q
apt-get install -q -y --no-install-recommends hello
hello
apt-get check -q
dpkg --audit
"""
    assert "Hello, world!" in run_inside(script)


def test_the_base_needs_no_other_image(project: Project) -> None:
    lock_set = folder.read(project.folder / "locks/0.1.0")
    assert lock_set.manifest.bases == {}
    assert [stage.kind for stage in load(lock_set.files["images.toml"]).stages].count("base") == 1
    froms = [
        line
        for text in lock_set.files.values()
        for line in text.splitlines()
        if line.startswith("FROM ")
    ]
    assert {line.split()[1] for line in froms} == {
        "seed",
        "debian",
        "debian-core",
    }


def test_a_later_release_differs_in_the_layers_with_lists_of_packages(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(project.cache))
    use_quick_compression(monkeypatch.setattr)
    images = project.folder / "images.toml"
    images.write_text(IMAGES.replace("0.1.0", "0.2.0"))
    try:
        project.run("lock", "-q", "--upgrade")
    finally:
        images.write_text(IMAGES)
    pairs = zip(layers(project, "0.1.0"), layers(project, "0.2.0"), strict=True)
    different = [(old[0], new[0]) for old, new in pairs if old != new]
    # The lists of packages contain the release.
    names = [f"orbiter: {stage}: package records" for stage in ("debian-core", "debian-base")]
    assert different == [(name, name) for name in names]


def layers(project: Project, release: str) -> list[tuple[str, str]]:
    """Build debian-base and return the line of the history and the diff ID of each layer."""
    lock_set = folder.read(project.folder / "locks" / release)
    options = BuildOptions(images=("debian-base",), load=False)
    (built,) = build(lock_set, options, silent)
    (image,) = built.images
    config = json.loads(image.config)
    lines = [step["created_by"] for step in config["history"]]
    return list(zip(lines, config["rootfs"]["diff_ids"], strict=True))


def test_a_build_without_cache_has_the_same_digests_from_any_seed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of Orbiter may unpack in another order, with other times."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(project.cache))
    monkeypatch.setattr(seeds, "write_seed", another_seed)
    shutil.rmtree(project.cache / "assembly/seeds")
    use_quick_compression(monkeypatch.setattr)
    lock_set = folder.read(project.folder / "locks/0.1.0")
    images = build(lock_set, BuildOptions(load=False, no_cache=True), silent)
    assert [f"{image.tag}  {image.digest}" for image in images] == project.digests


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


def silent(_title: str) -> Report:
    return lambda _line: None


@pytest.mark.usefixtures("project")
def test_python_packages_work_on_the_base() -> None:
    script = "python -c 'import attrs, sys; print(sys.version_info[:2])'"
    assert run_inside(script, stage="debian-base") == ["(3, 13)"]


@pytest.mark.usefixtures("project")
def test_pip_and_virtual_environments_work_as_documented() -> None:
    script = """\
python -m venv --without-pip /tmp/plain
/tmp/plain/bin/python -c 'print("plain")'
python -m venv /tmp/with-pip 2>&1 | grep -o 'apt install python3.*-venv'
pip uninstall --quiet --yes attrs
python -c 'import attrs' 2>&1 | tail -n 1
"""
    image = "orbiter-test/base:debian-base-0.1.0"
    command = ["docker", "run", "--rm", image, "bash", "-c", script]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines() == [
        "plain",
        "apt install python3.13-venv",
        "ModuleNotFoundError: No module named 'attrs'",
    ]


def start_without_network(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run orbiter without a network and without an engine."""
    env = {
        **os.environ,
        "ORBITER_CACHE_DIR": str(project.cache),
        "DOCKER_HOST": "tcp://127.0.0.1:9",
    }
    command = ["unshare", "--net", sys.executable, QUICK_ORBITER, *arguments]
    return subprocess.run(
        command, cwd=project.folder, env=env, capture_output=True, text=True, check=False
    )


def test_locking_again_changes_nothing_and_needs_no_network(project: Project) -> None:
    process = start_without_network(project, "lock")
    assert "is up to date" in process.stdout, process.stderr


def test_an_unchanged_release_is_built_without_network_and_engine(project: Project) -> None:
    process = start_without_network(project, "build", "-q", "--output", "kept")
    assert process.stdout.splitlines() == project.digests, process.stderr
    archives = {path.name for path in (project.folder / "kept").iterdir()}
    assert archives == {"debian-base-0.1.0.tar", "debian-core-0.1.0.tar"}


def test_a_modified_package_is_rejected_by_name(project: Project) -> None:
    artifacts = project.folder / "locks/0.1.0/build/debian/artifacts-linux-amd64.txt"
    lines = artifacts.read_text().splitlines()
    digest, _, path, _ = next(line for line in lines if "/dash_" in line).split(" ")
    stored = project.cache / "store" / "sha256" / digest[7:9] / digest[7:]
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.unlink()  # other hard links of it may be in use
    stored.write_bytes(content)
    # Otherwise the build finds its result, and reads no packages.
    shutil.rmtree(project.cache / "assembly/images")
    process = project.start("build", "-q")
    assert process.returncode == 2
    name = path.removeprefix("apt/")
    assert f"{name} was changed in the store: expected {digest}" in process.stderr
    # The file was moved away, so it is fetched again.
    assert project.run("build", "-q").splitlines() == project.digests


def test_a_modified_dockerfile_is_rejected_by_name(project: Project) -> None:
    dockerfile = project.folder / "locks/0.1.0/build/debian/Dockerfile"
    text = dockerfile.read_text()
    dockerfile.write_text(text.replace("network=none", "network=host"))
    try:
        process = project.start("build", "-q")
    finally:
        dockerfile.write_text(text)
    assert process.returncode == 2
    assert f"{dockerfile.relative_to(project.folder)}: lockset.toml lists sha256:" in process.stderr
