"""Signatures with ssh keys, by the program ssh-keygen.

Its manual describes signatures and the file of allowed signers: https://man.openbsd.org/ssh-keygen
"""

from pathlib import Path

import msgspec

from resolvers import process
from resolvers.cache import CACHE_HINT, folder
from resolvers.errors import ExpectedError, ProgramError
from resolvers.scratch import scratch_folder

NAMESPACE = "orbiter"
"""Keeps a signature from being taken for one of something else, such as a git commit."""
HINT = "install OpenSSH 8.2 or newer, or sign with an ECDSA key: --key"


def sign(key: Path, text: str) -> str:
    """Return the signature of a text with a private key, or with one that ssh-agent has.

    Raises ExpectedError with the explanation of ssh-keygen.
    """
    try:
        return process.run([_program(), "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key], stdin=text)
    except ProgramError as error:
        raise ExpectedError(
            f"{key} cannot sign: {_explanation(error)}",
            "if the key has a passphrase, run ssh-add first and name the public key",
        ) from None


class Signer(msgspec.Struct, frozen=True):
    """The name of the allowed signer who signed a text, or the reason why there is none."""

    name: str = ""
    problem: str = ""


def find_signer(allowed_signers: Path, signature: bytes, text: bytes) -> Signer:
    """Return the allowed signer who signed a text in the namespace of Orbiter."""
    with scratch_folder(folder("new"), "verify-", CACHE_HINT) as scratch:
        file = scratch / "signature"
        file.write_bytes(signature)
        words: tuple[str | Path, ...] = ("-f", allowed_signers, "-s", file)
        try:
            found = process.run([_program(), "-Y", "find-principals", *words])
            # A key may stand for several names, which a line lists with commas.
            name = found.splitlines()[0].partition(",")[0]
            check = [_program(), "-Y", "verify", "-n", NAMESPACE, "-I", name, *words]
            process.run(check, stdin=text.decode(errors="replace"))
        except ProgramError as error:
            return Signer(problem=_explanation(error))
        return Signer(name)


def _program() -> str:
    return process.find("ssh-keygen", HINT)


def _explanation(error: ProgramError) -> str:
    lines = error.output.strip().splitlines()
    return lines[-1] if lines else error.message
