"""``orbiter lock`` for conda packages from a channel in a folder, without a Docker engine."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from orbiter.render.lists import without_address
from tests.support.conda_packages import package
from tests.support.conda_world import channel, record
from tests.support.loopback import Answer, serving

IMAGES = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]

[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"
{builder}

[image.micromamba.base]
[image.micromamba.base.build]
conda = ["python", "tool>=1"]

[image.micromamba.geo]
[image.micromamba.geo.build]
from = "base-build"
conda = [{geo}]
"""
PYTHONS = [
    record("python", "3.12.4", "__glibc >=2.17", subdir=subdir)
    for subdir in ("linux-64", "linux-aarch64")
]
RECORDS = [
    *PYTHONS,
    record("tool", "1.0", "python"),
    record("map", "2.0", "tool >=1"),
    record("gpu", "1", "__cuda >=12"),
]


def orbiter(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    env = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def write(folder: Path, *records: dict[str, Any], builder: str = "", geo: str = '"map"') -> None:
    address = channel(folder / "channel", *records)
    (folder / "images.toml").write_text(IMAGES.format(channel=address, builder=builder, geo=geo))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in (folder / "locks").rglob("*") if path.is_file()
    }


def lock(folder: Path, *words: str) -> str:
    result = orbiter(folder, "lock", "--only", "conda", *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "locks/0.1.0/lockset.toml").read_text())


def test_one_host_locks_both_platforms_and_again_to_the_same_bytes(
    tmp_path: Path,
) -> None:
    write(tmp_path, *RECORDS)
    assert "3 packages: 3 added" in lock(tmp_path)
    builder = manifest(tmp_path)["builders"]["micromamba"]
    assert builder["python"] == "3.12.4"
    text = (tmp_path / "locks/0.1.0/micromamba/conda-lock.yml").read_text()
    assert text.count("name: python\n") == 4  # two platforms, two stages
    assert "rattler" in manifest(tmp_path)["tools"]
    before = contents(tmp_path)
    assert "up to date" in lock(tmp_path)
    assert contents(tmp_path) == before


def test_a_partial_lock_set_is_reported(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS)
    lock(tmp_path)
    assert not (tmp_path / "locks/0.1.0/build").exists()
    checked = orbiter(tmp_path, "lock", "--check")
    assert checked.returncode == 1
    assert "builder micromamba: base image is not locked" in checked.stdout
    assert "conda is not locked" not in checked.stdout
    refused = orbiter(tmp_path, "build")
    assert refused.returncode == 2
    assert "is partial" in refused.stderr


@pytest.mark.parametrize(
    ("builder", "geo", "message"),
    [
        ("", '"map", "gpu"', "image.micromamba.geo.build.conda: gpu added"),
        ('virtual = { cuda = "12.4" }', '"map"', "builder.micromamba.virtual.cuda: (none) -> 12.4"),
        (
            'channel-priority = "disabled"',
            '"map"',
            "builder.micromamba.channel-priority: strict -> disabled",
        ),
    ],
)
def test_changed_conda_settings_make_the_lock_set_stale(
    tmp_path: Path, builder: str, geo: str, message: str
) -> None:
    write(tmp_path, *RECORDS)
    lock(tmp_path)
    write(tmp_path, *RECORDS, builder=builder, geo=geo)
    checked = orbiter(tmp_path, "lock", "--check")
    assert checked.returncode == 1
    assert message in checked.stdout


def test_a_gpu_package_needs_a_virtual_package(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS, geo='"gpu"')
    refused = orbiter(tmp_path, "lock", "--only", "conda")
    assert refused.returncode == 2
    assert "'gpu' is required by 'micromamba-geo-build'" in refused.stderr
    assert not (tmp_path / "locks").exists()
    write(tmp_path, *RECORDS, geo='"gpu"', builder='virtual = { cuda = "12.4" }')
    lock(tmp_path)
    virtual = (tmp_path / "locks/0.1.0/micromamba/virtual-packages.yml").read_text()
    assert "__cuda: '12.4'" in virtual


def test_a_different_python_than_configured_names_conda(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS, builder='python = "3.13"')
    refused = orbiter(tmp_path, "lock", "--only", "conda")
    assert refused.returncode == 2
    assert "builder.micromamba.python is 3.13, but conda locked Python 3.12.4" in refused.stderr


def test_different_pythons_on_the_platforms_are_refused(tmp_path: Path) -> None:
    write(tmp_path, PYTHONS[0], record("python", "3.12.5", subdir="linux-aarch64"), *RECORDS[2:])
    refused = orbiter(tmp_path, "lock", "--only", "conda")
    assert refused.returncode == 2
    assert "conda locked different Pythons for the platforms: 3.12.4, 3.12.5" in refused.stderr


