"""The proxies of this machine, as ``http`` uses them."""

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from resolvers.net.addresses import is_loopback, is_url


def proxy_of(url: str) -> str:
    """Return the address of the proxy for requests to a URL; "" without one."""
    if not is_url(url):
        return ""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or is_loopback(host) or proxy_bypass(parts.netloc):
        return ""
    proxies = getproxies()
    return complete(proxies.get(parts.scheme) or proxies.get("all", ""))


def complete(proxy: str) -> str:
    """Return the address of a proxy with the scheme that it has if none is written."""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def is_usable(proxy: str) -> bool:
    """Return whether the HTTP client can use the address of a proxy."""
    address = complete(proxy)
    return is_url(address) and urlsplit(address).scheme in {"http", "https"}


def proxy_variable(scheme: str) -> str:
    """Return the environment variable that sets the proxy of a scheme; "" without one.

    ``no`` stands for the hosts without a proxy.
    """
    names = [f"{scheme}_proxy", "all_proxy"] if scheme != "no" else ["no_proxy"]
    # As in urllib, whose rules httpx uses, lower case comes first, even if it is empty.
    candidates = (name if name in os.environ else name.upper() for name in names)
    return next(filter(os.environ.get, candidates), "")
