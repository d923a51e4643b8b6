"""This machine's network in containers that resolve: proxies, certificates and mirrors."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from resolvers.distro.scripts import NETWORK, with_variables
from resolvers.net import certificates, profile
from resolvers.net.addresses import is_loopback, is_url
from resolvers.net.proxies import complete
from resolvers.redaction import redact


def script_start() -> str:
    """Return the lines to run before a script in a container; "" if nothing is configured."""
    debian, security = profile.value("mirrors.apt"), profile.value("mirrors.apt-security")
    variables = {
        "certificates": certificates.configured_certificates(),
        "logins": "".join(map(_login, (debian, security))),
        "debian": redact(debian),
        "security": redact(security),
        "alpine": profile.value("mirrors.apk"),
    }
    return with_variables((NETWORK,), **variables) if any(variables.values()) else ""


def _login(mirror: str) -> str:
    """Return the line of apt_auth.conf(5) for a mirror; "" without a login in its address.

    apt itself decodes an address before it looks for the host, so a password in an address cannot
    have every character.
    """
    parts = urlsplit(mirror)
    if not parts.username:
        return ""
    scheme = "http://" if parts.scheme == "http" else ""
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/"
    user, password = unquote(parts.username), unquote(parts.password or "")
    return f"machine {scheme}{place} login {user} password {password}\n"


def proxy_variables() -> dict[str, str]:
    """Return the variables of this machine's proxies, in small letters and in capitals.

    apt reads only those in small letters.
    """
    from urllib.request import getproxies_environment  # only containers need it

    found = {f"{name}_proxy": address for name, address in getproxies_environment().items()}
    return {**found, **{name.upper(): address for name, address in found.items()}}


def needs_host_network(variables: Mapping[str, str]) -> bool:
    """Return whether a proxy is on this machine's loopback interface."""
    addresses = (
        complete(value) for name, value in variables.items() if not name.lower().startswith("no_")
    )
    return any(
        is_url(address) and is_loopback(urlsplit(address).hostname or "") for address in addresses
    )
