"""``orbiter shell`` in a real image."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.docker import client, local_images
from orbiter.oci import base_image
from tests.support.tiny_images import AMD64, Project, on_terminal, project

pytestmark = pytest.mark.engine
BASE = "debian:trixie-slim"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        bake = {
            "group": {"default": {"targets": ["debian-core"]}},
            "target": {
                "debian-core": {"tags": [f"{made.repository}:debian-core-0.1.0"]},
                "debian_seed": {},
            },
        }
        made.write_lock_set("0.1.0", {"build/docker-bake.json": json.dumps(bake)})
        yield made


def build(here: Project, root: str) -> str:
    tag = f"{here.repository}:debian-core-0.1.0"
    digest = base_image.pin(BASE, AMD64, mirrors=client.mirrors()).digest
    base = local_images.pull_image(BASE, digest, AMD64)
    text = f"FROM {base}\nUSER 1000\nWORKDIR /srv\nLABEL org.orbiter.lockset={root}\n"
    command = ["docker", "buildx", "build", "--quiet", "--load", "--tag", tag, "-"]
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    return tag


def containers(tag: str) -> str:
    command = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={tag}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_it_runs_standard_input_and_exits_with_its_code(here: Project) -> None:
    tag = build(here, here.write_lock_set("0.1.0", bake_of(here)).root)
    done = here.orbiter(
        "shell", "debian-core", stdin="id -u; pwd; echo error >&2; echo $BASH; exit 3\n"
    )
    assert (done.returncode, done.stdout) == (3, "1000\n/srv\n/usr/bin/bash\n")
    assert "error" in done.stderr
    assert containers(tag) == ""


def bake_of(here: Project) -> dict[str, str]:
    return {
        "build/docker-bake.json": (here.folder / "locks/0.1.0/build/docker-bake.json").read_text()
    }


def test_on_a_terminal_it_is_interactive(here: Project) -> None:
    tag = build(here, here.write_lock_set("0.1.0", bake_of(here)).root)
    command = here.command("shell", "debian-core", "--release", "0.1.0")
    code, seen = on_terminal(command, here.folder, "tty; echo $-; exit 4\n")
    assert code == 4
    assert "/dev/pts/0" in seen
    assert "himBHs" in seen
    assert containers(tag) == ""


def test_it_rejects_the_same_images_as_run(here: Project) -> None:
    done = here.orbiter("shell", "debian-core")
    assert done.returncode == 2
    assert "is not built" in done.stderr
    assert "hint: orbiter build --image debian-core --release 0.1.0" in done.stderr
    build(here, "sha256:" + "0" * 64)
    assert (
        "was built from another lock set than locks/0.1.0"
        in here.orbiter("shell", "debian-core").stderr
    )
    done = here.orbiter("shell", "debian_seed")
    assert (done.returncode, done.stderr) == (
        2,
        "error: release 0.1.0 has no image or stage 'debian_seed'\n\n"
        "hint: did you mean 'debian-core'?\n",
    )
