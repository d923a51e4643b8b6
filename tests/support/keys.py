"""Keys that the programs openssl and ssh-keygen make."""

import subprocess
from pathlib import Path

P_256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def make_key(folder: Path, name: str, *options: str) -> None:
    """Write ``<name>.pem`` and ``<name>.pub.pem``, by default an ECDSA key on P-256."""
    private = folder / f"{name}.pem"
    run("openssl", "genpkey", *(options or P_256), "-out", str(private))
    run("openssl", "pkey", "-in", str(private), "-pubout", "-out", str(folder / f"{name}.pub.pem"))


def make_ssh_key(folder: Path, name: str, passphrase: str = "") -> str:
    """Write an ssh key, and return the text of its public key."""
    path = folder / name
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path))
    return path.with_suffix(".pub").read_text().strip()


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
