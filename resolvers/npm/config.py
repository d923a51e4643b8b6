"""npm's configuration of this machine, as npm itself tells it: where packages come from, and with which tokens."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

TRANSPORT = frozenset({"cert", "https-proxy", "key", "local-address", "noproxy", "proxy"})
"""Settings of how to connect that our own door for HTTP does not follow."""
SECTION = re.compile(r'^; "(\w+)" config from (.*)$', re.MULTILINE)
SETTING = re.compile(r"([^;\s]\S*) = (.*)")
HIDDEN = "(protected)"
"""What npm shows in place of credentials."""


class NpmConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The registries by scope (``""`` for the default one), and tokens by the start of an address.

    ``simple`` says that asking these registries with these tokens is all that npm itself would do: no proxy of its
    own, no client certificate, no other kind of credentials. ``project`` is the .npmrc of the project in the working
    folder, "" for none: npm does not find it by itself when it works elsewhere.
    """

    registries: Mapping[str, str]
    tokens: Mapping[str, str] = {}
    simple: bool = True
    project: str = ""

    def registry(self, path: str) -> str:
        """The address, with its last slash, of the registry that has a package; ``path`` begins with its name."""
        scope = path.partition("/")[0] if path.startswith("@") else ""
        return f"{(self.registries.get(scope) or self.registries['']).rstrip('/')}/"

    def headers(self, url: str) -> Mapping[str, str]:
        """What a request must carry."""
        start = url.partition(":")[2]
        tokens = [token for prefix, token in self.tokens.items() if start.startswith(prefix)]
        return {"authorization": f"Bearer {tokens[0]}"} if tokens else {}

    def tarball(self, place: str) -> str:
        """Where a tarball is, given ``<package>/-/<file name>``."""
        return f"{self.registry(place)}{quote(place, safe='/@')}"


def read(listed: str) -> NpmConfig:
    """Read what ``npm config list -l`` prints, and the tokens in the .npmrc files that it names."""
    values, chosen = {}, set()
    for section, key, value in _settings(listed):
        values[key] = value
        if section not in {"default", "cli"}:
            chosen.add(key)
    registries = {
        key.removesuffix(":registry"): _text(values[key])
        for key in values
        if key.endswith(":registry")
    }
    files = {kind: place for kind, place in SECTION.findall(listed) if place.startswith("/")}
    tokens = {
        prefix: token for place in files.values() for prefix, token in _tokens(Path(place)).items()
    }
    special = {
        key.removesuffix(":_authToken")
        for key in chosen
        if key.startswith("//") or values[key] == HIDDEN
    }
    return NpmConfig(
        registries={**registries, "": _text(values["registry"])},
        tokens=tokens,
        project=files.get("project", ""),
        simple=not chosen & TRANSPORT
        and values.get("strict-ssl") != "false"
        and special <= tokens.keys(),
    )


def _settings(listed: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and value as JSON of all settings that count; npm makes those that do not into comments."""
    section = ""
    for line in listed.splitlines():
        if found := SECTION.fullmatch(line):
            section = found[1]
        elif found := SETTING.fullmatch(line):
            yield section, found[1], found[2]


def _text(value: str) -> str:
    return str(json.loads(value))


def _tokens(npmrc: Path) -> dict[str, str]:
    """The lines ``//host/path/:_authToken=…`` of an .npmrc, with its ``${VARIABLES}`` filled in."""
    lines = npmrc.read_text().splitlines() if npmrc.exists() else []
    found = (
        re.fullmatch(r"\s*(//\S+?):_authToken\s*=\s*\"?([^\s\"]+)\"?\s*", line) for line in lines
    )
    return {match[1]: _expanded(match[2]) for match in found if match}


def _expanded(value: str) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], ""), value)
