"""ECDSA keys on the curve P-256 in PEM files, which cosign reads too."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

PASSPHRASE = "ORBITER_KEY_PASSPHRASE"
COSIGN_KEYS = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
"""The headings of private keys in cosign's own format, whose cipher few libraries have."""
MAX_KEY = 1 << 16
"""The largest file that is read as a key, in bytes."""
NEW_KEY = (
    "make a key with: openssl ecparam -name prime256v1 -genkey -noout "
    "| openssl pkcs8 -topk8 -out key.pem"
)


def read_private_key(path: Path) -> "EllipticCurvePrivateKey":
    """Read a key to sign with; the passphrase is in the environment.

    Raises ExpectedError for a file that is not such a key, and for a wrong passphrase.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    content = _read(path)
    if any(heading in content for heading in COSIGN_KEYS):
        problem = f"{path} has cosign's own format of private keys"
        raise ExpectedError(problem, NEW_KEY)
    passphrase = os.environ.get(PASSPHRASE, "").encode() or None
    try:
        key = serialization.load_pem_private_key(content, passphrase)
    except TypeError:
        _refuse_passphrase(path, is_set=passphrase is not None)
    except Exception as error:  # the library raises several types without a common one
        problem = f"{path} cannot be read as a private key: {error}"
        raise ExpectedError(problem, f"check {PASSPHRASE}, or {NEW_KEY}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _other_key(path)
    _check_curve(path, key.curve)
    return key


def read_public_key(path: Path) -> "EllipticCurvePublicKey":
    """Read a key to verify with. Raises ExpectedError for a file that is not such a key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_public_key(_read(path))
    except Exception as error:  # as above
        problem = f"{path} cannot be read as a public key: {error}"
        hint = f"write it from the private key: openssl ec -in key.pem -pubout -out {path}"
        raise ExpectedError(problem, hint) from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _other_key(path)
    _check_curve(path, key.curve)
    return key


def sign(key: "EllipticCurvePrivateKey", content: bytes) -> bytes:
    """Return the signature of some bytes; the same key and bytes give the same signature."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    # RFC 6979: signing again gives the same envelope, which the registry then has already.
    return key.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def is_signed_by(key: "EllipticCurvePublicKey", signature: bytes, content: bytes) -> bool:
    """Return whether a signature of some bytes was made with the private key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_KEY + 1)
    if len(content) > MAX_KEY:
        raise ExpectedError(f"{path} is too large for a key", NEW_KEY)
    return content


def _refuse_passphrase(path: Path, *, is_set: bool) -> NoReturn:
    if is_set:
        problem = f"{path} is not encrypted, but {PASSPHRASE} is set"
        raise ExpectedError(problem, f"unset {PASSPHRASE}, or name the encrypted key")
    raise ExpectedError(f"{path} is encrypted", f"set {PASSPHRASE} to its passphrase")


def _check_curve(path: Path, curve: object) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(curve, ec.SECP256R1):
        raise _other_key(path)


def _other_key(path: Path) -> ExpectedError:
    return ExpectedError(f"{path} is not an ECDSA key on the curve P-256", NEW_KEY)
