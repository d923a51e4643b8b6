"""The reasons why npm failed, from its output. Pure."""

import json
import re

from resolvers.net.http import HTTPError, with_origin
from resolvers.npm.config import NpmConfig
from resolvers.redaction import redact

FAILED_REQUEST = re.compile(r"request to (?P<url>\S+) failed, reason: *(?P<reason>.*)")
LOGIN = re.compile(r"://[^/@]*@")
SUMMARY = re.compile(r'^ *"summary": (".*"),?$', re.MULTILINE)
"""The line of the error that npm prints as JSON."""
ERROR_PREFIX = re.compile(r"^npm (error|ERR!) ?")
LOG_FILE_LINE = re.compile(r"complete log of this run|Log files were not written")


def explanation(output: str) -> str:
    """Return the lines of npm's output without what does not explain a failure, indented."""
    lines = [ERROR_PREFIX.sub("", line) for line in output.splitlines()]
    return "\n".join(
        f"  {line}" for line in lines if line.strip() and not LOG_FILE_LINE.search(line)
    )


def unreachable(output: str, config: NpmConfig) -> HTTPError | None:
    """Return the error for an address that does not respond, in one line; None for others."""
    if failed := FAILED_REQUEST.search(output):
        return not_responding(failed["url"], failed["reason"], config)
    return None


def not_responding(url: str, reason: str, config: NpmConfig) -> HTTPError:
    """Return the error for an address on a registry, with the origin of the registry."""
    # redact alone would take the @ of a scope for the end of a login.
    shown = redact(LOGIN.sub("://", url))
    registries = config.registries.items()
    scope = next((scope for scope, start in registries if shown.startswith(redact(start))), "")
    error = HTTPError(
        f"{shown} did not respond: {reason}",
        "check that this machine is online, and the proxies in npm's configuration",
    )
    return with_origin(error, config.origins.get(scope, ""))


def summary(output: str) -> str:
    """Return the reason for a failure of ``npm … --json`` in one line; "" if npm printed none."""
    if found := SUMMARY.search(output):
        return redact(" ".join(str(json.loads(found[1])).split()))
    lines = [line.strip() for line in explanation(output).splitlines()]
    return redact(next((line for line in lines if not line.startswith("code ")), ""))