def test_a_platform_without_a_channel_is_named(tmp_path: Path) -> None:
    write(tmp_path, *(entry for entry in RECORDS if entry["subdir"] != "linux-aarch64"))
    refused = orbiter(tmp_path, "lock", "--only", "conda")
    assert refused.returncode == 2
    assert "no channel has packages for linux-aarch64" in refused.stderr
    assert "remove linux/arm64 from platforms" in refused.stderr


def test_pip_needs_the_conda_lock_first(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS, builder='python = "3.12"')
    text = (tmp_path / "images.toml").read_text()
    (tmp_path / "images.toml").write_text(
        text.replace("[image.micromamba.geo]", 'pip = ["six"]\n[image.micromamba.geo]')
    )
    refused = orbiter(tmp_path, "lock", "--only", "pip")
    assert refused.returncode == 2
    assert "orbiter lock --only conda,pip" in refused.stderr
    assert not (tmp_path / "locks").exists()


def test_pip_in_a_stage_without_the_python_of_conda_is_refused(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS)
    text = (tmp_path / "images.toml").read_text()
    other = '[image.micromamba.other]\n[image.micromamba.other.build]\npip = ["six"]\n'
    (tmp_path / "images.toml").write_text(f"{text}\n{other}")
    refused = orbiter(tmp_path, "lock", "--only", "conda,pip")
    assert refused.returncode == 2
    assert "micromamba-other-build has pip packages, but not the Python of conda" in refused.stderr
    assert not (tmp_path / "locks").exists()


def test_an_upgrade_changes_one_package_and_diff_locks_reports_it(tmp_path: Path) -> None:
    write(tmp_path, *RECORDS)
    lock(tmp_path)
    write(tmp_path, *RECORDS, record("tool", "1.1", "python"), record("map", "2.1", "tool >=1"))
    text = (tmp_path / "images.toml").read_text()
    (tmp_path / "images.toml").write_text(text.replace('version = "0.1.0"', 'version = "0.2.0"'))
    assert "release 0.2.0 (from 0.1.0" in lock(tmp_path)
    assert "↑ tool 1.0 → 1.1" in lock(tmp_path, "--upgrade-package", "tool")
    report = orbiter(tmp_path, "diff-locks", "0.1.0", "0.2.0").stdout
    assert "tool" in report
    assert "1.0 → 1.1" in report
    assert "map" not in report


def test_another_address_of_a_package_makes_the_lock_set_stale_and_appears_in_the_diff(
    tmp_path: Path,
) -> None:
    direct = package("direct", "1.0", {"share/direct": "1\n"}, "tool")
    changed = package("direct", "1.0", {"share/direct": "2\n"}, "tool")
    with serving() as server:
        for folder, content in (("a", direct.content), ("b", changed.content)):
            server.replies[f"/{folder}/{direct.file}"] = Answer(200, content)
        urls = {folder: f"{server.url}/{folder}/{direct.file}" for folder in ("a", "b")}

        def write_address(folder: str, version: str) -> None:
            write(tmp_path, *RECORDS, geo=f'"{urls[folder]}"')
            file = tmp_path / "images.toml"
            text = file.read_text().replace(', "linux/arm64"]', "]")
            file.write_text(text.replace("0.1.0", version, 1))

        write_address("a", "0.1.0")
        lock(tmp_path)
        before = contents(tmp_path)
        lock(tmp_path)
        assert contents(tmp_path) == before
        write_address("b", "0.1.0")
        stale = orbiter(tmp_path, "lock", "--check")
        assert stale.returncode == 1
        change = f"image.micromamba.geo.build.conda: {urls['a']} -> {urls['b']}"
        assert change in stale.stdout + stale.stderr
        write_address("b", "0.2.0")
        lock(tmp_path)
    done = orbiter(tmp_path, "diff-locks", "locks/0.1.0", "locks/0.2.0", "--format", "json")
    (change_of_direct,) = json.loads(done.stdout)["changes"]
    assert change_of_direct["name"] == "direct"
    assert hashlib.sha256(changed.content).hexdigest() in done.stdout or urls["b"] in done.stdout


def test_an_image_names_a_package_at_an_address_in_its_records() -> None:
    requested = ["tool>=1", "https://host.example/noarch/direct-1.0-0.conda#" + "a" * 32]
    assert list(map(without_address, requested)) == ["tool>=1", "direct"]
