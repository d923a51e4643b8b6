"""conda channels: the addresses in lock files, which hold variables instead of credentials."""

import os
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from resolvers.errors import ExpectedError
from resolvers.net import http, profile
from resolvers.net.addresses import is_url
from resolvers.redaction import without_secrets

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
"""A channel of the default host, with an optional label: ``conda-forge/label/dev``."""
TOKEN = re.compile(r"/t/([^/]+)(?=/|$)")
"""A token inside an address, as anaconda.org and other servers accept it."""
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
NO_DEFAULTS = "nodefaults"
"""Not a channel: the user's default channels are not added. Orbiter never adds them."""
SCHEMES = ("http", "https", "file")
LOGIN_HINT = (
    "log in with rattler or pixi (auth login HOST), use ~/.netrc, or write a variable: ${TOKEN}"
)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as conda-lock.yml stores it.

    ``url`` is a name or an address. Environment variables in it, listed in ``variables``, stand for
    credentials.
    """

    url: str
    variables: tuple[str, ...] = ()

    def address(self) -> str:
        """Return the address with the values of its variables.

        Raises ExpectedError if a variable is not set.
        """
        return expand_variables(self.url) if self.variables else self.url


def parse_channel(text: str) -> Channel:
    """Parse the name or address of a channel.

    Raises ExpectedError if it is neither, and if it contains credentials.
    """
    if "://" not in text:
        if NAME.fullmatch(text):
            return Channel(url=text)
        raise ExpectedError(
            f"'{text}' is not a channel",
            "write a name, such as conda-forge, or an address, https://…",
        )
    parts = _parse_address(text)
    # Users may write credentials only as variables: their values would end up in the lock.
    tokens = TOKEN.findall(parts.path)
    secrets = [secret for secret in (parts.username, parts.password, *tokens) if secret]
    variables = [_variable_name(secret, text) for secret in secrets]
    for secret, variable in zip(secrets, variables, strict=True):
        parts = _with_variable(parts, secret, variable)
    if VARIABLE.search(_without_secrets(parts)):
        raise ExpectedError(
            f"the channel {without_secrets(text)} has a variable in an unsupported place",
            "a variable can only be a user, a password or a token (/t/${TOKEN})",
        )
    url = urlunsplit(parts).rstrip("/")
    return Channel(url=url, variables=tuple(sorted(set(variables))))


def _parse_address(text: str) -> SplitResult:
    if not is_url(text):
        raise _invalid_address(text)
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or parts.query or parts.fragment:
        raise _invalid_address(text)
    return parts


def _invalid_address(text: str) -> ExpectedError:
    return ExpectedError(
        f"{without_secrets(text)} is not the address of a channel", "write https://HOST/CHANNEL"
    )


def _without_secrets(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2] + TOKEN.sub("", parts.path)


def _variable_name(secret: str, text: str) -> str:
    match = VARIABLE.fullmatch(secret)
    if not match:
        raise ExpectedError(
            f"the channel {without_secrets(text)} contains credentials, which a lock must not hold",
            LOGIN_HINT,
        )
    return match[1] or match[2]


def _with_variable(parts: SplitResult, secret: str, variable: str) -> SplitResult:
    """Return the address with a variable written as ``${NAME}``, like conda-lock does."""
    reference = f"${{{variable}}}"
    user_info, separator, host = parts.netloc.rpartition("@")
    words = [reference if word == secret else word for word in user_info.split(":")]

    def replace_token(match: re.Match[str]) -> str:
        return f"/t/{reference}" if match[1] == secret else match[0]

    path = TOKEN.sub(replace_token, parts.path)
    return parts._replace(netloc=":".join(words) + separator + host, path=path)


def expand_variables(url: str) -> str:
    """Return an address of a lock file with the values of its variables.

    Raises ExpectedError if a variable is not set.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        value = os.environ.get(name)
        if not value:
            raise ExpectedError(
                f"the environment variable {name}, which the channel {url} uses, is not set",
                f"set {name}",
            )
        return value

    return VARIABLE.sub(value_of, url)


def lockable_address(url: str, channels: Iterable[Channel]) -> str:
    """Return a package's address as it may be locked: with variables instead of their values.

    Raises ExpectedError if credentials remain: an index may list addresses of its own.
    """
    for channel in channels:
        if channel.variables and url.startswith(address := channel.address()):
            return channel.url + url.removeprefix(address)
    parts = urlsplit(url)
    if parts.username or parts.password or TOKEN.search(parts.path):
        raise ExpectedError(
            f"the channel lists addresses with credentials ({without_secrets(url)}), "
            "which a lock must not hold",
            LOGIN_HINT,
        )
    return url


def hide_secrets(text: str, channels: Iterable[Channel]) -> str:
    """Return the output of another program with the values of the channels' variables hidden."""
    for name in {name for channel in channels for name in channel.variables}:
        if value := os.environ.get(name):
            text = text.replace(value, f"${{{name}}}")
    return text


def unreachable(url: str, reason: str, channels: Iterable[Channel]) -> http.HTTPError:
    """Return the error for an address of a channel that did not respond, its secrets hidden."""
    for channel in channels:
        if url.startswith(f"{channel.url}/") or f"/{channel.url}/" in url:
            return http.unreachable(url, reason, "'channels' in images.toml")
    return http.unreachable(url, reason, "a mirror in the configuration of conda or rattler")


def join_causes(text: str) -> str:
    """Return rattler's chain of causes as one line, without repetitions and the mirror's token."""
    causes = [line.strip().removeprefix("Caused by:").strip() for line in text.splitlines()]
    line = ": ".join(dict.fromkeys(cause for cause in causes if cause))
    mirror = profile.value("mirrors.conda").rstrip("/")
    return line.replace(mirror, without_secrets(mirror)) if mirror else line
