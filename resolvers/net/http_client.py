"""The client of all HTTP requests: its proxies, certificates and credentials."""

import netrc
import os
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from resolvers.errors import ExpectedError
from resolvers.net import profile
from resolvers.net.certificates import tls_context
from resolvers.net.proxies import proxy_variable

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

HOST_FORM = "write hosts such as example.org, 192.0.2.1 or ::1, without brackets, and , in between"


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
        if host := unusable_host():
            problem = f"{no_proxy_setting()} has the host '{host}', which cannot be used"
            raise ExpectedError(problem, HOST_FORM) from None
        raise ExpectedError(UNUSABLE_PROXY, PROXY_FORM) from None


def unusable_host() -> str:
    """Return the first host of NO_PROXY that httpx cannot use, without a password; "" if none."""
    import httpx

    for host in map(str.strip, getproxies().get("no", "").split(",")):
        if _is_ip_address(host):
            continue
        try:
            httpx.URL(host if "://" in host else f"all://*{host}")
        except httpx.InvalidURL:
            return host.rpartition("@")[2]
    return ""


def no_proxy_setting() -> str:
    """Return the variable or the key of the network profile that lists hosts without a proxy."""
    return profile.origin(proxy_variable("no"))


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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
