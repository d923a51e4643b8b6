"""The proxies of this machine, as ``http`` uses them."""

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from resolvers.net.http import is_address, is_loopback


def proxy_of(url: str) -> str:
    """Return the address of the proxy for requests to a URL; "" without one."""
    if not is_address(url):
        return ""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or is_loopback(host) or proxy_bypass(parts.netloc):
        return ""
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all", "")


def proxy_variable(scheme: str) -> str:
    """Return the environment variable that sets the proxy of a scheme; "" without one.

    ``no`` stands for the hosts without a proxy.
    """
    names = [f"{scheme}_proxy", "all_proxy"] if scheme != "no" else ["no_proxy"]
    # As in urllib, whose rules httpx uses, lower case comes first.
    candidates = (variable for name in names for variable in (name, name.upper()))
    return next(filter(os.environ.get, candidates), "")
