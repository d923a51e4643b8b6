"""environment.yml of conda, read for images.toml. Pure.

Format: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html, with what conda-lock
(https://conda.github.io/conda-lock/src_environment_yml/) and micromamba (``sel(linux)``) add to it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orbiter.config.requirements import SYNTAXES
from orbiter.config.toml_edit import ListItem
from orbiter.convert.outcome import LeftOut, Wanted
from orbiter.convert.selectors import unfit
from resolvers.conda.channels import TOKEN, channel
from resolvers.errors import ExpectedError

KEYS: Mapping[str, str] = {
    "name": "an image has a name of its own",
    "prefix": "the environment of an image is /opt/env",
    "variables": "images.toml sets no variables of the environment",
    "platforms": "the platforms are those of images.toml",
    "category": "the stage is the category",
    "pip-repositories": "which index pip asks is configuration of the machine",
}
"""The keys that images.toml has no place for, and why."""
SECRET = ("variables", "pip-repositories")
"""Those whose values are not shown."""
DEFAULTS, FORGE = "defaults", "conda-forge"
TERMS = "channels of Anaconda, which have terms of their own"
CHANNELS: Mapping[str, str] = {
    DEFAULTS: f"{FORGE} serves instead; it stands for {TERMS}",
    "nodefaults": "needs no words: there are no channels but those of images.toml",
}
INDEX = "is no package of the index; a lock names files of the index"
PIP: Mapping[str, str] = {
    r"(-r|-c|--requirement|--constraint)\b": "the list is in another file: add what it asks for to images.toml",
    r"(-e|--editable)\b": INDEX,
    r"-": "options of pip are configuration of the machine",
    r"[^\s\[;]*(://|[/\\])|[^;]*@|\.": INDEX,
}
"""What a list of pip may hold besides requirements, and why it stays behind."""
LINE = re.compile(
    r"""^[ \t]*- +(?P<quote>["']?)(?P<text>.*?)(?P=quote)(?:[ \t]+#[ \t]*(?P<comment>.*?))?[ \t]*\r?$""",
    re.MULTILINE,
)
SELECTOR = re.compile(r"sel\(([^()]*)\)")
SUBDIR = re.compile(r"/(noarch|(linux|osx|win)-\w+)$")


def read(file: str, text: str, platforms: tuple[str, ...]) -> Wanted:
    """What the text of an environment.yml asks for on the platforms (``linux/amd64``).

    Comments behind requirements come along. Raises ExpectedError naming ``file`` for what is no environment.yml.
    """
    data = _parsed(file, text)
    comments = _comments(text)
    found = tuple(_requirements(data["dependencies"], comments, platforms))
    asked = [each for each in found if not isinstance(each, LeftOut)]
    others = (each for each in (*found, *_left_keys(data)) if isinstance(each, LeftOut))
    requirements = {
        manager: tuple(entry for own, entry in asked if own == manager)
        for manager in ("conda", "pip")
    }
    named = tuple(_texts(data.get("channels")))
    left = [
        LeftOut(what=f"channel '{name}'", why=CHANNELS[name])
        for name in dict.fromkeys(named)
        if name in CHANNELS
    ]
    return Wanted(
        requirements={manager: entries for manager, entries in requirements.items() if entries},
        channels=_channels(
            file, named, [_channel(entry.text) for entry in requirements.get("conda", ())]
        ),
        left_out=(*left, *others),
    )


def _channels(file: str, named: Iterable[str], by_requirements: Iterable[str]) -> tuple[str, ...]:
    """All channels, with variables for credentials. conda asks also those that requirements alone name, as the last."""
    others = [name for name in by_requirements if name]
    listed = [FORGE if name == DEFAULTS else name for name in named if name != "nodefaults"]
    try:
        found = [channel(name).url for name in (*(listed or [FORGE] * bool(others)), *others)]
    except ExpectedError as error:
        raise ExpectedError(f"{file}: {error.message}", error.hint) from None
    return tuple(dict.fromkeys(found))


def _parsed(file: str, text: str) -> dict[str, Any]:
    import yaml12

    hint = "orbiter import reads an environment.yml of conda"
    try:
        data: Any = yaml12.parse_yaml(text)
    except ValueError as error:
        raise ExpectedError(f"{file} cannot be read: {error}", hint) from None
    if not isinstance(data, dict) or "dependencies" not in data:
        raise ExpectedError(f"{file} is no environment.yml: it has no list 'dependencies'", hint)
    return data


def _comments(text: str) -> dict[str, list[str]]:
    """The comments behind the entries of lists, in their order: YAML readers drop them."""
    found: dict[str, list[str]] = {}
    for line in LINE.finditer(text):
        found.setdefault(line["text"], []).append(line["comment"] or "")
    return found


def _texts(value: object) -> Iterator[str]:
    """The entries of a list; a single value is a list of one."""
    for each in value if isinstance(value, list) else [value]:
        if each is not None:
            yield str(each)


def _requirements(
    listed: object, comments: Mapping[str, list[str]], platforms: tuple[str, ...]
) -> Iterator[tuple[str, ListItem] | LeftOut]:
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, str):
            yield _selected("conda", each, each, comments, platforms)
        elif isinstance(each, dict):
            yield from _table(each, comments, platforms)
        elif each is not None:
            yield LeftOut(what=f"dependency '{each}'", why="is no text")


