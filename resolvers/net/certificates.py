"""The certificate authorities that this machine trusts."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resolvers.errors import ExpectedError
from resolvers.net import pip_config, profile
from resolvers.net.profile import CERTIFICATE_VARIABLES

if TYPE_CHECKING:
    import ssl


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

    certificates = tls_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, certificates))


def configured_certificates() -> str:
    """Return the configured certificates in the PEM format; "" if those of the system count."""
    return trusted_certificates() if bundle() else ""


def _context_of(name: str, setting: str) -> "ssl.SSLContext":
    import ssl

    path = Path(name).expanduser()
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:  # OpenSSL also raises it for a file without certificates
        raise ExpectedError(
            f"cannot read the certificates in '{name}' ({setting}): {error}",
            "name a file of PEM certificates there, or remove the setting",
        ) from error
