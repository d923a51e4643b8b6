"""Envelopes in the place where cosign looks for them; tests/engine/test_sign.py runs cosign."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orbiter.oci.artifact import descriptor, upload_content
from orbiter.oci.cosign import (
    CONFIG_TYPE,
    ENVELOPE_TYPE,
    attach_attestation,
    attestation_tag,
    list_attestations,
)
from orbiter.oci.registry import OCI_MANIFEST, Repository, repositories, sha256
from orbiter.oci.upload import put_manifest
from resolvers.errors import ExpectedError
from tests.support.loopback import Answer, Request
from tests.support.push_registry import PushRegistry, registry

NAME = "team/images"
DIGEST = f"sha256:{'1' * 64}"
TAG = f"sha256-{'1' * 64}.att"
KIND = "https://example.org/kind"


@pytest.fixture
def served() -> Iterator[PushRegistry]:
    with registry() as target:
        yield target


@pytest.fixture
def repository(served: PushRegistry) -> Repository:
    (found,) = repositories(f"{served.server.host}/{NAME}")
    return found


def attached(served: PushRegistry) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the manifest and its configuration."""
    manifest = json.loads(served.manifests[NAME, TAG])
    return manifest, json.loads(served.blobs[NAME, manifest["config"]["digest"]])


def test_each_envelope_is_a_layer(served: PushRegistry, repository: Repository) -> None:
    assert attestation_tag(DIGEST) == TAG
    assert list_attestations(repository, DIGEST) == ()
    assert attach_attestation(repository, DIGEST, b"first", KIND)
    assert attach_attestation(repository, DIGEST, b"second", KIND)
    digests = [sha256(b"first"), sha256(b"second")]
    assert list_attestations(repository, DIGEST) == tuple(digests)
    manifest, config = attached(served)
    assert config["rootfs"] == {"type": "layers", "diff_ids": digests}
    assert {layer["annotations"]["predicateType"] for layer in manifest["layers"]} == {KIND}


def test_the_same_envelope_is_attached_once(served: PushRegistry, repository: Repository) -> None:
    assert attach_attestation(repository, DIGEST, b"first", KIND)
    served.server.requests.clear()
    assert not attach_attestation(repository, DIGEST, b"first", KIND)
    assert not served.sent("PUT", "POST")


def test_what_cosign_wrote_stays(served: PushRegistry, repository: Repository) -> None:
    written = {"architecture": "", "author": "cosign", "history": [{"author": "cosign"}]}
    config = json.dumps(written).encode()
    layers = [descriptor(ENVELOPE_TYPE, b"by cosign"), descriptor("text/plain", b"a note")]
    for content in (config, b"by cosign", b"a note"):
        upload_content(repository, content)
    manifest = {
        "schemaVersion": 2,
        "config": descriptor(CONFIG_TYPE, config),
        "layers": layers,
        "annotations": {"by": "cosign"},
    }
    put_manifest(repository, TAG, json.dumps(manifest).encode(), OCI_MANIFEST)
    assert attach_attestation(repository, DIGEST, b"own", KIND)
    assert list_attestations(repository, DIGEST) == (sha256(b"by cosign"), sha256(b"own"))
    after, configuration = attached(served)
    assert after["layers"][:2] == layers
    assert after["annotations"] == {"by": "cosign"}
    assert configuration.items() >= written.items()
    assert configuration["rootfs"]["diff_ids"] == [
        sha256(content) for content in (b"by cosign", b"a note", b"own")
    ]


def test_an_envelope_that_another_client_overwrote_is_written_again(
    served: PushRegistry, repository: Repository
) -> None:
    losses = iter([True])

    def lose(request: Request) -> Answer | None:
        is_manifest = request.method == "PUT" and request.path.endswith(".att")
        return Answer(201) if is_manifest and next(losses, False) else None

    served.fault = lose
    assert attach_attestation(repository, DIGEST, b"first", KIND)
    assert list_attestations(repository, DIGEST) == (sha256(b"first"),)


@pytest.mark.parametrize("content", [{}, {"layers": 1}, {"layers": [{}]}])
def test_a_tag_without_attestations_is_an_error(repository: Repository, content: object) -> None:
    put_manifest(repository, TAG, json.dumps(content).encode(), OCI_MANIFEST)
    with pytest.raises(ExpectedError, match=f"the tag {TAG} of .* does not have attestations"):
        attach_attestation(repository, DIGEST, b"first", KIND)
