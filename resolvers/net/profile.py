"""The network profile of this machine: the settings that all managers share.

Most settings become the environment variables that programs and libraries already read. The others
are read here.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from resolvers.redaction import redact, without_secrets

CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name a file or folder of certificates; the first one set counts."""
ALL_PROXIES = ("ALL_PROXY", "all_proxy")
LOOPBACK = "localhost,127.0.0.1,::1"


class Setting(NamedTuple):
    """A value, and its origin for messages: ``mirrors.pip in /etc/orbiter/config.toml``."""

    value: str
    origin: str


Settings = Mapping[str, Setting]
"""The settings of a profile by their key below ``[network]``: ``proxy``, ``mirrors.pip``."""


class _Rule(NamedTuple):
    """The variables that a setting sets, unless one of them or of ``others`` is set already."""

    variables: tuple[str, ...]
    others: tuple[str, ...] = ()


RULES: Mapping[str, tuple[_Rule, ...]] = {
    # curl reads only the name in lower case, other programs only the one in capitals.
    "proxy": (
        _Rule(("HTTP_PROXY", "http_proxy"), ALL_PROXIES),
        _Rule(("HTTPS_PROXY", "https_proxy"), ALL_PROXIES),
    ),
    "no-proxy": (_Rule(("NO_PROXY", "no_proxy")),),
    "ca-bundle": (
        _Rule(CERTIFICATE_VARIABLES),
        _Rule(("NODE_EXTRA_CA_CERTS",)),
        _Rule(("GIT_SSL_CAINFO",)),
    ),
    "archive": (_Rule(("ORBITER_ARCHIVE",)),),
    "mirrors.pip": (_Rule(("PIP_INDEX_URL",)),),
    "mirrors.npm": (_Rule(("npm_config_registry",), ("NPM_CONFIG_REGISTRY",)),),
}
"""The variables of each setting that programs know."""


class _State(msgspec.Struct):
    """The profile of this process, and the variables that it set."""

    settings: Settings = {}
    variables: Settings = {}


_state = _State()


def variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, Setting]:
    """Return the environment variables that a profile adds to an environment. Pure.

    A variable that is set counts before the profile, even if it is empty.
    """
    added: dict[str, Setting] = {}
    for key, rules in RULES.items():
        if key not in settings:
            continue
        for rule in rules:
            if not any(name in environ for name in (*rule.variables, *rule.others)):
                added |= dict.fromkeys(rule.variables, settings[key])
    return added


def use(settings: Settings) -> None:
    """Use a profile in this process and in the programs that it starts."""
    _state.settings = settings
    _state.variables = variables(_with_loopback(settings), os.environ)
    os.environ.update({name: setting.value for name, setting in _state.variables.items()})


def _with_loopback(settings: Settings) -> Settings:
    """Return settings whose proxy is not for this machine, where a Docker engine may listen."""
    if "proxy" not in settings:
        return settings
    hosts = settings.get("no-proxy", settings["proxy"]._replace(value=""))
    value = ",".join(filter(None, (LOOPBACK, hosts.value)))
    return {**settings, "no-proxy": hosts._replace(value=value)}


def is_used() -> bool:
    """Return whether this machine has a profile."""
    return bool(_state.settings)


def setting(key: str) -> Setting | None:
    """Return a setting of the profile; None if it lacks the key."""
    return _state.settings.get(key)


def value(key: str) -> str:
    """Return the value of a setting, or "" if the profile lacks the key."""
    found = setting(key)
    return found.value if found else ""


def values_below(table: str) -> dict[str, str]:
    """Return the settings of a table of the profile by the rest of their keys."""
    start = f"{table}."
    found = {key: setting for key, setting in _state.settings.items() if key.startswith(start)}
    return {key.removeprefix(start): setting.value for key, setting in found.items()}


def origin(variable: str) -> str:
    """Return the name of a variable, or the key and the file of the profile that set it."""
    found = _state.variables.get(variable)
    is_unchanged = found is not None and os.environ.get(variable) == found.value
    return found.origin if found and is_unchanged else variable


def origin_of_mirror(url: str) -> str:
    """Return the origin of the mirror that an address is on; "" if the profile has no such mirror.

    Secrets in the address of the mirror do not count: messages of programs leave them out.
    """
    shown = f"{without_secrets(url)}/"
    for key, found in _state.settings.items():
        mirror = f"{without_secrets(found.value).rstrip('/')}/"
        if key.startswith("mirrors.") and shown.startswith(mirror):
            return found.origin
    return ""


def with_login(url: str) -> str:
    """Return the address of a mirror, or of a file on it, with the login that the profile has."""
    for key, found in _state.settings.items():
        mirror = redact(found.value).rstrip("/")
        if key.startswith("mirrors.") and f"{url}/".startswith(f"{mirror}/"):
            return found.value.rstrip("/") + url.removeprefix(mirror)
    return url
