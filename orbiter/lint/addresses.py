"""Addresses in a text: credentials, tokens, missing encryption, and hosts."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

from orbiter.lint.characters import FREE_TEXT, KEY
from orbiter.lint.hosts import is_allowed, is_loopback, private_reason
from orbiter.lint.lines import Lines
from orbiter.lint.types import CheckedText, Finding, Settings
from resolvers.redaction import redact as without_logins

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
MAX_SCHEME = 20
REST = re.compile(r"[^\s\"'`|\\]*+")
CLOSERS = ",;)]}>"
KEY_BEFORE = re.compile(r"([\w.-]{1,40})[\"']?\s{0,9}[:=]\s{0,9}[\"']?\Z")
BEFORE = 80
"""Searched characters before an address for its key."""

NOT_DOWNLOADED = FREE_TEXT | {
    "dev_url",
    "doc_url",
    "from",
    "funding",
    "home",
    "homepage",
    "license_url",
    "source_url",
}
"""Keys whose addresses no tool downloads packages from."""
URL_IS_A_PAGE = ('"lockfileVersion"', '"Packages"')
"""Marks of formats in which the key ``url`` names a page: package-lock.json and renv.lock."""

VARIABLE = re.compile(r"\$\{?\w+\}?|\$?\{\{?[\s\w.]+\}\}?|%\w+%")
"""Reference to a variable, which is not a secret itself."""
MASK = re.compile(r"[*x•]+|<[^<>]*>|\[[a-z]+\]|-?redacted-?", re.IGNORECASE)
CONDA_TOKEN = re.compile(r"/t/([^/]+)/")
"""Token of a conda channel, the first component of the path."""
TOKEN_FORM = re.compile(r"/t/((?:[a-z]{2}-)?[0-9a-f]{8}-[0-9a-f-]{20,60}|<[^/<>]{1,40}>)/")
"""Token of a conda channel at any place; Debian has folders that are named t, too."""
QUERY_TOKEN = re.compile(
    r"[?&;#](?:access_?token|api_?key|auth|auth_?token|password|private_token|secret|sig"
    r"|signature|token|x-amz-signature|x-amz-security-token)=([^&#;]+)",
    re.IGNORECASE,
)
INSECURE = frozenset({"http", "ftp", "git", "git+http", "git+git", "svn", "svn+http", "hg+http"})


class Address(msgspec.Struct, frozen=True):
    """An address in a text; ``host`` has no port and is "" for a path."""

    line: int
    scheme: str
    user: str
    host: str
    path: str
    is_download: bool


def find_in_addresses(document: CheckedText, lines: Lines, settings: Settings) -> Iterator[Finding]:
    """Yield the faults of all addresses in a text; messages never contain a secret."""
    for address in _addresses(document, lines):
        yield from _secrets(address)
        if document.is_lock and address.is_download:
            yield from _transport(address, settings)


def redact(text: str) -> str:
    """Return a message without the credentials and tokens of the addresses in it."""
    if "://" not in text:
        return text
    text = CONDA_TOKEN.sub("/t/***/", without_logins(text, mark="***@"))
    return QUERY_TOKEN.sub(lambda match: match[0].removesuffix(match[1]) + "***", text)


def _addresses(document: CheckedText, lines: Lines) -> Iterator[Address]:
    text = document.text
    url_is_a_page = any(mark in text for mark in URL_IS_A_PAGE)
    position = text.find("://")
    while position >= 0:
        scheme = SCHEME.search(text, max(0, position - MAX_SCHEME), position)
        following = text.find("://", position + 3)
        # Cutting an address at the next one keeps the search linear.
        rest = REST.match(text, position + 3, following if following >= 0 else len(text))
        end = rest.end() if rest else position + 3
        if scheme and end > position + 3:
            key = _key(text, lines, scheme.start())
            is_page = key in NOT_DOWNLOADED or (key == "url" and url_is_a_page)
            is_download = not is_page and not _is_comment(lines, scheme.start())
            rest_text = text[position + 3 : end].rstrip(CLOSERS)
            yield _split(lines.number(position), scheme[0].lower(), rest_text, is_download)
        position = following


def _split(line: int, scheme: str, rest: str, is_download: bool) -> Address:
    authority, slash, path = rest.partition("/")
    authority = re.split(r"[?#]", authority, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    host = host.lower() if host.startswith("[") else host.partition(":")[0].lower()
    return Address(line, scheme, user, host, slash + path, is_download)


def _key(text: str, lines: Lines, position: int) -> str:
    """Return the key of an address, or of its line if the address is within a text."""
    if direct := KEY_BEFORE.search(text[max(0, position - BEFORE) : position]):
        return direct[1].lower()
    of_line = KEY.match(lines.before(position))
    return of_line[1].lower() if of_line else ""


def _is_comment(lines: Lines, position: int) -> bool:
    start = lines.before(position)
    # Explicit conda files have Python packages in comments.
    return start.startswith("#") and not start.startswith("# pip ")


def _secrets(address: Address) -> Iterator[Finding]:
    if _has_credentials(address):
        password = address.user.partition(":")[2] or address.user
        masked = "masked " if MASK.fullmatch(unquote(password)) else ""
        message = f"the address of {address.host or 'a package'} has {masked}credentials"
        yield Finding(rule="credentials", line=address.line, message=message)
    if (token := _token(address)) and not VARIABLE.fullmatch(token):
        masked = "a masked" if MASK.fullmatch(unquote(token)) else "an access"
        message = f"the address of {address.host or 'a package'} has {masked} token"
        yield Finding(rule="token", line=address.line, message=message)


def _has_credentials(address: Address) -> bool:
    user, _, password = address.user.partition(":")
    if not address.user or "/" in address.user:
        return False
    if not password and ("ssh" in address.scheme or user in {"git", "hg"}):
        return False  # the usual account of a server for repositories, without a password
    return not VARIABLE.fullmatch(password or user)


def _token(address: Address) -> str:
    if match := CONDA_TOKEN.match(address.path) or TOKEN_FORM.search(address.path):
        return match[1]
    query = QUERY_TOKEN.search(address.path)
    return query[1] if query else ""


def _transport(address: Address, settings: Settings) -> Iterator[Finding]:
    host = address.host
    if address.scheme in INSECURE and not is_loopback(host):
        shown = f"{address.scheme}://{host}"
        yield Finding(rule="insecure-address", line=address.line, message=shown)
    if not host or address.scheme.endswith("file"):
        return
    if is_allowed(host, settings.allowed_hosts):
        return
    if settings.allowed_hosts:
        yield Finding(rule="host-not-allowed", line=address.line, message=host)
    if reason := private_reason(host, address.path):
        yield Finding(rule="private-host", line=address.line, message=f"{host} is {reason}")
