"""The command sbom: arguments, output and exit codes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from orbiter.cli.sbom import SBOM_FORMATS
from orbiter.sbom.formats import FORMATS
from tests.support.lock_sets import PROJECT
from tests.support.paths import ROOT


def orbiter(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", "sbom", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_a_release_without_a_network_or_an_engine(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "locks" / "0.2.0", tmp_path / "locks" / "0.2.0")
    done = orbiter(tmp_path, "--release", "0.2.0", "--image", "base")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["specVersion"] == "1.6"
    assert document["metadata"]["component"]["name"] == "debian-base"
    written = orbiter(tmp_path, "--release", "0.2.0", "--image", "base", "--output", "bill.json")
    assert written.stdout == ""
    assert (tmp_path / "bill.json").read_text() == done.stdout


def test_the_content_of_a_base_image_is_not_listed(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    done = orbiter(tmp_path, "--format", "spdx-2.3")
    assert done.returncode == 0
    assert json.loads(done.stdout)["spdxVersion"] == "SPDX-2.3"
    assert "warning: the SBOM does not list everything in base/debian:trixie-slim" in done.stderr


def test_errors_write_nothing(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    unknown = orbiter(tmp_path, "--image", "bsae", "-o", "bill.json")
    assert unknown.returncode == 2
    assert "error: release 0.1.0 has no image or stage 'bsae'" in unknown.stderr
    assert not (tmp_path / "bill.json").exists()


def test_the_option_has_all_formats() -> None:
    assert (*FORMATS,) == SBOM_FORMATS


def test_a_store_without_the_packages_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    done = orbiter(tmp_path, "--from-store", ORBITER_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 2
    assert "packages are not in the store, such as" in done.stderr
    assert "hint: run orbiter fetch --release 0.1.0" in done.stderr
