"""Passwords from the program ``keyring``, if pip's or uv's configuration asks for it.

Like pip and uv, Orbiter asks only for an address with a user and without a password:
https://pip.pypa.io/en/stable/topics/authentication/#keyring-support.
"""

import os
import shutil
from functools import cache
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from resolvers import process
from resolvers.errors import ProgramError
from resolvers.net import pip_config

VARIABLE = "UV_KEYRING_PROVIDER"
OPTION = "keyring-provider"
ENABLED = frozenset({"subprocess", "import"})
"""Providers that ask; ``import`` means pip's own environment, of which only the program is left."""


def with_password(url: str) -> str:
    """Return the address of an index with its password from the keyring, if it lacks one."""
    parts = urlsplit(url)
    if not parts.username or parts.password is not None or not _is_enabled():
        return url
    host = parts.netloc.rpartition("@")[2]
    address = urlunsplit(parts._replace(netloc=host))
    user = unquote(parts.username)
    password = _password(address, user) or _password(host, user)
    if not password:
        return url
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{quote(password, safe='')}@{host}"))


def _is_enabled() -> bool:
    provider = os.environ.get(VARIABLE) or pip_config.settings().get(OPTION, "")
    return provider.lower() in ENABLED


def _password(service: str, user: str) -> str:
    program = shutil.which("keyring")
    return _ask(program, service, user) if program else ""


@cache
def _ask(program: str, service: str, user: str) -> str:
    """Return the password of a service, or "" if the keyring has none."""
    try:
        return process.run([program, "get", service, user]).rstrip("\r\n")
    except ProgramError:
        return ""
