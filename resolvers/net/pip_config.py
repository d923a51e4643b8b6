"""pip's configuration on this machine: https://pip.pypa.io/en/stable/topics/configuration/."""

import os
from collections.abc import Iterator
from configparser import Error, RawConfigParser
from pathlib import Path

from resolvers.errors import ExpectedError
from resolvers.net import profile

SECTIONS = ("global", "install")
"""As in pip, the later section of any file overrides the earlier section of every file."""


def settings() -> dict[str, str]:
    """Return the options of ``pip install`` by long name (``index-url``), without empty ones."""
    return {name: value for name, (value, _) in _merged().items()}


def origin(option: str) -> str:
    """Return the file or the variable that sets an option; "" if nothing does."""
    return _merged().get(option, ("", ""))[1]


def _merged() -> dict[str, tuple[str, str]]:
    """Return the value and the origin of each option that is not empty."""
    files = {str(path): _read(path) for path in _files()}
    merged: dict[str, tuple[str, str]] = {}
    for section in SECTIONS:
        for path, sections in files.items():
            for name, value in sections.get(section, {}).items():
                merged[name] = (value, path)
    for variable, value in os.environ.items():
        if variable.startswith("PIP_") and value:
            merged[_name(variable.removeprefix("PIP_"))] = (value, profile.origin(variable))
    return {name: pair for name, pair in merged.items() if pair[0].strip()}


def _files() -> Iterator[Path]:
    """Yield pip's configuration files; later ones override earlier ones."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in reversed((os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    if not (named and Path(named).exists()):
        home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        yield Path("~/.pip/pip.conf").expanduser()
        yield Path(home, "pip", "pip.conf").expanduser()
    if environment := os.environ.get("VIRTUAL_ENV"):
        yield Path(environment, "pip.conf")
    if named:
        yield Path(named)


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (Error, UnicodeDecodeError) as error:
        # The error's own text would quote the line, which may hold a password.
        raise ExpectedError(
            f"cannot read {path}: {type(error).__name__}", "correct pip's configuration file"
        ) from None
    sections: dict[str, dict[str, str]] = {}
    for section in parser.sections():
        sections[section] = {_name(option): value for option, value in parser.items(section)}
    return sections


def _name(option: str) -> str:
    return option.lower().replace("_", "-").removeprefix("--")
