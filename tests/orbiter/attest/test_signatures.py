"""Signing the provenance of images in a registry, and verifying it.

The images are in a small registry on the loopback interface, which tests can change.
tests/engine/test_sign.py uses real images, a real registry and cosign.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orbiter.attest.attached import (
    SSH_TYPE,
    read_signed_by_key,
    read_signed_by_ssh,
    sign_with_key,
    sign_with_ssh,
)
from orbiter.attest.envelope import encode_envelope, to_sign
from orbiter.attest.keys import read_private_key, read_public_key, sign
from orbiter.attest.provenance import Provenance, provenance_of
from orbiter.attest.verify import verify
from orbiter.oci.artifact import ArtifactFile
from orbiter.oci.cosign import attach_attestation, attestation_tag
from orbiter.oci.published import PublishedImage, read_image
from orbiter.oci.referrers import attach, fallback_tag
from orbiter.oci.registry import anonymous
from orbiter.oci.upload import put_manifest
from resolvers.errors import ExpectedError
from tests.support.keys import make_key, make_ssh_key
from tests.support.push_registry import PushRegistry, registry
from tests.support.signed_releases import IMAGE, Published, publish

ALL = {"alpine-core", "micromamba-core", "micromamba-base"}
OTHER = "micromamba-core"
OTHER_KEY = "none of its signatures is accepted: it was made with another key"


@pytest.fixture
def served() -> Iterator[PushRegistry]:
    with registry() as target:
        yield target


@pytest.fixture
def here(served: PushRegistry, tmp_path: Path) -> Published:
    make_key(tmp_path, "key")
    return publish(tmp_path, f"{served.server.host}/team/images")


def provenance(here: Published, image: str = IMAGE) -> Provenance:
    return provenance_of(here.lock_set, here.digests, image)


def image(here: Published, name: str = IMAGE) -> PublishedImage:
    return read_image(f"{here.name}:{here.tag(name)}", anonymous)


def signed(here: Published, key: str = "key", name: str = IMAGE) -> bool:
    private_key = read_private_key(here.folder / f"{key}.pem")
    return sign_with_key(provenance(here, name), image(here, name), private_key)


def problem(here: Published, key: str = "key") -> str:
    """Return why no signature of the image is accepted; empty if one is."""
    published, public_key = image(here), read_public_key(here.folder / f"{key}.pub.pem")
    result = verify(provenance(here), published, read_signed_by_key(published, public_key))
    assert (result.reference, result.digest) == (f"{here.name}:{here.tag()}", here.digest())
    return result.problem


def envelopes(here: Published, name: str = IMAGE) -> list[bytes]:
    manifest = json.loads(here.repository.manifest(attestation_tag(here.digest(name))))
    return [here.repository.read_blob(layer["digest"]) for layer in manifest["layers"]]


def statement(here: Published) -> dict[str, Any]:
    (envelope,) = envelopes(here)
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    return found


def attach_statement(here: Published, text: str) -> None:
    """Attach a statement with a signature of the key."""
    content = text.encode()
    key = read_private_key(here.folder / "key.pem")
    signature = sign(key, to_sign("application/vnd.in-toto+json", content))
    envelope = encode_envelope(content, signature)
    attach_attestation(here.repository, here.digest(), envelope, "any")


def test_a_signature_is_attached_once(here: Published, served: PushRegistry) -> None:
    assert signed(here)
    before = dict(served.manifests)
    assert not signed(here)
    assert served.manifests == before
    assert problem(here) == ""


def test_the_statement_has_the_index_that_the_tag_names(here: Published) -> None:
    signed(here)
    found = statement(here)
    index, *platforms = found["subject"]
    assert index["digest"] == {"sha256": here.digest().removeprefix("sha256:")}
    written = json.loads(provenance(here).statement())
    assert {**found, "subject": platforms} == written


def test_several_keys_can_sign(here: Published) -> None:
    make_key(here.folder, "other")
    signed(here, "other")
    assert problem(here) == OTHER_KEY
    signed(here)
    assert (problem(here), problem(here, "other")) == ("", "")


@pytest.mark.parametrize("tag", [fallback_tag, attestation_tag])
def test_either_place_of_an_envelope_is_enough(
    here: Published, served: PushRegistry, tag: Any
) -> None:
    signed(here)
    del served.manifests["team/images", tag(here.digest())]
    assert problem(here) == ""
    assert signed(here), "the missing one is attached again"


def test_an_image_without_a_signature(here: Published) -> None:
    signed(here, name=OTHER)
    assert problem(here) == "it has no signature of this kind"


def test_a_statement_that_was_changed_after_signing(here: Published, served: PushRegistry) -> None:
    signed(here)
    envelope = json.loads(envelopes(here)[0])
    text = base64.b64decode(envelope["payload"]).replace(b'"0.1.0"', b'"0.1.1"')
    envelope["payload"] = base64.b64encode(text).decode()
    for tag in (fallback_tag, attestation_tag):
        del served.manifests["team/images", tag(here.digest())]
    attach_attestation(here.repository, here.digest(), json.dumps(envelope).encode(), "any")
    assert problem(here) == OTHER_KEY


def test_the_signature_of_another_image(here: Published) -> None:
    signed(here, name=OTHER)
    (envelope,) = envelopes(here, OTHER)
    attach_attestation(here.repository, here.digest(), envelope, "any")
    assert problem(here) == (
        f"the signed statement is about a list of 3, but the registry has {here.digest()}"
    )


CHANGES = {
    '"release": "0.1.0"': (
        '"release": "9"',
        "predicate.buildDefinition.externalParameters.release is '9', but the lock set has '0.1.0'",
    ),
    '"assembly": 1,': (
        "",
        "predicate.buildDefinition.internalParameters.assembly is None, but the lock set has 1",
    ),
    '"annotations": {': (
        '"content": "MQ==", "annotations": {',
        "predicate.buildDefinition.resolvedDependencies[1].content is 'MQ==', "
        "but the lock set has None",
    ),
}


@pytest.mark.parametrize("old", CHANGES)
def test_a_signed_statement_that_is_not_what_the_lock_set_says(here: Published, old: str) -> None:
    text = provenance(here).statement(here.digest())
    new, difference = CHANGES[old]
    assert old in text
    attach_statement(here, text.replace(old, new, 1))
    assert problem(here) == f"the signed statement does not match the lock set: {difference}"
    signed(here)
    assert problem(here) == "", "one right statement is enough"


def test_a_package_url_may_differ(here: Published) -> None:
    text = provenance(here).statement(here.digest())
    attach_statement(here, text.replace("pkg:apk/alpine/", "pkg:apk/other/"))
    assert problem(here) == ""


@pytest.mark.parametrize("text", ["{}", "[]", '{"predicateType": "https://spdx.dev/Document"}'])
def test_a_signed_statement_about_something_else(here: Published, text: str) -> None:
    attach_statement(here, text)
    assert problem(here) == "the signed statement is not provenance"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_a_signed_text_that_is_not_json(here: Published, text: str) -> None:
    attach_statement(here, text)
    assert problem(here) == "the signed statement is not JSON"


@pytest.mark.parametrize("subject", ["null", '"a"', "[1]", '[{"digest": 1}]'])
def test_a_statement_without_subjects(here: Published, subject: str) -> None:
    kind = "https://slsa.dev/provenance/v1"
    attach_statement(here, f'{{"predicateType": "{kind}", "subject": {subject}}}')
    assert "the signed statement is about" in problem(here)


ENVELOPES = {
    b"{": "is not a signed statement",
    b'{"payloadType": "a", "payload": "b"}': "missing required field `signatures`",
    b'{"payloadType": "a", "payload": "\xc3\xa4", "signatures": []}': "is not base64",
}


@pytest.mark.parametrize("content", ENVELOPES)
def test_a_malformed_envelope_is_an_error(here: Published, content: bytes) -> None:
    attach_attestation(here.repository, here.digest(), content, "any")
    with pytest.raises(ExpectedError, match=ENVELOPES[content]):
        problem(here)


def test_an_image_that_was_not_released(here: Published) -> None:
    signed(here)
    moved = here.repository.manifest(here.tag(OTHER))
    put_manifest(here.repository, here.tag(), moved, "application/vnd.oci.image.index.v1+json")
    expected = "the registry has sha256:.{64}, but the release recorded sha256:"
    with pytest.raises(ExpectedError, match=f"{here.tag()}: {expected}"):
        signed(here)
    published, key = image(here), read_public_key(here.folder / "key.pub.pem")
    result = verify(provenance(here), published, read_signed_by_key(published, key))
    assert result.problem.startswith("the registry has sha256:")


def test_an_image_that_was_not_pushed(here: Published, served: PushRegistry) -> None:
    del served.manifests["team/images", here.tag()]
    with pytest.raises(ExpectedError, match="is not in the registry") as caught:
        image(here)
    assert caught.value.hint == "push it first: orbiter push"


def signer(here: Published, allowed: str) -> tuple[str, str]:
    """Return the name of the allowed signer, and the problem if there is none."""
    (here.folder / "allowed").write_text(allowed)
    published = image(here)
    signed_statements = read_signed_by_ssh(published, here.folder / "allowed")
    result = verify(provenance(here), published, signed_statements)
    return result.signer, result.problem


def test_a_signature_with_an_ssh_key(here: Published) -> None:
    public = make_ssh_key(here.folder, "id")
    other = make_ssh_key(here.folder, "other")
    assert sign_with_ssh(provenance(here), image(here), here.folder / "id")
    assert not sign_with_ssh(provenance(here), image(here), here.folder / "id")
    ann = "ann@example.org"
    assert signer(here, f"bob@example.org {other}\n{ann} {public}\n") == (ann, "")
    assert signer(here, f'{ann} namespaces="orbiter" {public}\n') == (ann, "")
    name, reason = signer(here, f"bob@example.org {other}\n")
    assert name == ""
    assert reason == "none of its signatures is accepted: No principal matched."
    _, reason = signer(here, f'{ann} namespaces="git" {public}\n')
    assert reason.startswith("none of its signatures is accepted: ")
    assert problem(here) == "it has no signature of this kind", "an ECDSA key did not sign"


def test_ssh_keygen_verifies_the_attached_files_itself(here: Published) -> None:
    public = make_ssh_key(here.folder, "id")
    sign_with_ssh(provenance(here), image(here), here.folder / "id")
    index = json.loads(here.repository.manifest(fallback_tag(here.digest())))
    manifest = json.loads(here.repository.manifest(index["manifests"][0]["digest"]))
    text, signature = (here.repository.read_blob(each["digest"]) for each in manifest["layers"])
    (here.folder / "signature").write_bytes(signature)
    (here.folder / "allowed").write_text(f"ann@example.org {public}\n")
    command = ["ssh-keygen", "-Y", "verify", "-n", "orbiter", "-I", "ann@example.org"]
    command += ["-f", "allowed", "-s", "signature"]
    subprocess.run(command, cwd=here.folder, input=text, check=True, capture_output=True)
    assert text.decode() == provenance(here).statement(here.digest())


def test_an_ssh_signature_of_another_text(here: Published) -> None:
    public = make_ssh_key(here.folder, "id")
    sign_with_ssh(provenance(here, OTHER), image(here, OTHER), here.folder / "id")
    index = json.loads(here.repository.manifest(fallback_tag(here.digest(OTHER))))
    manifest = json.loads(here.repository.manifest(index["manifests"][0]["digest"]))
    _, signature = manifest["layers"]
    files = [
        ArtifactFile(
            media_type="application/vnd.in-toto+json",
            content=provenance(here).statement(here.digest()).encode(),
        ),
        ArtifactFile(media_type=SSH_TYPE, content=here.repository.read_blob(signature["digest"])),
    ]
    attach(here.repository, image(here).subject, SSH_TYPE, files)
    _, reason = signer(here, f"ann@example.org {public}\n")
    assert reason.startswith("none of its signatures is accepted: ")
    assert "incorrect signature" in reason or "Could not verify signature" in reason


def test_an_ssh_key_with_a_passphrase_needs_the_agent(here: Published) -> None:
    make_ssh_key(here.folder, "id", "secret")
    with pytest.raises(ExpectedError, match="id cannot sign") as caught:
        sign_with_ssh(provenance(here), image(here), here.folder / "id")
    assert "ssh-add" in caught.value.hint


def test_the_commands(here: Published) -> None:
    done = here.orbiter("sign", "--key", "key.pem")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {line.split()[0].rpartition(":")[2].removesuffix("-0.1.0") for line in lines} == ALL
    assert {line.split()[2] for line in lines} == {"signed"}
    assert "warning: the provenance does not list everything in alpine-core" in done.stderr
    done = here.orbiter("verify-signature", "--key", "key.pub.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\n".join(line.replace("signed", "verified") for line in lines) + "\n"
    make_key(here.folder, "other")
    done = here.orbiter("verify-signature", "--key", "other.pub.pem", "--image", IMAGE)
    assert done.returncode == 1
    found = f"{here.name}:{here.tag()}  {here.digest()}  FAILED\n  {OTHER_KEY}\n"
    assert done.stdout == found


@pytest.mark.parametrize("words", [("sign",), ("verify-signature",)])
def test_one_key_is_required(here: Published, words: tuple[str, ...]) -> None:
    done = here.orbiter(*words)
    assert done.returncode == 2
    assert "hint: name" in done.stderr
