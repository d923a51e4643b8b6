"""ECDSA keys in PEM files, as openssl writes them."""

import subprocess
from pathlib import Path

import pytest

from orbiter.attest.keys import (
    PASSPHRASE,
    is_signed_by,
    read_private_key,
    read_public_key,
    sign,
)
from resolvers.errors import ExpectedError
from tests.support.keys import P_256, make_key, run

CONTENT = b"content"
COSIGN = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJ9\n"
OTHER_KEYS = {
    "rsa": ("-algorithm", "RSA"),
    "ed25519": ("-algorithm", "ED25519"),
    "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
}


def test_openssl_verifies_a_signature(tmp_path: Path) -> None:
    make_key(tmp_path, "key")
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "signature").write_bytes(sign(read_private_key(tmp_path / "key.pem"), CONTENT))
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pub.pem", "-signature", "signature"]
    subprocess.run([*command, "content"], cwd=tmp_path, check=True, capture_output=True)


def test_a_signature_fits_its_key_and_content_only(tmp_path: Path) -> None:
    make_key(tmp_path, "key")
    make_key(tmp_path, "other")
    key, public = read_private_key(tmp_path / "key.pem"), read_public_key(tmp_path / "key.pub.pem")
    signature = sign(key, CONTENT)
    assert is_signed_by(public, signature, CONTENT)
    assert not is_signed_by(public, signature, CONTENT + b"!")
    assert not is_signed_by(public, b"", CONTENT)
    assert not is_signed_by(public, signature[:-1] + bytes([signature[-1] ^ 1]), CONTENT)
    other = read_public_key(tmp_path / "other.pub.pem")
    assert not is_signed_by(other, signature, CONTENT)


def test_signing_again_gives_the_same_signature(tmp_path: Path) -> None:
    make_key(tmp_path, "key")
    key = read_private_key(tmp_path / "key.pem")
    assert sign(key, CONTENT) == sign(key, CONTENT)


def test_an_encrypted_key_needs_its_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.pem"
    words = ("-aes256", "-pass", "pass:secret", "-out", str(path))
    run("openssl", "genpkey", *P_256, *words)
    with pytest.raises(ExpectedError, match=r"key\.pem is encrypted") as caught:
        read_private_key(path)
    assert caught.value.hint == f"set {PASSPHRASE} to its passphrase"
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(ExpectedError, match="cannot be read as a private key"):
        read_private_key(path)
    monkeypatch.setenv(PASSPHRASE, "secret")
    assert sign(read_private_key(path), CONTENT)


def test_a_passphrase_for_a_plain_key_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path, "key")
    monkeypatch.setenv(PASSPHRASE, "secret")
    with pytest.raises(ExpectedError, match=f"is not encrypted, but {PASSPHRASE} is set"):
        read_private_key(tmp_path / "key.pem")


@pytest.mark.parametrize("kind", OTHER_KEYS)
def test_other_kinds_of_keys_are_errors(tmp_path: Path, kind: str) -> None:
    make_key(tmp_path, "key", *OTHER_KEYS[kind])
    for read, name in ((read_private_key, "key.pem"), (read_public_key, "key.pub.pem")):
        with pytest.raises(ExpectedError, match="is not an ECDSA key on the curve P-256"):
            read(tmp_path / name)


@pytest.mark.parametrize("text", ["", "text", "-----BEGIN PRIVATE KEY-----\n", "\0" * 70_000])
def test_other_files_are_errors(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    for read in (read_private_key, read_public_key):
        with pytest.raises(ExpectedError, match=r"file (cannot be read as|is too large for) a"):
            read(path)


def test_the_format_of_cosign_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cosign.key"
    path.write_text(COSIGN)
    with pytest.raises(ExpectedError, match="cosign's own format") as caught:
        read_private_key(path)
    assert caught.value.hint.startswith("make a key with: openssl")


def test_the_command_of_the_hint_makes_a_key(tmp_path: Path) -> None:
    path = tmp_path / "rsa.pem"
    run("openssl", "genpkey", "-algorithm", "RSA", "-out", str(path))
    with pytest.raises(ExpectedError) as caught:
        read_private_key(path)
    command = caught.value.hint.partition(": ")[2].replace("-topk8", "-topk8 -nocrypt")
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True, capture_output=True)
    assert read_private_key(tmp_path / "key.pem")
