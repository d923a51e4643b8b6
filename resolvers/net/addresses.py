"""Parts of addresses that people and servers wrote. Pure."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


def is_url(text: str) -> bool:
    """Return whether a text has the parts of a URL; ``urlsplit`` fails on some brackets and ports.

    Check each address that a person or a server wrote before splitting it.
    """
    try:
        urlsplit(text).port  # noqa: B018  # reading the port validates it
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host, without brackets and port, is this machine."""
    import ipaddress  # rarely needed, and this module is part of every start

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_unencrypted(url: str) -> bool:
    """Return whether a valid address sends a file over a network in plain text."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def local_path(url: str) -> Path:
    """Return the path that a ``file:`` URL names."""
    return Path(unquote(urlsplit(url).path))
