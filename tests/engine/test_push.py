"""``orbiter push`` and ``orbiter build --push`` to a real registry."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.docker import client, local_images
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.model import Manifest
from orbiter.oci import base_image
from orbiter.oci.registry import repositories
from orbiter.oci.upload import tag_digest
from tests.support.lock_sets import rendered
from tests.support.loopback import Answer, Request
from tests.support.push_registry import registry as push_registry
from tests.support.tiny_images import AMD64, Project, project

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
BASE = "debian:trixie-slim"
STAGES = ("debian-base", "debian-core")
NO_ENGINE = "tcp://127.0.0.1:9"
SECONDS = 300


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _shared_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetch the base image once; each test has its own repository, and so its own images."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(cache))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path, f"{REGISTRY}/") as made:
        lay(made, "first")
        yield made


def lay(here: Project, content: str) -> None:
    """Write a lock set with two stages on a base image, which write a text."""
    stages = tuple(
        Stage(
            name=name,
            builder="debian",
            image=name.removeprefix("debian-"),
            kind="final",
            postbuild=(f"echo {content} > /content",),
        )
        for name in STAGES
    )
    image_set = ImageSet(
        version="0.1.0",
        repository=here.repository,
        platforms=(AMD64,),
        builders={"debian": Builder(name="debian", base=BASE)},
        stages=stages,
    )
    digest = base_image.pin(BASE, AMD64, mirrors=client.mirrors()).digest
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1,
        bases={BASE: {AMD64: digest}},
    )
    locked = rendered(manifest, {"images.toml": snapshot.dump(image_set)})
    lockset_folder.write(locked, here.folder / "locks/0.1.0")


def pushed_images(stdout: str) -> dict[str, list[str]]:
    """Return the digest and the last words of each stage."""
    found = re.findall(r"^\S+:(\S+)-0\.1\.0  (sha256:\S+)(?:  (.+))?$", stdout, re.MULTILINE)
    return {stage: [digest, word] for stage, digest, word in found}


def in_registry(here: Project) -> dict[str, str]:
    """Return the digests that the tags name, empty for a missing tag."""
    (repository,) = repositories(here.repository)
    return {stage: tag_digest(repository, f"{stage}-0.1.0") for stage in STAGES}


def test_an_image_in_the_registry_is_not_pushed_again(here: Project) -> None:
    done = here.orbiter("push", "-q", "--image", "debian-core")
    assert done.returncode == 0, done.stderr
    ((digest, word),) = pushed_images(done.stdout).values()
    assert word == "pushed"
    assert in_registry(here) == {"debian-base": "", "debian-core": digest}
    done = here.orbiter("push", "-q", "--release", "0.1.0")
    words = pushed_images(done.stdout)
    assert words["debian-core"] == [digest, "already there"]
    assert words["debian-base"][1] == "pushed"
    assert in_registry(here) == {stage: words[stage][0] for stage in STAGES}


def test_a_push_after_a_build_needs_no_engine(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = here.orbiter("build", "-q", "--no-load")
    built = dict(re.findall(r"^\S+:(\S+)-0\.1\.0  (sha256:\S+)$", done.stdout, re.MULTILINE))
    assert set(built) == set(STAGES), done.stderr
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", NO_ENGINE)
        assert here.orbiter("push", "-q").returncode == 0
        assert in_registry(here) == built
        assert here.orbiter("build", "-q").returncode == 2, "loading needs an engine"
    for stage in STAGES:
        subprocess.run(
            ["docker", "pull", "--quiet", f"{here.repository}:{stage}-0.1.0"],
            check=True,
            capture_output=True,
        )


def test_tests_of_images_must_pass_before_a_push(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = here.folder / "images.toml"
    text = images.read_text()
    images.write_text(f'{text}verify = ["test -e /content", "cat /absent; exit 5"]\n')
    for words in (("push", "-q"), ("build", "-q", "--push", "--no-load")):
        done = here.orbiter(*words)
        assert done.returncode == 1, done.stderr
        assert "  FAIL" in done.stdout
        assert "exit code 5\n      | cat: /absent: No such file or directory\n" in done.stdout
        assert "tests of debian-core failed: nothing was " in done.stderr
    assert in_registry(here) == dict.fromkeys(STAGES, "")
    assert here.tags() == [], "the image of the tests is removed"
    images.write_text(f'{text}verify = ["grep first /content"]\n')
    assert here.orbiter("build", "-q").returncode == 0
    assert here.orbiter("test", "-q").returncode == 0
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", NO_ENGINE)
        done = here.orbiter("push", "-q")
        assert done.returncode == 0, "the recorded pass counts, without an engine" + done.stderr
        assert all(in_registry(here).values())


def test_a_killed_push_is_continued(tmp_path: Path) -> None:
    words = ("push", "-q", "--image", "debian-core")
    uploads, is_waiting, is_killed = count(), Event(), Event()

    def hold(request: Request) -> Answer | None:
        """Let the first blob pass, and hold the others until the push is killed."""
        if request.method != "PUT" or not next(uploads):
            return None
        is_waiting.set()
        is_killed.wait(SECONDS)
        return Answer(503)  # nobody receives it

    with push_registry() as target, project(tmp_path, f"{target.server.host}/") as here:
        lay(here, "first")
        target.fault = hold
        with subprocess.Popen(here.command(*words), cwd=here.folder) as process:
            assert is_waiting.wait(SECONDS)
            deadline = time.monotonic() + SECONDS
            while not target.blobs:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.kill()
        is_killed.set()
        stored = {digest for _, digest in target.blobs}
        assert not target.manifests, "the tag comes last"
        target.fault = lambda _request: None
        target.server.requests.clear()
        done = here.orbiter(*words)
        ((digest, word),) = pushed_images(done.stdout).values()
        assert word == "pushed"
        assert in_registry(here) == {"debian-base": "", "debian-core": digest}
        sent = {request.path.rpartition("digest=sha256%3A")[2] for request in target.sent("PUT")}
        assert not sent & {digest.removeprefix("sha256:") for digest in stored}
        assert len(sent) == len(target.blobs) - len(stored) + 1, "the rest, and the manifest"


@pytest.mark.parametrize("words", [("push",), ("build", "--push", "--load")])
def test_nothing_is_pushed_if_a_version_tag_would_move(
    here: Project, words: tuple[str, ...]
) -> None:
    assert here.orbiter("push", "-q", "--image", "debian-core").returncode == 0
    before = in_registry(here)
    lay(here, "second")
    done = here.orbiter(*words, "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"these tags already name other images:\n  {here.repository}:debian-core-0.1.0\n"
        f"    pushed {before['debian-core']}" in done.stderr
    )
    assert f"{here.repository}:debian-base" not in done.stderr
    assert in_registry(here) == before
    labels = local_images.image_labels(f"{here.repository}:debian-base-0.1.0")
    assert labels is None, "nothing was loaded either"


def test_force_moves_a_version_tag(here: Project) -> None:
    assert here.orbiter("push", "-q").returncode == 0
    before = in_registry(here)
    lay(here, "second")
    done = here.orbiter("push", "-q", "--force")
    assert done.returncode == 0
    after = in_registry(here)
    assert pushed_images(done.stdout) == {stage: [after[stage], "pushed"] for stage in STAGES}
    assert all(before[stage] != after[stage] for stage in STAGES)


def test_an_image_with_findings_of_an_audit_is_not_pushed(here: Project) -> None:
    images = here.folder / "images.toml"
    text = images.read_text()
    for words in (["push", "--audited"], ["push"], ["build", "--push"]):
        done = here.orbiter(*words, "-q")
        assert done.returncode == 1, done.stderr
        assert "unknown  /content" in done.stdout
        assert "the audit of debian-base for linux/amd64, debian-core for" in done.stderr
        assert set(in_registry(here).values()) == {""}
        images.write_text(f"require-audit = true\n{text}")  # from here on, without --audited
    images.write_text(text)
    assert here.orbiter("push", "-q").returncode == 0
    assert "" not in in_registry(here).values()
