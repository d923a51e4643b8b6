"""The client of all HTTP requests: its proxies, certificates and credentials."""

import netrc
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resolvers.errors import ExpectedError
from resolvers.net.certificates import tls_context

if TYPE_CHECKING:
    import httpx

CONNECTIONS = 32
LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Never use a proxy for these: the servers run on this machine, and requests carry their tokens."""
UNUSABLE_PROXY = "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY has a proxy that Orbiter cannot use"
PROXY_FORM = (
    "write it as http://host:port, with a user and a password before the host if it needs them, "
    "and % escapes in the password; SOCKS is not supported"
)


def new_client() -> "httpx.Client":
    """Return a client with the proxies and certificates of this machine's configuration."""
    import httpx

    tls = tls_context()
    try:
        return httpx.Client(
            verify=tls,
            follow_redirects=True,
            headers={"user-agent": "orbiter"},
            # More threads than connections may wait for one, for as long as a large file takes.
            timeout=httpx.Timeout(60, connect=20, pool=None),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            mounts=dict.fromkeys(LOOPBACK),
        )
    except (httpx.InvalidURL, ValueError, ImportError):
        # The cause would quote the address, which may hold a password. SOCKS is an ImportError.
        raise ExpectedError(UNUSABLE_PROXY, PROXY_FORM) from None


def netrc_credentials(url: str, headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the user and password that ~/.netrc has for a request without other credentials."""
    parts = urlsplit(url)
    if "authorization" in headers or parts.username or not parts.hostname:
        return None
    entry = _netrc_entry(os.environ.get("NETRC") or "~/.netrc", parts.hostname)
    return (entry[0], entry[2] or "") if entry else None


@cache
def _netrc_entry(file: str, host: str) -> tuple[str, str | None, str | None] | None:
    try:
        return netrc.netrc(Path(file).expanduser()).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None  # like pip, ignore a netrc file that cannot be read
