"""Read a Pipfile of Pipenv for images.toml: https://pipenv.pypa.io/en/latest/pipfile.html."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orbiter.convert.collect import Collector
from orbiter.convert.python.addresses import read_toml
from orbiter.convert.python.tables import add_dependency
from orbiter.convert.values import check_values, list_at, table_at, tables
from resolvers.errors import ExpectedError

MAIN = "packages"
OTHER_TABLES: Mapping[str, str] = {
    "requires": "the builder decides which Python images have; python in its table checks it",
    "scripts": "commands of a project; write those for the image in postbuild",
    "pipenv": "settings of Pipenv",
    "pipfile": "settings of Pipenv",
}


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the packages, and the categories that the user chose."""
    data = read_toml(file, text)
    sources = _sources(data)
    categories = {
        str(name): table
        for name, table in data.items()
        if isinstance(table, dict) and name not in OTHER_TABLES
    }
    if not categories:
        raise ExpectedError(f"{file} has no [packages]", "name a Pipfile that lists packages")
    requires = data.get("requires")
    if isinstance(requires, dict):
        collector.python = str(requires.get("python_version", ""))
    for name, table in categories.items():
        if name != MAIN and not collector.wants(name):
            entries = [f"{key} {value}" for key, value in table.items()]
            collector.leave_out_group("category", name, entries)
            continue
        for package, value in table.items():
            add_dependency(collector, file, f"{name}:", package, value, sources)
    _leave_out_rest(file, data, sources, collector)


def read_lock(file: Path, text: str, collector: Collector) -> None:
    """Collect the exact versions of a Pipfile.lock, without their hashes."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExpectedError(f"{file} cannot be read: {error}", "correct the JSON") from None
    check_values(file, data)
    if not isinstance(data, dict) or not isinstance(data.get("_meta"), dict):
        raise ExpectedError(f"{file} is not a Pipfile.lock", "name a Pipfile that lists packages")
    sources = _sources({"source": data["_meta"].get("sources")})
    requires = data["_meta"].get("requires")
    if isinstance(requires, dict):
        collector.python = str(requires.get("python_version", ""))
    count = 0
    for category in ("default", "develop"):
        if not isinstance(data.get(category, {}), dict):
            collector.leave_out(f"{file}: {category}", "not a table")
        for name, value in table_at(data, category).items():
            entry = value
            if isinstance(value, dict):
                count += "hashes" in value
                # Pipenv names the index of every package.
                entry = {key: value[key] for key in value if key not in {"hashes", "index"}}
            add_dependency(collector, file, f"{category}:", name, entry, sources)
    if count:
        why = "orbiter lock records the hashes of all files"
        collector.leave_out(f"{file}: the hashes of {count} packages", why)


def _sources(data: Mapping[str, Any]) -> dict[str, str]:
    entries = tables(list_at(data, "source"))
    return {str(entry.get("name", "")): str(entry.get("url", "")) for entry in entries}


def _leave_out_rest(
    file: Path, data: Mapping[str, Any], sources: Mapping[str, str], collector: Collector
) -> None:
    for key, why in OTHER_TABLES.items():
        if isinstance(data.get(key), dict):
            entries = ", ".join(f"{name} {value}" for name, value in data[key].items())
            collector.leave_out(f"{file}: [{key}] ({entries})", why)
    for name in sources:
        if name not in collector.index_names:
            why = "no package names it; pip's configuration of the machine has indexes"
            collector.leave_out(f"{file}: source '{name}'", why)
    for key, value in data.items():
        if not isinstance(value, dict) and key != "source":
            collector.leave_out(f"{file}: {key}", "not a key of a Pipfile")
