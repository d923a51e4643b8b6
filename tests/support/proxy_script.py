"""A script of mitmproxy: hosts that only this proxy knows, and a log of all requests.

It runs in mitmproxy's own environment, so it imports nothing of this repository.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NOWHERE = ("http://127.0.0.1:1", "/")


def request(flow: Any) -> None:
    """Send a request to the server of its host; any other host is never reached."""
    sent = flow.request
    host = sent.pretty_host
    with Path(os.environ["PROXY_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{host}{sent.path}\n")
    routes = json.loads(Path(os.environ["PROXY_ROUTES"]).read_text("utf-8"))
    target, prefix = routes.get(host, NOWHERE)
    parts = urlsplit(target)
    sent.scheme, sent.host = parts.scheme, parts.hostname
    sent.port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    sent.path = f"{parts.path.rstrip('/')}/{sent.path.removeprefix(prefix)}"
