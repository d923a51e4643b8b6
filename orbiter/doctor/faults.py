"""The kind of a failed request, and its remedy. Pure."""

import re
from collections.abc import Mapping

from orbiter.doctor.result import Fault, Outcome, failed
from resolvers.errors import ExpectedError
from resolvers.net.certificates import Bundle
from resolvers.net.http import HTTPError

_ANSWER = re.compile(r"(?s)\S+ (?:did not respond: |returned )(?P<reason>.*)")
_ORIGIN = re.compile(r" \(the address comes from [^()]*\)")
_STATUS = re.compile(r"(?:\(|code E|returned |HTTP |… )(?P<status>[45]\d\d)\b")
"""The status of a response in the text of rattler, npm, Orbiter, Docker or apt."""
_PROXY_STATUS = re.compile(r"[45]\d\d ")
"""The start of the answer of a proxy that does not connect to a server."""
_TEXTS: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    (
        "certificate",
        re.compile(
            r"(?i)certificate.verify.failed|peer certificate|self.signed.cert|UnknownIssuer|x509"
            r"|UNABLE_TO_(?:GET|VERIFY)|certificate has expired|CERT_HAS_EXPIRED"
        ),
    ),
    (
        "name",
        re.compile(
            r"(?i)name or service not known|temporary failure in name resolution|no address assoc"
            r"|dns error|name does not exist|ENOTFOUND|EAI_AGAIN|could not resolve|no such host"
            r"|getaddrinfo"
        ),
    ),
    ("missing", re.compile(r"manifest unknown")),
    ("server", re.compile(r"(?i)toomanyrequests")),
    ("credentials", re.compile(r"(?i)unauthorized|access denied|authentication required")),
    ("refused", re.compile(r"(?i)refused")),
    ("time-out", re.compile(r"(?i)timed? ?out|ETIMEDOUT|no answer (?:in|within)")),
    ("not an index", re.compile(r"is not a (?:page of a package index|valid registry response)")),
)
"""Texts of OpenSSL, the C library, rattler, npm, Docker and Orbiter, most certain ones first."""
_BY_STATUS: Mapping[int, Fault] = {
    401: "credentials",
    403: "credentials",
    404: "missing",
    407: "proxy password",
    410: "missing",
    429: "server",
}
_SERVER_ERROR = 500
_PHRASES: Mapping[Fault, str] = {
    "name": "the name of the server does not resolve",
    "refused": "the server refused the connection",
    "proxy": "the proxy does not connect to the server",
    "proxy password": "the proxy needs a user and a password",
    "certificate": "the certificate of the server is not trusted",
    "credentials": "the server does not accept the credentials",
    "missing": "the server does not have this address",
    "server": "the server has a problem, or a proxy cannot reach it",
    "time-out": "the server did not answer in time",
}
REMEDIES: Mapping[Fault, str] = {
    "name": "correct the address, or name the proxy of your network in config.toml or HTTPS_PROXY",
    "refused": "correct the host and the port, or start the server",
    "proxy": "correct the proxy in HTTPS_PROXY or HTTP_PROXY, let it allow this server, or name "
    "the server in NO_PROXY to ask it directly",
    "proxy password": "write the user, a colon, the password and @ before the host of the proxy in "
    "HTTPS_PROXY or HTTP_PROXY",
    "certificate": "name a file with the CA certificates of your network in config.toml or "
    "SSL_CERT_FILE",
    "credentials": "add credentials for the server to ~/.netrc, or to the setting that holds "
    "its address",
    "missing": "correct the address; the one of a Python index ends in /simple/",
    "server": "try again later, or ask the people who run the server",
    "not an index": "open the address in a browser: a proxy or a login page may answer instead; "
    "correct the address, or add the server to NO_PROXY",
    "time-out": "check that this machine is online, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY: a "
    "firewall may drop direct connections",
}
_WRONG_TIME = re.compile(r"(?i)expired|not yet valid|NotValidYet")
_CLOCK = "set the clock of this machine if it is wrong, or renew the certificate of the server"
_SPECIFIC = frozenset({"credentials", "missing", "other"})
"""Faults of which the error itself knows the better remedy."""


def fault_of(status: int, reason: str, *, has_proxy: bool = False) -> Fault:
    """Return the kind of a failed request.

    ``status`` is 0 without an answer. ``reason`` is the text of the error without the address.
    """
    if status:
        return _fault_of_status(status)
    if _PROXY_STATUS.match(reason):
        return "proxy password" if reason.startswith("407") else "proxy"
    if match := _STATUS.search(reason):
        return _fault_of_status(int(match["status"]))
    fault: Fault = next((each for each, text in _TEXTS if text.search(reason)), "other")
    # Only the proxy is connected to, so these are faults of its address.
    return "proxy" if has_proxy and fault in {"name", "refused"} else fault


def _fault_of_status(status: int) -> Fault:
    if status >= _SERVER_ERROR:
        return "server"
    return _BY_STATUS.get(status, "other")


def diagnose(
    error: ExpectedError, *, has_proxy: bool = False, bundle: Bundle | None = None
) -> Outcome:
    """Return the outcome of a check whose request failed; ``bundle`` has the trusted certificates.

    It is None for those of the system.
    """
    status = error.status if isinstance(error, HTTPError) else 0
    reason = reason_of(error.message)
    fault = fault_of(status, reason, has_proxy=has_proxy)
    phrase = _PHRASES.get(fault, "")
    hint = _certificate_remedy(reason, bundle) if fault == "certificate" else _remedy(fault, error)
    return failed(f"{phrase}: {reason}" if phrase else reason, hint, fault)


def reason_of(message: str) -> str:
    """Return the message of an error without the address that was asked, on one line."""
    words = _ORIGIN.sub("", message).split()
    if match := _ANSWER.fullmatch(" ".join(words)):
        return match["reason"]
    # A pattern would take a time that grows with the square of the length of a word.
    return " ".join("…" if _is_address(word) else word for word in words)


def _is_address(word: str) -> bool:
    # A scheme without a host, such as 'http://', is not the address that was asked.
    _, found, rest = word.partition("://")
    return bool(found and rest.strip("'`\"."))


def _certificate_remedy(reason: str, bundle: Bundle | None) -> str:
    if _WRONG_TIME.search(reason):
        return _CLOCK
    if bundle is None:
        return REMEDIES["certificate"]
    # Another variable would have no effect, because this one counts first.
    return f"add the CA certificates of your network to {bundle.path}, which {bundle.setting} names"


def _remedy(fault: Fault, error: ExpectedError) -> str:
    if fault in _SPECIFIC and error.hint:
        return error.hint
    return REMEDIES.get(fault, error.hint)
