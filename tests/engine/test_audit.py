"""Audits of real images of each builder: nothing is found in them, and every change to them is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orbiter.images.audits import AuditedStage, count_findings
from orbiter.lockset import folder
from tests.support import tampering
from tests.support.alpine_world import REPOSITORIES, base_image
from tests.support.layouts import unpack
from tests.support.paths import QUICK_ORBITER

pytestmark = [
    pytest.mark.engine,
    pytest.mark.index,
    pytest.mark.skipif(
        not {"ORBITER_WORLD_APK_1", "ORBITER_WORLD_CONDA_1"} <= os.environ.keys(),
        reason="needs the channel and the package repositories of the test world",
    ),
]

HEAD = """
version = "0.1.0"
repository = "orbiter-test/audit"
"""
DEBIAN = """
[builder.debian]
from = { debian = "trixie" }
python = "3.13"
[image.debian.core]
apt = ["ca-certificates", "nodejs", "python3", "shared-mime-info", "sudo"]
[image.debian.base]
from = "core"
trim = ["debug-symbols", "docs", "duplicates", "tests"]
[image.debian.base.build]
from = "core"
apt = ["binutils"]
pip = ["attrs", "jsonpointer", "markupsafe", "pip"]
npm = ["semver"]
"""
MICROMAMBA = """
[builder.micromamba]
from = { debian = "trixie" }
channels = ["CHANNEL"]
installer = "rattler"
[image.micromamba.core]
apt = ["python3"]
[image.micromamba.base]
from = "core"
trim = ["debug-symbols"]
[image.micromamba.base.build]
from = "core"
apt = ["binutils"]
conda = ["jupyter_core", "numpy", "python=3.12"]
pip = ["cowsay"]
"""
ALPINE = """
[builder.alpine]
from = "BASE"
python = "3.13"
pip-engine = "uv"
[image.alpine.core]
apk = ["bash", "ca-certificates", "python3", "sudo"]
[image.alpine.base]
from = "core"
apk = ["orbit-hello>=1.0"]
[image.alpine.base.build]
from = "core"
pip = ["attrs", "markupsafe", "pip"]
"""
SITE = re.compile(r"opt/env/lib/python3\.\d+/site-packages")
PROGRAMS = {
    "debian": "opt/env/bin/pip",
    "micromamba": "opt/env/bin/jupyter",
    "alpine": "opt/env/bin/pip",
}
SETUID = {"debian": "usr/bin/tail", "micromamba": "usr/bin/tail", "alpine": "bin/bash"}


class Built:
    """A project with the image ``base`` of one builder, as an archive."""

    def __init__(self, folder: Path, builder: str, images: str, cache: Path) -> None:
        self.folder, self.builder, self.cache = folder, builder, cache
        folder.mkdir()
        (folder / "images.toml").write_text(HEAD + images)
        for words in (("lock", "-q"), ("build", "-q", "--no-load", "--output", "out")):
            done = self.run(*words)
            assert done.returncode == 0, done.stderr
        self.archive = folder / f"out/{builder}-base-0.1.0.tar"

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, QUICK_ORBITER, *words]
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module", params=["debian", "micromamba", "alpine"])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    root = tmp_path_factory.mktemp("audit")
    with ExitStack() as stack:
        images = {"debian": DEBIAN, "micromamba": MICROMAMBA, "alpine": ALPINE}[request.param]
        if request.param == "alpine":
            images = images.replace("BASE", stack.enter_context(base_image(*REPOSITORIES)))
        images = images.replace("CHANNEL", os.environ["ORBITER_WORLD_CONDA_1"])
        yield Built(root / "project", request.param, images, root / "cache")


def test_nothing_is_found_in_an_untouched_image(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = built.run("audit", str(built.archive), "-q")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "everything in the image is accounted for" in done.stdout
    # orbiter status finds the result by the digests of the image.
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(built.cache))
    lock_set = folder.read(built.folder / "locks" / "0.1.0")
    stage = AuditedStage(root=lock_set.root, name=f"{built.builder}-base")
    manifest = re.search(r"manifest (sha256:[0-9a-f]+)", done.stdout)
    assert manifest
    assert count_findings((manifest[1],), stage) == 0


def test_every_change_to_an_image_is_found(built: Built, tmp_path: Path) -> None:
    unpack(built.archive, tmp_path / "layout")
    known = tampering.paths(tmp_path / "layout")

    def first(matches: Callable[[str], bool]) -> str:
        found = (path for path in sorted(known) if known[path].isreg() and known[path].size > 100)
        return next(path for path in found if matches(path))

    site = next(path for path in known if SITE.fullmatch(path))
    modules = sorted(
        path
        for path in known
        if path.startswith(f"{site}/") and path.endswith(".py") and known[path].size > 100
    )
    link = next(
        path for path in sorted(known) if known[path].issym() and path.startswith("usr/lib/")
    )
    edits: dict[str, tampering.Edit] = {
        modules[0]: tampering.flipped,
        modules[1]: tampering.removed,
        modules[2]: tampering.with_mode(0o666),
        first(lambda path: path.startswith(site) and ".so" in path): tampering.flipped,
        PROGRAMS[built.builder]: tampering.flipped,
        "etc/passwd": tampering.flipped,
        SETUID[built.builder]: tampering.with_mode(0o4755),
        link: tampering.linked_to("elsewhere"),
    }
    # The packages of the test world's Alpine have no byte-code.
    if built.builder != "alpine":
        edits[first(lambda path: path.endswith(".pyc"))] = tampering.last_byte
    added = {"opt/added": b"added"}
    folder = tampering.tamper(tmp_path / "layout", edits, added, ["/bin/other"])
    done = built.run("audit", str(folder), "-q", "--format", "json")
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    files = {each["path"]: each["verdict"] for each in findings if each["kind"] == "file"}
    expected = dict.fromkeys(edits, "changed") | {modules[1]: "missing", "opt/added": "unknown"}
    assert files == expected
    others = {(each["kind"], each["path"]) for each in findings if each["kind"] != "file"}
    assert ("configuration", "Entrypoint") in others
    assert [kind for kind, _ in others].count("layer") == 1