def _table(
    table: dict[object, Any], comments: Mapping[str, list[str]], platforms: tuple[str, ...]
) -> Iterator[tuple[str, ListItem] | LeftOut]:
    """``pip:`` and its list, or ``sel(linux):`` and what is meant for that system alone."""
    for key, value in table.items():
        selector = SELECTOR.fullmatch(str(key))
        if key == "pip":
            for text in _texts(value):
                yield _selected("pip", text, text, comments, platforms)
        elif not selector or not isinstance(value, str):
            yield LeftOut(what=f"dependency '{key}'", why="is neither a text nor a list of pip")
        elif why := unfit(selector[1], platforms):
            yield LeftOut(what=f"conda '{value}'", why=why)
        else:
            yield _selected("conda", value, f"{key}: {value}", comments, platforms)


def _selected(
    manager: str,
    text: str,
    line: str,
    comments: Mapping[str, list[str]],
    platforms: tuple[str, ...],
) -> tuple[str, ListItem] | LeftOut:
    """A requirement with its comment, unless a selector in that, such as ``[win]``, says that it is for others."""
    here = comments.get(line)
    comment = here.pop(0) if here else ""
    selector = re.search(r"\[([^\[\]]+)\]", comment)
    if why := (unfit(selector[1], platforms) if selector else "") or why_not(manager, text):
        return LeftOut(what=f"{manager} '{shown(text)}'", why=why)
    return manager, ListItem(text=text.strip(), comment=comment)


def why_not(manager: str, text: str) -> str:
    """Why a text is no requirement that images.toml can hold; "" when it is one."""
    if manager == "pip" and (
        why := next((why for start, why in PIP.items() if re.match(start, text)), "")
    ):
        return why
    if manager == "conda" and _channel(text) == DEFAULTS:
        return f"asks for {TERMS}: name another channel"
    syntax = SYNTAXES[manager]
    return (
        "" if syntax.name(text.strip()) else f"is no requirement of {manager}; {syntax.hint(text)}"
    )


def _channel(requirement: str) -> str:
    """The channel that a requirement of conda names: conda asks it even where ``channels`` does not."""
    return SUBDIR.sub("", requirement.rpartition("::")[0])


def shown(text: str) -> str:
    """A text without what may be a secret: the values of options, and credentials in addresses."""
    if re.match(r"-(?!r\b|c\b|e\b|-requirement|-constraint|-editable)", text):
        return re.split(r"[\s=]", text, maxsplit=1)[0]
    return TOKEN.sub("/t/…", re.sub(r"://[^/@\s]*@", "://…@", text))


def _left_keys(data: Mapping[str, Any]) -> Iterator[LeftOut]:
    for key, value in data.items():
        if key in {"channels", "dependencies"}:
            continue
        text = str(value) if not isinstance(value, dict | list) else ", ".join(map(str, value))
        hidden = key in SECRET and not isinstance(value, dict)
        why = KEYS.get(str(key), "Orbiter knows no such key of an environment.yml")
        yield LeftOut(what=str(key) if hidden else f"{key} '{shown(text)}'", why=why)
