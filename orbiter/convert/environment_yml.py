"""Read conda's environment.yml for images.toml.

Format: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html,
with the selectors of conda-lock and micromamba.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orbiter.config.toml_format import ListItem
from orbiter.convert.outcome import ImportedRequirements, LeftOut
from orbiter.convert.reasons import (
    CHANNELS,
    DEFAULTS,
    FORGE,
    redact,
    requirement_channel,
    unsupported_reason,
)
from orbiter.convert.selectors import selector_conflict
from orbiter.convert.yaml_comments import entry_comments
from resolvers.conda.channels import NO_DEFAULTS, parse_channel
from resolvers.errors import ExpectedError
from resolvers.yaml_depth import deep_position

KEYS: Mapping[str, str] = {
    "name": "an image has its own name",
    "prefix": "the environment of an image is always /opt/env",
    "variables": "write those that are not secret into env of the image",
    "platforms": "images.toml has its own platforms",
    "category": "the stage takes the place of a category",
    "pip-repositories": "set the package index in the configuration of the machine",
}
"""Keys that images.toml does not support, with the reason."""
SECRET_KEYS = ("variables", "pip-repositories")
"""Keys whose values are not shown."""
COMMENT_SELECTOR = re.compile(r"\[([^\[\]]+)\]")
KEY_SELECTOR = re.compile(r"sel\(([^()]*)\)")
HINT = "orbiter import reads conda's environment.yml"


def read(file: str, text: str, platforms: tuple[str, ...]) -> ImportedRequirements:
    """Return the requirements in an environment.yml for the platforms (``linux/amd64``).

    Comments of requirements are kept. Raises ExpectedError with the name of the file if it is not
    an environment.yml.
    """
    data = _parse(file, text)
    reader = _DependencyReader(text, platforms)
    reader.read(data["dependencies"])
    listed = tuple(_strings(data.get("channels")))
    conda = reader.requirements["conda"]
    in_requirements = [requirement_channel(entry.text) for entry in conda]
    lists = {manager: tuple(entries) for manager, entries in reader.requirements.items() if entries}
    return ImportedRequirements(
        requirements=lists,
        channels=channel_urls(file, listed, filter(None, in_requirements)),
        left_out=(*_left_out_channels(listed), *reader.left_out, *_left_out_keys(data)),
    )


def _parse(file: str, text: str) -> dict[str, Any]:
    import yaml12

    if deep_position(text) is not None:
        raise ExpectedError(f"{file} cannot be read: it is nested too deeply", HINT)
    try:
        data: Any = yaml12.parse_yaml(text)
    except ValueError as error:
        raise ExpectedError(f"{file} cannot be read: {error}", HINT) from None
    if not isinstance(data, dict) or "dependencies" not in data:
        problem = f"{file} is not a conda environment: it has no list 'dependencies'"
        raise ExpectedError(problem, HINT)
    return data


def channel_urls(
    file: str, listed: Iterable[str], in_requirements: Iterable[str]
) -> tuple[str, ...]:
    """Return all channels, with variables for credentials.

    Like conda, this adds channels that only requirements name, after all others.
    """
    names = [FORGE if name == DEFAULTS else name for name in listed if name != NO_DEFAULTS]
    extra = list(in_requirements)
    if extra and not names:
        names = [FORGE]
    try:
        urls = [parse_channel(name).url for name in (*names, *extra)]
    except ExpectedError as error:
        raise ExpectedError(f"{file}: {error.message}", error.hint) from None
    return tuple(dict.fromkeys(urls))


def _left_out_channels(listed: Iterable[str]) -> Iterator[LeftOut]:
    for name in dict.fromkeys(listed):
        if name in CHANNELS:
            yield LeftOut(what=f"channel '{name}'", why=CHANNELS[name])


def _left_out_keys(data: Mapping[str, Any]) -> Iterator[LeftOut]:
    for key, value in data.items():
        if key in {"channels", "dependencies"}:
            continue
        why = KEYS.get(str(key), "unknown key")
        if key in SECRET_KEYS and not isinstance(value, dict):
            yield LeftOut(what=str(key), why=why)
            continue
        text = str(value)
        if isinstance(
            value, dict | list
        ):  # only the names in a table, because values may be secret
            text = ", ".join(map(str, value))
        yield LeftOut(what=f"{key} '{redact(text)}'", why=why)


def _strings(value: object) -> Iterator[str]:
    """Yield the entries of a list; a single value counts as a list of one."""
    for entry in value if isinstance(value, list) else [value]:
        if entry is not None:
            yield str(entry)


class _DependencyReader:
    """Reads the list ``dependencies`` and collects its requirements."""

    def __init__(self, text: str, platforms: tuple[str, ...]) -> None:
        self.requirements: dict[str, list[ListItem]] = {"conda": [], "pip": []}
        self.left_out: list[LeftOut] = []
        self._platforms = platforms
        self._comments: dict[str, list[str]] = {}
        for entry, comment in entry_comments(text):
            self._comments.setdefault(entry, []).append(comment)

    def read(self, dependencies: object) -> None:
        for entry in dependencies if isinstance(dependencies, list) else [dependencies]:
            if isinstance(entry, str):
                self._add("conda", entry, line=entry)
            elif isinstance(entry, dict):
                self._read_table(entry)
            elif entry is not None:
                self._leave_out(f"dependency '{entry}'", "not a string")

    def _read_table(self, table: Mapping[object, Any]) -> None:
        """Read ``pip:`` with its list, or ``sel(linux):`` with a conda requirement."""
        for key, value in table.items():
            selector = KEY_SELECTOR.fullmatch(str(key))
            if key == "pip":
                for requirement in _strings(value):
                    self._add("pip", requirement, line=requirement)
            elif not selector or not isinstance(value, str):
                self._leave_out(f"dependency '{key}'", "neither a string nor a pip list")
            elif conflict := selector_conflict(selector[1], self._platforms):
                self._leave_out(f"conda '{value}'", conflict)
            else:
                self._add("conda", value, line=f"{key}: {value}")

    def _add(self, manager: str, requirement: str, *, line: str) -> None:
        """Add a requirement with the comment of its line, unless a selector there excludes it."""
        comments = self._comments.get(line)
        # The same entry may occur several times, each time with its own comment.
        comment = comments.pop(0) if comments else ""
        reason = self._comment_conflict(comment) or unsupported_reason(manager, requirement)
        if reason:
            self._leave_out(f"{manager} '{redact(requirement)}'", reason)
            return
        item = ListItem(text=requirement.strip(), comment=comment)
        self.requirements[manager].append(item)

    def _comment_conflict(self, comment: str) -> str:
        selector = COMMENT_SELECTOR.search(comment)
        return selector_conflict(selector[1], self._platforms) if selector else ""

    def _leave_out(self, what: str, why: str) -> None:
        self.left_out.append(LeftOut(what=what, why=why))
