"""Read pixi.toml, or ``[tool.pixi]`` of pyproject.toml, for images.toml.

https://pixi.sh/latest/reference/pixi_manifest/ defines the format.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orbiter.convert.collect import Collector
from orbiter.convert.environment_yml import channel_urls
from orbiter.convert.python.addresses import read_toml
from orbiter.convert.python.tables import add_dependency
from orbiter.convert.reasons import CHANNELS
from resolvers.conda.requirements import SUBDIRS
from resolvers.errors import ExpectedError

WORKSPACES = ("workspace", "project")
CONDA_TABLES = ("dependencies", "host-dependencies", "build-dependencies")
PYPI = "pypi-dependencies"
SPEC_KEYS = frozenset({"version", "build", "channel", "subdir"})
LINUX = frozenset({"linux", "unix"})
NOT_PACKAGES: Mapping[str, str] = {
    "tasks": "commands of a project; write those for the image in postbuild",
    "activation": "write variables into env of the image",
    "environments": "choose features with --group",
    "system-requirements": "write virtual = { … } in [builder.micromamba]",
    "pypi-options": "set the package index in pip's configuration of the machine",
    "constraints": "limit these packages in a conda list",
}
"""Tables that are not imported, with the reason."""


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the dependencies of a pixi.toml."""
    read_tables(file, read_toml(file, text), collector)


def read_tables(file: Path, data: Mapping[str, Any], collector: Collector) -> None:
    """Collect the dependencies of a workspace, and of the features that the user chose."""
    reader = _Reader(file, collector)
    workspace = next((_table(data, key) for key in WORKSPACES if key in data), {})
    reader.read_channels(workspace.get("channels"))
    reader.read_dependencies(data)
    for name, feature in _table(data, "feature").items():
        if not isinstance(feature, dict):
            collector.leave_out(f"{file}: feature.{name}", "not a table")
        elif collector.wants(name):
            reader.read_channels(feature.get("channels"))
            reader.read_dependencies(feature)
            reader.leave_out_rest(feature, f"feature.{name}.", {"channels"})
        else:
            collector.leave_out_group("feature", name, _listed(feature))
    if settings := [f"{key} '{workspace[key]}'" for key in workspace if key != "channels"]:
        why = "it describes the workspace; images.toml has its own platforms"
        collector.leave_out(f"{file}: {', '.join(settings)}", why)
    reader.leave_out_rest(data, "", {"feature", *WORKSPACES})


class _Reader:
    def __init__(self, file: Path, collector: Collector) -> None:
        self._file = file
        self._collector = collector

    def read_channels(self, channels: object) -> None:
        """Collect channels, which may be tables with a priority."""
        names = []
        for entry in channels if isinstance(channels, list) else []:
            if isinstance(entry, dict):
                names.append(str(entry.get("channel", "")))
                if "priority" in entry:
                    why = "channels have the priority of their order"
                    self._collector.leave_out(f"priority of channel '{names[-1]}'", why)
            else:
                names.append(str(entry))
        for name in names:
            if name in CHANNELS:
                self._collector.leave_out(f"channel '{name}'", CHANNELS[name])
        self._collector.add_channels(channel_urls(str(self._file), names, ()))

    def read_dependencies(self, data: Mapping[str, Any], prefix: str = "") -> None:
        """Collect the dependencies of a table, and those for Linux."""
        for key in CONDA_TABLES:
            for name, spec in _table(data, key).items():
                self._add_conda(name, spec, f"{prefix}{key}:")
        for name, spec in _table(data, PYPI).items():
            self._add_pypi(name, spec, f"{prefix}{PYPI}:")
        for platform, table in _table(data, "target").items():
            self._read_target(platform, table if isinstance(table, dict) else {}, prefix)

    def _read_target(self, platform: str, table: Mapping[str, Any], prefix: str) -> None:
        """Collect dependencies for one platform, if all images are for it."""
        wanted = {SUBDIRS[name] for name in self._collector.options.platforms}
        if platform in LINUX or wanted == {platform}:
            if prefix:
                what = f"{self._file}: {prefix}target.{platform}"
                self._collector.leave_out(what, "a target has no targets of its own")
            else:
                self.read_dependencies(table, f"target.{platform}.")
            return
        for entry in _listed(table):
            why = f"it is not for all platforms of images.toml, only for {platform}"
            self._collector.leave_out(f"target.{platform}: {entry}", why)

    def _add_conda(self, name: str, spec: object, what: str) -> None:
        shown = f"{what} '{_spelled(name, spec)}'"
        table = {"version": spec} if isinstance(spec, str) else spec
        if not isinstance(table, dict):
            self._collector.leave_out(shown, "neither a version nor a table")
        elif "url" in table:
            self._collector.add("conda", _address(table), what=shown)
        elif unknown := sorted(map(str, table.keys() - SPEC_KEYS)):
            why = f"a conda list of images.toml has no counterpart of {', '.join(unknown)}"
            self._collector.leave_out(shown, why)
        else:
            self._collector.add("conda", _match_spec(name, table), what=shown)

    def _add_pypi(self, name: str, spec: object, what: str) -> None:
        if isinstance(spec, dict) and "index" in spec:
            shown = f"{what} '{_spelled(name, spec)}'"
            why = "declare an [index.NAME] with its address in images.toml, and name it there"
            self._collector.leave_out(shown, why)
            return
        add_dependency(self._collector, self._file, what, name, spec, {})

    def leave_out_rest(self, data: Mapping[str, Any], prefix: str, known: set[str]) -> None:
        """Report the tables without dependencies."""
        done = {*CONDA_TABLES, PYPI, "target", *known}
        for key, value in data.items():
            if key not in done:
                entries = ", ".join(value) if isinstance(value, dict) else str(value)
                why = NOT_PACKAGES.get(str(key), "it installs nothing")
                self._collector.leave_out(f"{self._file}: {prefix}{key} ({entries})", why)


def _match_spec(name: str, table: Mapping[str, Any]) -> str:
    """Return a dependency as a MatchSpec; like in pixi, a version without operator is exact."""
    version = str(table.get("version", "*")).strip()
    if version == "*":
        version = ""
    elif version[:1].isalnum():
        version = f"={version}" if version.endswith("*") else f"=={version}"
    channel = f"{table['channel']}::" if "channel" in table else ""
    details = [f"{key}='{table[key]}'" for key in ("build", "subdir") if key in table]
    return f"{channel}{name}{version}" + (f"[{','.join(details)}]" if details else "")


def _address(table: Mapping[str, Any]) -> str:
    digest = next((f"#{key}:{table[key]}" for key in ("sha256", "md5") if key in table), "")
    return f"{table['url']}{digest.replace('#md5:', '#')}"


def _spelled(name: str, spec: object) -> str:
    if isinstance(spec, dict):
        return f"{name} ({', '.join(f'{key}={value}' for key, value in spec.items())})"
    return name if spec == "*" else f"{name} {spec}"


def _listed(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield all entries of a table, also those of tables in it."""
    for key, value in table.items():
        if key in {*CONDA_TABLES, PYPI} and isinstance(value, dict):
            yield from (_spelled(name, spec) for name, spec in value.items())
        elif isinstance(value, dict):
            yield from (f"{key}: {entry}" for entry in _listed(value))
        else:
            yield f"{key} {value}"


def _table(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if value is not None and not isinstance(value, dict):
        raise ExpectedError(f"'{key}' is not a table", "pixi.toml has tables of dependencies")
    return value or {}
