"""The certificate authorities that this machine trusts."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from resolvers.errors import ExpectedError
from resolvers.net import pip_config, profile
from resolvers.net.profile import CERTIFICATE_VARIABLES

if TYPE_CHECKING:
    import ssl


def tls_context() -> "ssl.SSLContext":
    """Return a context that trusts the configured certificates, else those of the system.

    Raises ExpectedError if the configured certificates cannot be read.
    """
    for variable in CERTIFICATE_VARIABLES:
        if bundle := os.environ.get(variable):
            return _context_of(bundle, profile.origin(variable))
    if bundle := pip_config.settings().get("cert"):
        return _context_of(bundle, "cert in pip's configuration")
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


def _context_of(bundle: str, setting: str) -> "ssl.SSLContext":
    import ssl

    path = Path(bundle).expanduser()
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:  # OpenSSL also raises it for a file without certificates
        raise ExpectedError(
            f"cannot read the certificates in '{bundle}' ({setting}): {error}",
            "name a file of PEM certificates there, or remove the setting",
        ) from error
