"""Dependencies that Poetry, uv, Pipenv and pixi write as tables, as requirements of pip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orbiter.convert.collect import Collector
from orbiter.convert.python.addresses import git_url, local_path, split_extras
from orbiter.convert.python.version_ranges import specifier

REFERENCES = ("rev", "ref", "tag", "branch")
MARKERS = ("markers", "marker", "env-markers")
SYSTEM_KEYS: Mapping[str, str] = {"platform": "sys_platform", "python": "python_version"}
"""Keys of Poetry that stand for markers."""
PIPENV_MARKERS = frozenset(
    {
        "implementation_name",
        "os_name",
        "platform_machine",
        "platform_python_implementation",
        "platform_system",
        "python_full_version",
        "python_version",
        "sys_platform",
    }
)
"""Keys of Pipenv that are markers."""
PRERELEASES = ("allow-prereleases", "prereleases")
WRITE_PRERELEASE = (
    "imported without {key}: write a pre-release in a requirement that needs one, "
    "such as numpy>=3.0rc1"
)
NO_EFFECT = frozenset({"optional", "develop", "editable", *PRERELEASES})
KNOWN = frozenset(
    {"version", "extras", "git", "path", "file", "url", "subdirectory", "index", "source"}
    | {*REFERENCES, *MARKERS, *SYSTEM_KEYS, *PIPENV_MARKERS, *NO_EFFECT}
)


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """A dependency as a requirement of pip; ``problem`` says why it has none."""

    text: str = ""
    index: str = ""
    problem: str = ""


def add_dependency(
    collector: Collector,
    file: Path,
    what: str,
    name: str,
    value: object,
    indexes: Mapping[str, str],
) -> None:
    """Add a dependency with its index, or leave it out with the reason.

    ``indexes`` are the addresses that the file names.
    """
    for entry in value if isinstance(value, list) else [value]:
        shown = f"{what} '{name}{_shown(entry)}'"
        found = dependency(name, entry, file.parent, collector.options.root)
        index = found.index
        if found.problem:
            collector.leave_out(shown, found.problem)
            continue
        if index and index not in indexes:
            collector.leave_out(shown, f"the file does not give the address of its index '{index}'")
        elif not index or collector.add_index(index, indexes[index]):
            collector.add_pip(found.text, index=index, what=shown)
            for key in PRERELEASES:
                if isinstance(entry, dict) and entry.get(key):
                    collector.change(shown, WRITE_PRERELEASE.format(key=key))
        else:
            collector.leave_out(shown, f"its index '{index}' was left out")


class NoCounterpartError(Exception):
    """A dependency has no counterpart in images.toml, for the reason in its text."""


def dependency(name: str, value: object, folder: Path, root: Path) -> Dependency:
    """Return a dependency; ``value`` is a constraint or a table."""
    try:
        return _dependency(name, _table_of(value), folder, root)
    except NoCounterpartError as error:
        return Dependency(problem=str(error))


def _table_of(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        return {"version": value}
    if not isinstance(value, dict):
        raise NoCounterpartError("neither a version nor a table")
    if unknown := sorted(map(str, value.keys() - KNOWN)):
        raise NoCounterpartError(f"unknown key {', '.join(unknown)}")
    return value


def _dependency(name: str, table: Mapping[str, Any], folder: Path, root: Path) -> Dependency:
    listed = table.get("extras") or []
    if not isinstance(listed, list):
        raise NoCounterpartError("its extras are not a list")
    extras = ",".join(map(str, listed))
    base = f"{name}[{extras}]" if extras else name
    marker = _marker(table)
    suffix = f" ; {marker}" if marker else ""
    if address := _address(table, folder, root):
        return Dependency(text=f"{base} @ {address}{suffix}")
    version = _specifier(str(table.get("version", "*")))
    index = str(table.get("source") or table.get("index") or "")
    return Dependency(text=f"{base}{version}{suffix}", index=index)


def _specifier(constraint: str) -> str:
    version = specifier(constraint)
    if version is None:
        raise NoCounterpartError(f"'{constraint}' is not one range of pip: choose one")
    return version


def _address(table: Mapping[str, Any], folder: Path, root: Path) -> str:
    """Return the address of a dependency, "" without one."""
    subdirectory = str(table.get("subdirectory", ""))
    if "git" in table:
        reference = next((str(table[key]) for key in REFERENCES if key in table), "")
        return git_url(str(table["git"]), reference, subdirectory)
    if "path" in table and subdirectory:
        raise NoCounterpartError("it is in a subdirectory of its path: write one path to it")
    if "path" in table:
        path = local_path(split_extras(str(table["path"]))[0], folder, root)
        if not path:
            raise NoCounterpartError("its path is not below the folder of images.toml")
        return path
    url = table.get("url") or table.get("file") or ""
    return f"{url}#subdirectory={subdirectory}" if subdirectory else str(url)


def _marker(table: Mapping[str, Any]) -> str:
    """Return all conditions of a dependency as one marker."""
    parts = [str(table[key]) for key in MARKERS if table.get(key)]
    parts += [f"{key} {table[key]}" for key in sorted(PIPENV_MARKERS & table.keys())]
    if "platform" in table:
        parts.append(f"sys_platform == '{table['platform']}'")
    if "python" in table:
        version = _specifier(str(table["python"]))
        parts += [_python_marker(part) for part in version.split(",") if part]
    return " and ".join(f"({part})" if " or " in part else part for part in parts)


def _python_marker(part: str) -> str:
    operator = part.rstrip("0123456789.*")
    version = part[len(operator) :]
    name = (
        "python_full_version" if version.count(".") > 1 and "*" not in version else "python_version"
    )
    return f"{name} {operator} '{version}'"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return "" if value == "*" else f" {value}"
    if isinstance(value, dict):
        parts = (f"{key}={inner}" for key, inner in value.items())
        return f" ({', '.join(parts)})"
    return f" {value}"
