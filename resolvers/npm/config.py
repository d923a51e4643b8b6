"""npm's configuration of this machine as npm prints it: registries and credentials."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from resolvers.net import profile

UNSUPPORTED_SETTINGS = frozenset(
    {"cert", "https-proxy", "key", "local-address", "noproxy", "proxy"}
)
"""Settings of connections that ``net.http`` does not follow."""
SECTION = re.compile(r'^; "(\w+)" config from (.*)$', re.MULTILINE)
SETTING = re.compile(r"([^;\s]\S*) = (.*)")
TOKEN = re.compile(r"\s*(//\S+?):_authToken\s*=\s*\"?([^\s\"]+)\"?\s*")
REGISTRY = re.compile(r"\s*(?:@[^\s:=]+:)?registry\s*=\s*\"?([^\s\"]+)\"?\s*")
PASSWORD = re.compile(r"(://[^/@:]*:)[^/@]*@")
PROTECTED = "(protected)"
"""Printed by npm in place of credentials."""
HIDDEN = ":***@"
"""Printed by npm in place of the password in an address."""


class NpmConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The configured registries and credentials.

    ``registries`` maps scopes to addresses, the default registry is under "". ``tokens`` maps the
    start of an address (``//host/path/``) to a token. ``is_simple`` means that requests to these
    registries with these tokens are all that npm would do: there is no proxy, client certificate or
    other kind of credentials in npm's own configuration. ``project`` is the path of the .npmrc in
    the working folder, or "": npm does not read it when it works in another folder. ``origins``
    names the file or the variable that sets a registry, by scope.
    """

    registries: Mapping[str, str]
    tokens: Mapping[str, str] = {}
    is_simple: bool = True
    project: str = ""
    origins: Mapping[str, str] = {}

    def with_registries(self, registries: Mapping[str, str]) -> "NpmConfig":
        """Return the configuration with registries of images.toml, by scope, instead of its own."""
        return replace(self, registries={**self.registries, **registries})

    def registry(self, path: str) -> str:
        """Return the address, ending in a slash, of a package's registry.

        ``path`` starts with the name of the package.
        """
        scope = path.partition("/")[0] if path.startswith("@") else ""
        address = self.registries.get(scope) or self.registries[""]
        return f"{address.rstrip('/')}/"

    def packument(self, name: str) -> str:
        """Return the address of a registry's response for a package."""
        # Registries expect the slash after a scope to be escaped.
        return self.registry(name) + name.replace("/", "%2f")

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that authorise a request to the URL."""
        address = url.partition(":")[2]
        for start, token in self.tokens.items():
            if address.startswith(start):
                return {"authorization": f"Bearer {token}"}
        return {}

    def tarball(self, source: str) -> str:
        """Return the address of a tarball; ``source`` is ``<package>/-/<file name>``."""
        return f"{self.registry(source)}{quote(source, safe='/@')}"


class _Setting(NamedTuple):
    section: str
    key: str
    value: str
    """The value as JSON."""


def read(listing: str) -> NpmConfig:
    """Read the output of ``npm config list -l``, and the tokens in the .npmrc files it names."""
    settings = list(_settings(listing))
    values = {setting.key: setting.value for setting in settings}
    registries = {
        key.removesuffix(":registry"): _string(value)
        for key, value in values.items()
        if key.endswith(":registry")
    }
    files = {}
    for section, origin in SECTION.findall(listing):
        if origin.startswith("/"):  # other origins are "default values" and the like
            files[section] = origin
    # npm does not print tokens and passwords, so read them from its files.
    tokens: dict[str, str] = {}
    written = [value for name, value in os.environ.items() if name.lower().endswith("registry")]
    for path in files.values():
        lines = _lines(Path(path))
        tokens |= _tokens(lines)
        written += _addresses(lines)
    registries[""] = _string(values["registry"])
    complete = {scope: _complete(url, written) for scope, url in registries.items()}
    hidden = any(map(_is_hidden, complete.values()))
    return NpmConfig(
        registries=complete,
        tokens=tokens,
        project=files.get("project", ""),
        is_simple=_is_simple(settings, values, tokens) and not hidden,
        origins=_origins(settings, files),
    )


def _origins(settings: Iterable[_Setting], files: Mapping[str, str]) -> dict[str, str]:
    """Return the file or the variable that sets a registry, by scope."""
    origins = {}
    for section, key, _ in settings:
        if key != "registry" and not key.endswith(":registry"):
            continue
        origin = files.get(section, "")
        if section == "env":
            origin = profile.origin(f"npm_config_{key}")
        if origin:
            origins[key.removesuffix("registry").removesuffix(":")] = origin
    return origins


def _is_simple(
    settings: list[_Setting], values: Mapping[str, str], tokens: Mapping[str, str]
) -> bool:
    configured = {each.key for each in settings if each.section not in {"default", "cli"}}
    credentials = {
        key.removesuffix(":_authToken")
        for key in configured
        if key.startswith("//") or values[key] == PROTECTED
    }
    verifies_certificates = values.get("strict-ssl") != "false"
    known_credentials = credentials <= tokens.keys()
    return verifies_certificates and known_credentials and not configured & UNSUPPORTED_SETTINGS


def _settings(listing: str) -> Iterator[_Setting]:
    """Yield all settings that are in effect; npm prints overridden ones as comments."""
    section = ""
    for line in listing.splitlines():
        if start := SECTION.fullmatch(line):
            section = start[1]
        elif setting := SETTING.fullmatch(line):
            yield _Setting(section, setting[1], setting[2])


def _string(value: str) -> str:
    return str(json.loads(value))


def _lines(npmrc: Path) -> list[str]:
    """Return the lines of an .npmrc, which may be in any encoding; none if it is missing."""
    if not npmrc.exists():
        return []
    return npmrc.read_text(encoding="utf-8", errors="replace").splitlines()


def _tokens(lines: Iterable[str]) -> dict[str, str]:
    """Return the tokens in an .npmrc (``//host/path/:_authToken=…``), with variables expanded."""
    found = (TOKEN.fullmatch(line) for line in lines)
    return {match[1]: _expand(match[2]) for match in found if match}


def _addresses(lines: Iterable[str]) -> Iterator[str]:
    """Yield the addresses of registries in an .npmrc, with variables expanded."""
    for line in lines:
        if match := REGISTRY.fullmatch(line):
            yield _expand(match[1])


def _complete(printed: str, written: Iterable[str]) -> str:
    """Return an address of npm's output with its password, given all addresses that are set."""
    if not _is_hidden(printed):
        return printed
    shown = printed.rstrip("/")
    return next((each for each in written if _hide_password(each) == shown), printed)


def _is_hidden(address: str) -> bool:
    return HIDDEN in address


def _hide_password(address: str) -> str:
    return PASSWORD.sub(r"\1***@", address).rstrip("/")


def _expand(value: str) -> str:
    """Replace ``${NAME}`` by the environment variable."""
    return re.sub(r"\$\{(\w+)\}", lambda variable: os.environ.get(variable[1], ""), value)
