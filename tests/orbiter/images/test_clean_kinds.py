"""``orbiter clean`` of chosen kinds on a real engine: what other people made survives."""

import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.docker import local_images
from orbiter.docker.build_cache import CacheRecord, list_records, remove_records
from orbiter.images import clean
from orbiter.images.own_cache import own_records
from tests.support.json_output import read_document
from tests.support.tiny_images import Project, project

pytestmark = pytest.mark.engine
ROOT = "sha256:" + "0" * 64
BASE = "alpine:3.23"
COMMAND = "set -eu\ncp /lock/a /copied-MARK"
OWN = f"""\
FROM {BASE} AS debian-core
COPY a \\
    /a-MARK
RUN --mount=type=bind,source=a,target=/lock/a \\
    <<'COPY'
{COMMAND}
COPY
RUN <<'POSTBUILD'
echo mine > /own-MARK
POSTBUILD
"""
FOREIGN = f"""\
FROM {BASE} AS theirs
COPY a /a-MARK
RUN --mount=type=bind,source=a,target=/lock/a cp /lock/a /theirs-MARK
FROM {BASE} AS debian-core
COPY a /b-MARK
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


def build(folder: Path, dockerfile: str) -> None:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "a").write_text(folder.name)
    for target in (line.split()[-1] for line in dockerfile.splitlines() if " AS " in line):
        command = ["docker", "buildx", "build", "--quiet", "--target", target]
        output = ["--output", f"type=local,dest={folder / target}", str(folder)]
        subprocess.run([*command, *output], check=True, capture_output=True)


def marked(mark: str) -> set[str]:
    return {each.description for each in list_records() if mark in each.description}


def test_only_records_that_a_lock_set_explains_are_removed(here: Project) -> None:
    mark = uuid.uuid4().hex
    own, foreign = OWN.replace("MARK", mark), FOREIGN.replace("MARK", mark)
    here.write_lock_set("0.1.0", {"build/debian-core/Dockerfile": own})
    build(here.folder / "own", own.partition("RUN <<")[0])
    build(here.folder / "foreign", foreign)
    before = marked(mark)
    command = "mount / from exec /bin/sh -c " + COMMAND.replace("MARK", mark) + "\n"
    mine = {f"[debian-core 2/3] COPY a     /a-{mark}", command}
    listed = here.orbiter("clean", "--build-cache", "--dry-run")
    assert listed.stdout.startswith("cache       debian-core (2 records)"), (listed, before)
    assert "records of the build cache" in listed.stderr
    assert marked(mark) == before

    done = here.orbiter("clean", "--build-cache", "--yes", "--format", "json")
    document = read_document("clean", done.stdout)
    assert document["removed"]
    assert document["cache_freed"] > 0
    assert marked(mark) == before - mine
    assert len(before - mine) == 3
    remove_records([each.id for each in list_records() if mark in each.description])
    again = here.orbiter("clean", "--build-cache")
    assert again.stdout == "nothing to remove\n", again.stderr


def test_own_commands_of_people_are_not_recognised(here: Project) -> None:
    made = here.write_lock_set("0.1.0", {"build/debian-core/Dockerfile": OWN})
    texts = {
        f"mount / from exec /bin/sh -c {COMMAND}\n": "debian-core",
        f"cached mount /opt/wheels from exec /bin/sh -c {COMMAND}\n": "debian-core",
        "[linux/arm64 debian-core 2/3] COPY a /a-MARK": "debian-core",
        "mount / from exec /bin/sh -c echo mine > /own-MARK\n": "",
        "mount / from exec /bin/sh -c cp /lock/a /copied-MARK": "",
        "[debian-base 2/3] COPY a /a-MARK": "",
        "[debian-core 2/3] COPY a /a-MAR": "",
        "[debian-core 2/3] COPY a": "",
        "[2/3] COPY a /a-MARK": "",
        "local source for artifacts": "",
        "": "",
    }
    records = [
        CacheRecord(id=str(number), type="regular", description=text)
        for number, text in enumerate(texts)
    ]
    found = {record.description: stage for stage, record in own_records(records, [made])}
    assert found == {text: stage for text, stage in texts.items() if stage}
    in_use = CacheRecord(id="1", type="regular", description=next(iter(texts)), in_use=True)
    assert list(own_records([in_use], [made])) == []


def load(tag: str, created_by: str) -> str:
    """Load an image with the label of Orbiter and this end of its history; return its id."""
    layer = _tar({"file": created_by.encode() + uuid.uuid4().bytes})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"org.orbiter.lockset": ROOT}, "Cmd": ["/file"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}"]},
        "history": [{"created_by": created_by}],
    }
    content = json.dumps(config).encode()
    name = f"{_sha256(content)}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]
    files = {name: content, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    subprocess.run(["docker", "load"], input=_tar(files), check=True, capture_output=True)
    image = local_images.find_image(tag)
    assert image
    assert image.id
    return image.id


def _sha256(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def _tar(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def untag(tag: str) -> str:
    """Remove the tag of an image that a container uses, so that the engine keeps the image."""
    create = ["docker", "create", tag]
    made = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["docker", "image", "rm", "-f", tag], check=True, capture_output=True)
    return made


def test_only_own_images_without_a_tag_are_removed(here: Project) -> None:
    tag = f"{here.repository}:debian-core-0.1.0"
    images, containers = {}, {}
    for name, step in (
        ("own", "orbiter: system packages"),
        ("derived", "COPY mine / # buildkit"),
        ("used", "orbiter: own files"),
    ):
        images[name] = load(tag, step)
        containers[name] = untag(tag)
    images["tagged"] = load(tag, "orbiter: packages")
    try:
        for name in ("own", "derived"):
            subprocess.run(
                ["docker", "rm", containers[name]], check=True, stdout=subprocess.DEVNULL
            )
        listed = here.orbiter("clean", "--dangling", "--dry-run").stdout
        shown = [name for name, each in images.items() if each.partition(":")[2][:12] in listed]
        assert shown == ["own"]
        assert here.orbiter("clean", "--dangling", "--yes").returncode == 0
        left = [name for name, each in images.items() if local_images.find_image(each)]
        assert left == ["derived", "used", "tagged"]
    finally:
        remove = ["docker", "rm", containers["used"]]
        subprocess.run(remove, check=True, stdout=subprocess.DEVNULL)
        for name in ("derived", "used"):
            subprocess.run(["docker", "image", "rm", images[name]], check=True, capture_output=True)


def test_leftovers_that_another_program_removes_meanwhile_are_not_errors(here: Project) -> None:
    tag = f"{here.repository}:missing"
    leftovers = [
        clean.Leftover(kind="container", name=tag.partition("/")[2].replace(":", "-"), size=0),
        clean.Leftover(kind="image", name=tag, size=0),
        clean.Leftover(kind="untagged", name=ROOT, size=0),
    ]
    assert clean.remove(leftovers) == 0
    assert local_images.last_step(ROOT) == ""


def test_kinds_exclude_a_choice_of_images(here: Project) -> None:
    done = here.orbiter("clean", "--containers", "--stale")
    assert done.returncode == 2
    assert "cannot be combined" in done.stderr
