"""Read the dependencies in Poetry's own tables of pyproject.toml.

https://python-poetry.org/docs/dependency-specification/ defines their format.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orbiter.convert.collect import Collector
from orbiter.convert.python.tables import add_dependency
from orbiter.convert.values import list_at, strings, table_at, tables

METADATA = "it describes the project, and installs nothing"


def read(
    file: Path, table: Mapping[str, Any], project: Mapping[str, Any], collector: Collector
) -> None:
    """Collect the dependencies of ``[tool.poetry]``, and the groups that the user chose."""
    sources = _sources(table)
    dependencies = dict(table_at(table, "dependencies"))
    if (python := dependencies.pop("python", None)) is not None:
        why = "the builder decides which Python images have; python in its table checks it"
        collector.leave_out(f"{file}: python '{python}'", why)
    if "dependencies" in project:
        # Then these entries only say where the packages of the project come from.
        for name, value in dependencies.items():
            what = f"{file}: tool.poetry.dependencies {name} ({value})"
            collector.leave_out(what, "[project] lists the dependencies: choose its source there")
    else:
        _read_main(file, dependencies, table_at(table, "extras"), sources, collector)
    groups = {name: table_at(group, "dependencies") for name, group in _groups(table).items()}
    for name, entries in groups.items():
        if not collector.wants(name):
            collector.leave_out_group("group", name, [f"{key} {entries[key]}" for key in entries])
            continue
        for package, value in entries.items():
            add_dependency(collector, file, f"{name}:", package, value, sources)
    _leave_out_rest(file, table, sources, collector)


def _read_main(
    file: Path,
    dependencies: Mapping[str, Any],
    extras: Mapping[str, Any],
    sources: Mapping[str, str],
    collector: Collector,
) -> None:
    groups: dict[str, str] = {}
    chosen: set[str] = set()
    for extra, names in extras.items():
        wanted = collector.wants(extra)
        for name in strings(names):
            groups.setdefault(name, extra)
            if wanted:
                chosen.add(name)
    for name, value in dependencies.items():
        optional = isinstance(value, dict) and value.get("optional")
        if optional and name not in chosen:
            group = groups.get(name, "")
            why = f"optional: choose it with --group {group}" if group else "optional"
            collector.leave_out(f"dependency '{name} {value.get('version', '')}'", why)
        else:
            add_dependency(collector, file, "dependency", name, value, sources)


def _groups(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    groups = {str(name): group for name, group in table_at(table, "group").items()}
    found: dict[str, Mapping[str, Any]] = {
        name: group for name, group in groups.items() if isinstance(group, dict)
    }
    if "dev-dependencies" in table:
        found.setdefault("dev", {"dependencies": table["dev-dependencies"]})
    return found


def _sources(table: Mapping[str, Any]) -> dict[str, str]:
    entries = tables(list_at(table, "source"))
    return {str(entry.get("name")): str(entry.get("url", "")) for entry in entries}


def _leave_out_rest(
    file: Path, table: Mapping[str, Any], sources: Mapping[str, str], collector: Collector
) -> None:
    done = {"dependencies", "dev-dependencies", "group", "source", "extras"}
    if others := [f"tool.poetry.{key}" for key in table if key not in done]:
        collector.leave_out(f"{file}: {', '.join(others)}", METADATA)
    for name in sources:
        if name not in collector.index_names:
            why = "no requirement names it; pip's configuration of the machine has indexes"
            collector.leave_out(f"{file}: source '{name}'", why)
