"""The error for a mirror that a container cannot reach."""

import re

from resolvers.errors import ExpectedError
from resolvers.net import http

HINT = (
    "check that this machine is online, and the proxy of containers: 'proxies' in "
    "~/.docker/config.json, otherwise that of this machine"
)


def unreachable(output: str, pattern: re.Pattern[str], origin: str) -> ExpectedError | None:
    """Return the error for the first mirror that did not respond, or None if all did.

    ``pattern`` has the groups ``url`` and ``reason``. ``origin`` names the file with the address.
    """
    failed = pattern.search(output)
    if not failed:
        return None
    return http.unreachable(failed["url"], failed["reason"].rstrip(" :"), origin, HINT)
