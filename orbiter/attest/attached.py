"""Signed statements in a registry: attached to an image, and read again."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from orbiter.attest import keys, ssh
from orbiter.attest.envelope import PAYLOAD_TYPE, decode_envelope, encode_envelope, to_sign
from orbiter.attest.provenance import PREDICATE_TYPE, Provenance
from orbiter.oci.artifact import ArtifactFile
from orbiter.oci.cosign import ENVELOPE_TYPE, attach_attestation, list_attestations
from orbiter.oci.published import PublishedImage
from orbiter.oci.referrers import attach, list_artifacts
from orbiter.oci.registry_errors import explained
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

SSH_TYPE = "application/vnd.orbiter.ssh-signature.v1"
"""The type of an artifact with two files: a statement, and its signature by ssh-keygen."""


class SignedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement in a registry.

    ``problem`` says why its signature is not accepted; it is empty for an accepted one. ``signer``
    is the name of an allowed signer, empty for an ECDSA key.
    """

    statement: bytes
    signer: str = ""
    problem: str = ""


def sign_with_key(
    provenance: Provenance, published: PublishedImage, key: "EllipticCurvePrivateKey"
) -> bool:
    """Attach the signed provenance of an image, for cosign and as a referrer.

    Returns whether it was not attached before. Raises ExpectedError with the registry's answer.
    """
    require_recorded(provenance, published)
    statement = provenance.statement(published.index).encode()
    envelope = encode_envelope(statement, keys.sign(key, to_sign(PAYLOAD_TYPE, statement)))
    annotations = {"predicateType": PREDICATE_TYPE}
    file = ArtifactFile(media_type=ENVELOPE_TYPE, content=envelope, annotations=annotations)
    repository, digest = published.repository, published.digest
    with explained(repository, published.tag):
        is_new = attach_attestation(repository, digest, envelope, PREDICATE_TYPE)
        is_new_referrer = attach(repository, published.subject, ENVELOPE_TYPE, [file])
    return is_new or is_new_referrer


def sign_with_ssh(provenance: Provenance, published: PublishedImage, key: Path) -> bool:
    """Attach the provenance of an image with a signature by an ssh key; see ``sign_with_key``."""
    require_recorded(provenance, published)
    statement = provenance.statement(published.index)
    signature = ssh.sign(key, statement)
    files = [
        ArtifactFile(media_type=PAYLOAD_TYPE, content=statement.encode()),
        ArtifactFile(media_type=SSH_TYPE, content=signature.encode()),
    ]
    with explained(published.repository, published.tag):
        return attach(published.repository, published.subject, SSH_TYPE, files)


def require_recorded(provenance: Provenance, published: PublishedImage) -> None:
    """Raise ExpectedError if the registry has another image than the release."""
    if problem := other_image(provenance, published):
        raise ExpectedError(
            f"{provenance.reference}: {problem}",
            "push the image of the release: orbiter build --verify --push",
        )


def other_image(provenance: Provenance, published: PublishedImage) -> str:
    """Return the problem if the registry has another image than the release, otherwise ""."""
    others = [digest for digest in published.digests if digest not in provenance.digests]
    if not others and published.digests:
        return ""
    found = others[0] if others else published.digest
    return f"the registry has {found}, but the release recorded {min(provenance.digests)}"


def read_signed_by_key(
    published: PublishedImage, key: "EllipticCurvePublicKey"
) -> Iterator[SignedStatement]:
    """Yield all statements in envelopes about an image; raises ExpectedError for malformed ones."""
    repository, digest = published.repository, published.digest
    artifacts = list_artifacts(repository, digest, ENVELOPE_TYPE)
    files = [file for artifact in artifacts for file in artifact]
    referrers = [file.digest for file in files if file.media_type == ENVELOPE_TYPE]
    # Both places have the same envelopes, unless another tool wrote one of them.
    for name in dict.fromkeys((*list_attestations(repository, digest), *referrers)):
        envelope = decode_envelope(repository.read_blob(name), name)
        statement = envelope.statement()
        content = to_sign(envelope.payload_type, statement)
        is_signed = partial(keys.is_signed_by, key, content=content)
        is_accepted = envelope.payload_type == PAYLOAD_TYPE and any(
            is_signed(signature) for signature in envelope.signature_bytes()
        )
        problem = "" if is_accepted else "it was made with another key"
        yield SignedStatement(statement=statement, problem=problem)


def read_signed_by_ssh(
    published: PublishedImage, allowed_signers: Path
) -> Iterator[SignedStatement]:
    """Yield all statements about an image that have a signature by an ssh key."""
    repository = published.repository
    for artifact in list_artifacts(repository, published.digest, SSH_TYPE):
        files = {file.media_type: file.digest for file in artifact}
        if not files.keys() >= {PAYLOAD_TYPE, SSH_TYPE}:
            continue  # it has no statement, or no signature
        statement = repository.read_blob(files[PAYLOAD_TYPE])
        signature = repository.read_blob(files[SSH_TYPE])
        signer = ssh.find_signer(allowed_signers, signature, statement)
        yield SignedStatement(statement=statement, signer=signer.name, problem=signer.problem)
