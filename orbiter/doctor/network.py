"""Checks of what all requests share: proxies and certificates."""

import os

from orbiter.doctor.check import Asks
from orbiter.doctor.result import Outcome, failed, ok
from resolvers.net.certificates import bundle, tls_context
from resolvers.net.http_client import HOST_FORM, PROXY_FORM, no_proxy_setting, unusable_host
from resolvers.net.profile import origin
from resolvers.net.proxies import complete, is_usable, proxy_variable
from resolvers.redaction import redact


def check_certificates(_asks: Asks) -> Outcome:
    """Read the certificates to trust as the HTTP client does."""
    tls_context()
    found = bundle()
    if found is None:
        return ok("those of the system, and those of certifi")
    return ok(f"{found.path}, named by {found.setting}")


def check_proxies(_asks: Asks) -> Outcome:
    """Report the proxies; the checks of addresses say which one each of them uses."""
    if host := unusable_host():
        problem = f"{no_proxy_setting()} has the host '{host}', which cannot be used"
        return failed(problem, HOST_FORM, "proxy")
    used = {scheme: proxy_variable(scheme) for scheme in ("http", "https")}
    if not any(used.values()):
        return ok("none")
    for variable in filter(None, used.values()):
        if not is_usable(os.environ[variable]):
            problem = f"{_address(variable)}, set by {origin(variable)}, cannot be used"
            return failed(problem, PROXY_FORM, "proxy")
    shown = [_proxy(scheme, variable) for scheme, variable in used.items()]
    if variable := proxy_variable("no"):
        shown.append(f"none for {os.environ[variable]} (set by {origin(variable)})")
    return ok(", ".join(shown))


def _proxy(scheme: str, variable: str) -> str:
    if not variable:
        return f"none for {scheme}"
    return f"{_address(variable)} for {scheme} (set by {origin(variable)})"


def _address(variable: str) -> str:
    return redact(complete(os.environ[variable]))
