"""Artifacts about an image, in registries with and without a list of them.

The test world's registry has no such list, so this one is a small server. It follows the
specification; tests/engine/test_sign.py uses a real registry.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orbiter.oci.artifact import ArtifactFile, descriptor
from orbiter.oci.referrers import attach, fallback_tag, list_artifacts, list_referrers
from orbiter.oci.registry import OCI_INDEX, OCI_MANIFEST, Repository, repositories
from orbiter.oci.upload import put_manifest
from resolvers.errors import ExpectedError
from tests.support.loopback import Answer, Request
from tests.support.push_registry import PushRegistry, registry

NAME = "team/images"
KIND = "application/vnd.example.note"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []}).encode()
SUBJECT = descriptor(OCI_MANIFEST, MANIFEST)
TAG = fallback_tag(SUBJECT["digest"])


@pytest.fixture
def served() -> Iterator[PushRegistry]:
    with registry() as target:
        yield target


def place(served: PushRegistry) -> Repository:
    (repository,) = repositories(f"{served.server.host}/{NAME}")
    put_manifest(repository, SUBJECT["digest"], MANIFEST, OCI_MANIFEST)
    return repository


def note(text: str) -> list[ArtifactFile]:
    return [ArtifactFile(media_type="text/plain", content=text.encode())]


def index(served: PushRegistry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(served.manifests[NAME, TAG])["manifests"]
    return found


def contents(repository: Repository) -> list[bytes]:
    artifacts = list_artifacts(repository, SUBJECT["digest"], KIND)
    return [repository.read_blob(file.digest) for files in artifacts for file in files]


def test_a_registry_without_a_list_gets_an_index(served: PushRegistry) -> None:
    repository = place(served)
    assert list_referrers(repository, SUBJECT["digest"]) == ()
    assert attach(repository, SUBJECT, KIND, note("first"))
    assert attach(repository, SUBJECT, KIND, note("second"))
    assert contents(repository) == [b"first", b"second"]
    assert {entry["artifactType"] for entry in index(served)} == {KIND}
    for entry in index(served):
        content = served.manifests[NAME, entry["digest"]]
        assert json.loads(content)["subject"] == SUBJECT
        assert len(content) == entry["size"]


def test_a_registry_with_a_list_gets_no_index(served: PushRegistry) -> None:
    served.lists_referrers = True
    repository = place(served)
    assert attach(repository, SUBJECT, KIND, note("first"))
    assert (NAME, TAG) not in served.manifests
    assert contents(repository) == [b"first"]
    assert not attach(repository, SUBJECT, KIND, note("first"))


def test_the_same_artifact_is_attached_once(served: PushRegistry) -> None:
    repository = place(served)
    assert attach(repository, SUBJECT, KIND, note("first"))
    served.server.requests.clear()
    assert not attach(repository, SUBJECT, KIND, note("first"))
    assert not served.sent("PUT", "POST")


def test_entries_of_other_tools_stay(served: PushRegistry) -> None:
    repository = place(served)
    other = {"mediaType": OCI_MANIFEST, "digest": SUBJECT["digest"], "size": 1, "other": {"a": 1}}
    foreign = {"schemaVersion": 2, "manifests": [other], "annotations": {"by": "another tool"}}
    put_manifest(repository, TAG, json.dumps(foreign).encode(), OCI_INDEX)
    attach(repository, SUBJECT, KIND, note("first"))
    assert index(served)[0] == other
    assert json.loads(served.manifests[NAME, TAG])["annotations"] == {"by": "another tool"}
    assert contents(repository) == [b"first"]


def test_an_entry_that_another_client_overwrote_is_written_again(served: PushRegistry) -> None:
    repository = place(served)
    attach(repository, SUBJECT, KIND, note("first"))
    before = served.manifests[NAME, TAG]
    losses = iter([True])

    def lose(request: Request) -> Answer | None:
        """Confirm the first write of the index, as if another client had replaced it at once."""
        is_index = request.method == "PUT" and request.path.endswith(TAG)
        return Answer(201) if is_index and next(losses, False) else None

    served.fault = lose
    attach(repository, SUBJECT, KIND, note("second"))
    assert contents(repository) == [b"first", b"second"]
    assert served.manifests[NAME, TAG] != before


def test_a_registry_that_forgets_entries_is_an_error(served: PushRegistry) -> None:
    repository = place(served)
    served.fault = lambda request: (
        Answer(201) if request.method == "PUT" and request.path.endswith(TAG) else None
    )
    with pytest.raises(ExpectedError, match=f"another program changes the tag {TAG}"):
        attach(repository, SUBJECT, KIND, note("first"))


@pytest.mark.parametrize("content", [{"manifests": 1}, {"layers": []}, {"manifests": [{}]}])
def test_a_tag_that_is_no_index_is_an_error(served: PushRegistry, content: object) -> None:
    repository = place(served)
    put_manifest(repository, TAG, json.dumps(content).encode(), OCI_INDEX)
    with pytest.raises(ExpectedError, match=f"the tag {TAG} of .* is not an index"):
        attach(repository, SUBJECT, KIND, note("first"))
