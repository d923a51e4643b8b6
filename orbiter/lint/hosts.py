"""Hosts: private ones, and those that a user allows."""

import ipaddress
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

PRIVATE_SUFFIXES = (
    ".local",
    ".localdomain",
    ".localhost",
    ".internal",
    ".intranet",
    ".corp",
    ".lan",
    ".home",
    ".private",
    ".home.arpa",
)
PRODUCTS = re.compile(r"(?:^|[.-])(?:artifactory|nexus|verdaccio|jfrog|proget|devpi)(?=[.-]|$)")
"""Programs that companies run as their package index, as a part of a host name."""
PRODUCT_PATHS = ("/artifactory/", "/nexus/")


def is_allowed(host: str, patterns: Iterable[str]) -> bool:
    """Return whether a host without port matches a pattern such as ``*.example.org``."""
    return any(fnmatchcase(host, pattern.lower()) for pattern in patterns)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _ip(host)
    return address is not None and address.is_loopback


def private_reason(host: str, path: str) -> str:
    """Return the reason why a host is probably private; "" if it looks public."""
    address = _ip(host)
    if address is not None:
        return "a private IP address" if address.is_private else ""
    if "." not in host or host.endswith(PRIVATE_SUFFIXES):
        return "a name of a local network"
    if PRODUCTS.search(host) or path.startswith(PRODUCT_PATHS):
        return "the package index of an organisation"
    return ""


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
