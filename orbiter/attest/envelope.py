"""Envelopes of signed statements (DSSE). Pure.

Format: https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
"""

import base64
import binascii

import msgspec

from resolvers.errors import ExpectedError

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Signature(msgspec.Struct, frozen=True):
    """A signature in base64; ``keyid`` is a hint, which nothing may rely on."""

    sig: str
    keyid: str = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A statement in base64, and its signatures."""

    payload_type: str
    payload: str
    signatures: tuple[Signature, ...]

    def statement(self) -> bytes:
        """Return the signed bytes; raises ExpectedError if they are not base64."""
        return _decode(self.payload)

    def signature_bytes(self) -> tuple[bytes, ...]:
        """Return the signatures; raises ExpectedError if one is not base64."""
        return tuple(_decode(each.sig) for each in self.signatures)


def to_sign(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a signature covers: the type and the payload with their lengths."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode_envelope(payload: bytes, signature: bytes) -> bytes:
    """Return the JSON text of an envelope with one signature."""
    envelope = Envelope(
        payload_type=PAYLOAD_TYPE,
        payload=base64.b64encode(payload).decode(),
        signatures=(Signature(base64.b64encode(signature).decode()),),
    )
    return msgspec.json.encode(envelope)


def decode_envelope(content: bytes, source: str) -> Envelope:
    """Read an envelope; raises ExpectedError that names ``source`` if it is malformed."""
    try:
        return msgspec.json.decode(content, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExpectedError(f"{source} is not a signed statement (DSSE): {error}") from None


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ExpectedError(f"a signed statement is not base64: {error}") from None
