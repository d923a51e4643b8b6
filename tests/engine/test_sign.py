"""Signed images in a real registry, verified by Orbiter and by cosign."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from orbiter.oci.referrers import list_referrers
from orbiter.oci.registry import repositories
from orbiter.oci.upload import tag_digest
from tests.support.apt_world import IMAGE as DEBIAN
from tests.support.json_output import read_document
from tests.support.keys import make_key

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to"),
]
IMAGES = """
version = "0.1.0"
repository = "{repository}"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
postbuild = ["echo content > /content"]
"""
TAG = "debian-core-0.1.0"
JSON = ("--format", "json")
INSTALL = "apt-get update -qq && apt-get install -qq --no-install-recommends cosign > /dev/null"
VERIFY = ("verify-attestation", "--insecure-ignore-tlog=true", "--type", "slsaprovenance1")


class Released(NamedTuple):
    folder: Path
    cache: Path
    container: str
    reference: str
    results: dict[str, str]

    def orbiter(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orbiter", *words]
        env = {**os.environ, "ORBITER_CACHE_DIR": str(self.cache)}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def cosign(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run cosign in the container, which has the folder of the project."""
        command = ["docker", "exec", "--env", "COSIGN_PASSWORD=secret", self.container, "cosign"]
        return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """Lock, release and push an image, sign it, and start a container that has cosign."""
    folder = tmp_path_factory.mktemp("project")
    repository = f"{REGISTRY}/orbiter-test/sign-{uuid.uuid4().hex}"
    (folder / "images.toml").write_text(IMAGES.format(repository=repository))
    make_key(folder, "key")
    make_key(folder, "other")
    run = ["docker", "run", "--detach", "--rm", "--network", "host", "--volume", f"{folder}:/keys"]
    command = [*run, "--workdir", "/keys", DEBIAN, "sleep", "infinity"]
    container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    cache = tmp_path_factory.mktemp("cache")
    made = Released(folder, cache, container, f"{repository}:{TAG}", {})
    try:
        subprocess.run(
            ["docker", "exec", container, "sh", "-c", INSTALL], check=True, capture_output=True
        )
        words = (["lock", "-q"], ["release", "-q", *JSON], ["push", "-q", *JSON])
        for each in (*words, ["sign", "--key", "key.pem", *JSON]):
            done = made.orbiter(*each)
            assert done.returncode == 0, done.stderr
            made.results[each[0]] = done.stdout
        yield made
    finally:
        remove = ["docker", "rm", "--force", container]
        subprocess.run(remove, check=True, capture_output=True)


def test_release_push_and_verification_as_json(released: Released) -> None:
    made = {
        name: read_document(name, released.results[name]) for name in ("release", "push", "sign")
    }
    (recorded,), (pushed,), (signed,) = (made[name]["images"] for name in made)
    assert recorded["size"] > 1_000_000
    assert pushed["state"] == "pushed"
    assert {pushed["digest"], signed["digest"]} == {recorded["digest"]}
    assert {pushed["tag"], signed["reference"]} == {released.reference}
    done = released.orbiter("build", "-q", "--verify", "--no-load", *JSON)
    document = read_document("build", done.stdout)
    assert [each["kind"] for each in document["comparisons"]] == ["same"]
    assert (document["accepted"], len(document["images"])) == (True, 1)


def verified(released: Released, key: str) -> int:
    return released.cosign(*VERIFY, "--key", f"{key}.pub.pem", released.reference).returncode


def test_cosign_and_orbiter_accept_the_signature(released: Released) -> None:
    done = released.cosign(*VERIFY, "--key", "key.pub.pem", released.reference)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["payloadType"] == "application/vnd.in-toto+json"
    own = released.orbiter("verify-signature", "--key", "key.pub.pem")
    assert own.returncode == 0, own.stdout + own.stderr
    assert own.stdout.endswith("  verified\n")


def test_a_bill_of_materials_is_attached_to_a_real_image(released: Released) -> None:
    for state in ("attached", "already attached"):
        done = released.orbiter("sbom", "--attach", "--format", "spdx-2.3")
        assert done.stdout.endswith(f"  {state}\n"), done.stderr
    (repository,) = repositories(released.reference)
    digest = tag_digest(repository, TAG)
    types = {each.artifact_type for each in list_referrers(repository, digest)}
    assert types == {"application/spdx+json", "application/vnd.dsse.envelope.v1+json"}
    assert verified(released, "key") == 0


def test_neither_accepts_another_key(released: Released) -> None:
    done = released.cosign(*VERIFY, "--key", "other.pub.pem", released.reference)
    assert done.returncode != 0
    assert "accepted signatures do not match threshold" in done.stderr
    own = released.orbiter("verify-signature", "--key", "other.pub.pem", "--format", "json")
    assert own.returncode == 1
    (image,) = read_document("verify-signature", own.stdout)["images"]
    assert image["reference"] == released.reference
    assert "none of its signatures is accepted" in image["problem"]


def test_attestations_of_cosign_and_of_orbiter_stay(released: Released) -> None:
    """Cosign signs what ``orbiter attest`` writes, as in the documentation for CI."""
    done = released.orbiter("attest", "--image", "core")
    predicate = json.loads(done.stdout)["predicate"]
    (released.folder / "predicate.json").write_text(json.dumps(predicate))
    done = released.cosign("generate-key-pair", "--output-key-prefix", "own")
    assert done.returncode == 0, done.stderr
    (released.folder / "own.pub").rename(released.folder / "own.pub.pem")
    words = ("--type", "slsaprovenance1", "--predicate", "predicate.json", "--tlog-upload=false")
    done = released.cosign("attest", "--yes", "--key", "own.key", *words, released.reference)
    assert done.returncode == 0, done.stderr
    assert (verified(released, "key"), verified(released, "own")) == (0, 0)
    done = released.orbiter("sign", "--key", "key.pem")
    assert done.stdout.endswith("  already signed\n")
    done = released.orbiter("sign", "--key", "key.pem", "--format", "json")
    assert [each["is_new"] for each in read_document("sign", done.stdout)["images"]] == [False]
    make_key(released.folder, "third")
    done = released.orbiter("sign", "--key", "third.pem")
    assert done.stdout.endswith("  signed\n")
    assert [verified(released, key) for key in ("key", "own", "third")] == [0, 0, 0]
