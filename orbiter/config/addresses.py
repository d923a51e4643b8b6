"""Addresses of servers in images.toml. Pure."""

import re
from urllib.parse import urlsplit

from resolvers.net.addresses import is_url

_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~:/+%-]*)?")


def is_plain_address(url: str) -> bool:
    """Return whether a text is an http or https address without credentials, query and fragment."""
    return bool(_PLAIN.fullmatch(url) and is_url(url) and urlsplit(url).hostname)
