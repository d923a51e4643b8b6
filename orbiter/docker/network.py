"""This machine's network in containers that resolve: proxies, certificates and mirrors."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from resolvers.distro.scripts import NETWORK, with_variables
from resolvers.net import certificates, http, profile
from resolvers.net.proxies import complete


def script_start() -> str:
    """Return the lines to run before a script in a container; "" if nothing is configured."""
    variables = {
        "certificates": certificates.configured_certificates(),
        "debian": profile.value("mirrors.apt"),
        "security": profile.value("mirrors.apt-security"),
        "alpine": profile.value("mirrors.apk"),
    }
    return with_variables((NETWORK,), **variables) if any(variables.values()) else ""


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
        http.is_address(address) and http.is_loopback(urlsplit(address).hostname or "")
        for address in addresses
    )
