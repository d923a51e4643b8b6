"""The step that places downloads, in a container of Alpine, whose tar is that of busybox.

tests/engine/test_files.py builds images of Debian with it. Here the script of the rendered step
runs without a build, because no image of Alpine is built for downloads alone.
"""

import hashlib
import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from orbiter.build.archives import write_archives
from orbiter.config.image_set import Builder, Download, DownloadedFile, ImageSet, Stage
from orbiter.lockset.downloads import LockedDownload
from orbiter.render.dockerfile import render
from orbiter.render.downloads import placed_downloads
from orbiter.render.model import Plan, StagePlan

pytestmark = [pytest.mark.engine]
PLATFORM = "linux/amd64"
PROGRAM = b"#!/bin/sh\necho program\n"
LONG = "long-" * 40


def archive() -> bytes:
    """Return an archive with links, long names, an empty folder, and one that the image links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name in ("app/bin/run", f"app/{LONG}/{LONG}", "app/link/inside"):
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(PROGRAM), 0o755
            tar.addfile(file, io.BytesIO(PROGRAM))
        for name, kind, target in (
            ("app/bin/other", tarfile.SYMTYPE, "../bin/run"),
            ("app/hard", tarfile.LNKTYPE, "app/bin/run"),
            ("app/empty", tarfile.DIRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    return buffer.getvalue()


def step(place: Path, builder: str, base: str) -> str:
    """Write the files that the step of a builder mounts, and return its script."""
    contents = {"https://e.org/run": PROGRAM, "https://e.org/app": archive()}
    targets = {"/usr/local/bin/a run": "run", "/opt/app": "app", "/opt/env/app": "app"}
    downloads = tuple(
        Download(
            platforms={PLATFORM: DownloadedFile(url=f"https://e.org/{name}", target=target)},
            mode="0755",
            unpack=name == "app",
            strip=int(name == "app"),
        )
        for target, name in targets.items()
    )
    locked = {
        url: LockedDownload(
            url=url,
            platforms=(PLATFORM,),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
        )
        for url, content in contents.items()
    }
    stage = Stage(name="core", builder=builder, image="core", kind="final", downloads=downloads)
    image_set = ImageSet(
        version="0.1.0",
        repository="orbiter-test/downloads",
        platforms=(PLATFORM,),
        builders={builder: Builder(name=builder, base=base)},
        stages=(stage,),
    )
    placed = placed_downloads(stage, (PLATFORM,), locked)
    plan = Plan(
        image_set=image_set,
        release="0.1.0",
        epoch=0,
        bases={base: {PLATFORM: f"sha256:{0:064x}"}},
        stages=(StagePlan(stage=stage, pins={PLATFORM: {}}, downloads=placed),),
    )
    folder = place / "core/downloads/linux-amd64"
    folder.mkdir(parents=True)
    for url, content in contents.items():
        (folder / locked[url].sha256).write_bytes(content)
    write_archives(plan, (), place)
    files = render(plan)
    (place / "list").write_text(files["core/downloads-linux-amd64.txt"])
    found = re.search(r"<<'DOWNLOADS'\n(.*?)\nDOWNLOADS\n", files["core/Dockerfile"], re.DOTALL)
    assert found
    return found[1]


BASES = {"alpine": "alpine:3.23", "debian": "debian:trixie-slim"}
BEFORE = "mkdir -p /opt/app /opt/elsewhere\nln -s ../elsewhere /opt/app/link\n"
SHOW = r"""
cd /
find opt/app opt/env/app usr/local/bin ! -type l -exec stat -c '%a %u:%g %n' {} + | sort -k 3
readlink /opt/app/bin/other
/opt/app/bin/other
cat /opt/elsewhere/inside
"""


def test_busybox_unpacks_the_same_files_as_gnu_tar(tmp_path: Path) -> None:
    outputs = []
    for builder, base in BASES.items():
        script = BEFORE + step(tmp_path / builder, builder, base) + SHOW
        outputs.append(run(tmp_path / builder, base, script))
    assert outputs[0] == outputs[1]
    rows = outputs[0].splitlines()
    for row in (
        "755 0:0 opt/app/bin/run",
        "755 0:0 opt/app/empty",
        f"755 0:0 opt/app/{LONG}/{LONG}",
        "755 0:0 opt/app/hard",
        "755 1000:100 opt/env/app",
        "755 1000:100 opt/env/app/bin/run",
        "755 1000:100 opt/env/app/empty",
        "755 0:0 usr/local/bin/a run",
        "program",
    ):
        assert row in rows
    # The archive's folder is a link of the image, which stays.
    assert rows[-2:] == PROGRAM.decode().splitlines()


def run(place: Path, image: str, script: str) -> str:
    command = ["docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp"]
    command += ["-v", f"{place}/list:/lock/downloads-linux-amd64.txt:ro"]
    command += ["-v", f"{place}/core/downloads/linux-amd64:/artifacts/downloads:ro"]
    command += [image, "sh", "-s"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
