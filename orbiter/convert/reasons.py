"""Reasons why images.toml cannot contain a channel or requirement of another tool."""

import re
from collections.abc import Mapping

from orbiter.config.requirements import SYNTAXES
from resolvers.conda.channels import NO_DEFAULTS
from resolvers.redaction import without_secrets

DEFAULTS, FORGE = "defaults", "conda-forge"
_ANACONDA = "Anaconda's channels, which have their own terms of service"
CHANNELS: Mapping[str, str] = {
    DEFAULTS: f"replaced by {FORGE}, because it means {_ANACONDA}",
    NO_DEFAULTS: "not needed, because only the channels of images.toml are used",
}
"""Channels that are not imported, with the reason."""

_NOT_IN_INDEX = "not a package of the index: add it to images.toml with its name, as name @ address"
_NOT_FOR_PIP: Mapping[str, str] = {
    r"(-r|-c|--requirement|--constraint)\b": (
        "its requirements are in another file: add them to images.toml"
    ),
    r"(-e|--editable)\b": _NOT_IN_INDEX,
    r"-": "set pip options in the configuration of the machine",
    r"[^\s\[;]*(://|[/\\])|[^;]*@|\.": _NOT_IN_INDEX,
}
"""Entries of a pip list that are not requirements: the pattern of their start, and the reason."""
_SUBDIR = re.compile(r"/(noarch|(linux|osx|win)-\w+)$")
# The values of these options are file names and addresses, which help to find the entry.
_HARMLESS_OPTION = re.compile(r"-(r|c|e)\b|--(requirement|constraint|editable)")


def unsupported_reason(manager: str, requirement: str) -> str:
    """Return the reason why images.toml cannot contain a requirement, "" if it can."""
    if manager == "pip":
        for start, reason in _NOT_FOR_PIP.items():
            if re.match(start, requirement):
                return reason
    if manager == "conda" and requirement_channel(requirement) == DEFAULTS:
        return f"it comes from {_ANACONDA}: choose another channel"
    syntax = SYNTAXES[manager]
    if syntax.name(requirement.strip()):
        return ""
    return f"not a valid {manager} requirement; {syntax.hint(requirement)}"


def requirement_channel(requirement: str) -> str:
    """Return the channel in a conda requirement, which conda uses even if it is not listed."""
    return _SUBDIR.sub("", requirement.rpartition("::")[0])


def redact(text: str) -> str:
    """Return a text without possible secrets, and an option of a pip list without its value."""
    if text.startswith("-") and not _HARMLESS_OPTION.match(text):
        return re.split(r"[\s=]", text, maxsplit=1)[0]
    return without_secrets(text, mark="…@")
