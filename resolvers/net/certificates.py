"""The certificate authorities that this machine trusts."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resolvers.errors import ExpectedError
from resolvers.net import pip_config, profile
from resolvers.net.profile import CERTIFICATE_VARIABLES

if TYPE_CHECKING:
    import ssl


HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names of certificates in a folder of OpenSSL."""
PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


class Bundle(NamedTuple):
    """A file or a folder of certificates, and the setting that names it."""

    path: str
    setting: str


def bundle() -> Bundle | None:
    """Return the configured certificates; None for those of the system."""
    for variable in CERTIFICATE_VARIABLES:
        if path := os.environ.get(variable):
            return Bundle(path, profile.origin(variable))
    if path := pip_config.settings().get("cert"):
        return Bundle(path, "cert in pip's configuration")
    return None


def tls_context() -> "ssl.SSLContext":
    """Return a context that trusts the configured certificates, else those of the system.

    Raises ExpectedError if the configured certificates cannot be read.
    """
    if configured := bundle():
        return _context_of(*configured)
    import ssl

    import certifi

    context = ssl.create_default_context()
    # A minimal base system has no certificates of its own.
    context.load_verify_locations(certifi.where())
    return context


def trusted_certificates() -> str:
    """Return the certificates of ``tls_context`` in the PEM format, for other programs."""
    import ssl

    # The context leaves out certificates of servers, and those of a folder until it needs them.
    found = [*tls_context().get_ca_certs(binary_form=True), *_configured_certificates()]
    return "".join(map(ssl.DER_cert_to_PEM_cert, dict.fromkeys(found)))


def configured_certificates() -> str:
    """Return the configured certificates in the PEM format; "" if those of the system count."""
    return trusted_certificates() if bundle() else ""


def _configured_certificates() -> Iterator[bytes]:
    """Yield the configured certificates in the DER format."""
    if configured := bundle():
        path = Path(configured.path).expanduser()
        for file in _files_of(path) if path.is_dir() else [path]:
            yield from _certificates_of(file, configured.setting)


def _certificates_of(file: Path, setting: str) -> Iterator[bytes]:
    import ssl

    try:
        for block in PEM.findall(file.read_text(encoding="ascii", errors="replace")):
            yield ssl.PEM_cert_to_DER_cert(block)
    except (OSError, ValueError) as error:
        raise ExpectedError(
            f"cannot read the certificates in '{file}' ({setting}): {error}",
            "remove the file, or replace it by a file of PEM certificates",
        ) from error


def _files_of(folder: Path) -> list[Path]:
    """Return the files of a folder that OpenSSL reads."""
    return sorted(file for file in folder.iterdir() if HASHED.fullmatch(file.name))


def _context_of(name: str, setting: str) -> "ssl.SSLContext":
    import ssl

    path = Path(name).expanduser()
    try:
        if path.is_dir():
            if not _files_of(path):
                problem = f"the folder '{name}' ({setting}) has no certificates for OpenSSL"
                raise ExpectedError(problem, f"run openssl rehash {name}, or name a file there")
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:  # OpenSSL also raises it for a file without certificates
        raise ExpectedError(
            f"cannot read the certificates in '{name}' ({setting}): {error}",
            "name a file of PEM certificates there, or remove the setting",
        ) from error
