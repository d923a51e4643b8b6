"""The channels of conda: what may stand in a lock file, and what is really asked for. No secret gets into a lock."""

import os
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from resolvers.errors import ExpectedError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
"""A channel of the usual host, perhaps with a label: ``conda-forge``, ``conda-forge/label/dev``."""
TOKEN = re.compile(r"/t/([^/]+)(?=/|$)")
"""How anaconda.org and others take a token in an address."""
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
PERMITTED = ("http", "https", "file")
LOGIN = "log in with rattler or pixi (auth login HOST), use ~/.netrc, or write the name of a variable: ${TOKEN}"


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as conda-lock.yml has it.

    ``url`` is a name or an address in which variables of the environment, ``variables``, stand for credentials.
    """

    url: str
    variables: tuple[str, ...] = ()

    def address(self) -> str:
        """What to ask for: the variables replaced by their values. Raises ExpectedError where one is not set."""
        return expanded(self.url) if self.variables else self.url


def channel(text: str) -> Channel:
    """Read a channel's name or address. Raises ExpectedError for credentials, and for what is neither."""
    if "://" not in text:
        if NAME.fullmatch(text):
            return Channel(url=text)
        raise ExpectedError(
            f"'{text}' is no channel", "write a name, such as conda-forge, or an address, https://…"
        )
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise ExpectedError(
            f"{_shown(text)} is no address of a channel", "write https://HOST/CHANNEL"
        ) from None
    if parts.scheme not in PERMITTED or parts.query or parts.fragment:
        raise ExpectedError(
            f"{_shown(text)} is no address of a channel", "write https://HOST/CHANNEL"
        )
    tokens = TOKEN.findall(parts.path)
    secrets = [each for each in (parts.username, parts.password, *tokens) if each]
    names = [_variable(each, text) for each in secrets]
    for secret, name in zip(secrets, names, strict=True):
        parts = _with_variable(parts, secret, name)
    if VARIABLE.search(_without_secrets(parts)):
        raise ExpectedError(
            f"the channel {_shown(text)} has a variable where none is replaced",
            "a variable stands for a user, a password or a token (/t/${TOKEN})",
        )
    return Channel(url=urlunsplit(parts).rstrip("/"), variables=tuple(sorted(set(names))))


def _without_secrets(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2] + TOKEN.sub("", parts.path)


def _variable(secret: str, text: str) -> str:
    found = VARIABLE.fullmatch(secret)
    if not found:
        raise ExpectedError(
            f"the channel {_shown(text)} is given with credentials, which no lock may hold", LOGIN
        )
    return found[1] or found[2]


def _with_variable(parts: SplitResult, secret: str, name: str) -> SplitResult:
    """The address with one spelling of a variable, the one that conda-lock writes."""
    spelled = f"${{{name}}}"
    user, separator, host = parts.netloc.rpartition("@")
    words = [spelled if word == secret else word for word in user.split(":")]
    path = TOKEN.sub(lambda found: f"/t/{spelled}" if found[1] == secret else found[0], parts.path)
    return parts._replace(netloc=":".join(words) + separator + host, path=path)


def expanded(url: str) -> str:
    """An address of a lock file with the values of its variables. Raises ExpectedError where one is not set."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if not (value := os.environ.get(name)):
            raise ExpectedError(
                f"the variable {name} of the channel {url} is not set", f"set {name} to its value"
            )
        return value

    return VARIABLE.sub(value, url)


def without_values(url: str, channels: Iterable[Channel]) -> str:
    """A package's address as it may be locked: variables instead of their values.

    Raises ExpectedError where credentials are left, as where an index of packages names them itself.
    """
    for each in channels:
        if each.variables and url.startswith(address := each.address()):
            return each.url + url[len(address) :]
    parts = urlsplit(url)
    if parts.username or parts.password or TOKEN.search(parts.path):
        raise ExpectedError(
            f"the channel gives addresses with credentials, {_shown(url)}, which no lock may hold",
            LOGIN,
        )
    return url


def hidden(text: str, channels: Iterable[Channel]) -> str:
    """What another program said of the channels, without the values of their variables."""
    for name in {name for each in channels for name in each.variables}:
        if value := os.environ.get(name):
            text = text.replace(value, f"${{{name}}}")
    return text


def in_one_line(text: str) -> str:
    """A chain of causes as rattler tells it, each said once."""
    causes = [line.strip().removeprefix("Caused by:").strip() for line in text.splitlines()]
    return ": ".join(dict.fromkeys(cause for cause in causes if cause))


def _shown(text: str) -> str:
    """An address for an error message; all that may be a secret is left out."""
    scheme, _, rest = text.partition("://")
    return f"{scheme}://{TOKEN.sub('/t/…', rest.rpartition('@')[2]).partition('?')[0]}"
