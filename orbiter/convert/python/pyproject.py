"""Read pyproject.toml for images.toml: PEP 621, dependency groups, Poetry, uv, PDM and pixi.

https://packaging.python.org/en/latest/specifications/pyproject-toml/ and
https://packaging.python.org/en/latest/specifications/dependency-groups/ define the common part.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from orbiter.convert import pixi
from orbiter.convert.collect import Collector
from orbiter.convert.files import is_file, read_text, why_no_file
from orbiter.convert.python import poetry, requirements_txt
from orbiter.convert.python.addresses import read_toml
from orbiter.convert.python.groups import IncludedGroups, WrongGroup
from orbiter.convert.python.tables import add_dependency
from orbiter.convert.values import list_at, strings, table_at, tables
from resolvers.errors import ExpectedError

NOT_PACKAGES = "it describes the project or configures a tool, and installs nothing"
USED_TOOLS = frozenset({"poetry", "uv", "pdm", "pixi"})
NO_PROJECT = (
    'only what it requires is imported; to install it too, add it to pip: for example "{name} @ ."'
)


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the requirements of a project. Raises ExpectedError if the file has none."""
    data = read_toml(file, text)
    project, tool = table_at(data, "project"), table_at(data, "tool")
    groups = table_at(data, "dependency-groups")
    if not (project or groups or USED_TOOLS & tool.keys()):
        problem = f"{file} has neither [project] nor another table with dependencies"
        raise ExpectedError(problem, "name a file that lists packages")
    reader = _Reader(file, collector, tool)
    reader.read_project(project)
    reader.read_groups(groups)
    reader.read_tools()
    if poetry_table := table_at(tool, "poetry"):
        poetry.read(file, poetry_table, project, collector)
    if pixi_table := table_at(tool, "pixi"):
        pixi.read_tables(file, pixi_table, collector)
    _leave_out_rest(file, data, project, collector)


def _leave_out_rest(
    file: Path, data: Mapping[str, Any], project: Mapping[str, Any], collector: Collector
) -> None:
    """Report what describes the project itself."""
    tool = table_at(data, "tool")
    name = project.get("name") or table_at(tool, "poetry").get("name")
    if name:
        collector.leave_out(f"{file}: the project '{name}'", NO_PROJECT.format(name=name))
    if python := project.get("requires-python"):
        why = "the builder decides which Python images have; python in its table checks it"
        collector.leave_out(f"{file}: requires-python '{python}'", why)
    if build := table_at(data, "build-system"):
        listed = ", ".join(strings(build.get("requires")))
        why = "orbiter lock reads what a project needs to be built where a pip list names it"
        collector.leave_out(f"{file}: [build-system] ({listed})", why)
    others = [f"tool.{key}" for key in tool if key not in USED_TOOLS]
    known = {"project", "tool", "dependency-groups", "build-system"}
    others += [str(key) for key in data if key not in known]
    if others:
        collector.leave_out(f"{file}: {', '.join(others)}", NOT_PACKAGES)


class _Reader:
    """Reads the tables that have requirements in the syntax of pip, with the sources of uv."""

    def __init__(self, file: Path, collector: Collector, tool: Mapping[str, Any]) -> None:
        self._file = file
        self._collector = collector
        self._uv, self._pdm = table_at(tool, "uv"), table_at(tool, "pdm")
        self._sources = {
            canonicalize_name(name): source
            for name, source in table_at(self._uv, "sources").items()
        }
        listed = [*list_at(self._uv, "index"), *list_at(self._pdm, "source")]
        self._indexes = {str(each.get("name")): str(each.get("url")) for each in tables(listed)}
        self._used: set[str] = set()
        self._setuptools = table_at(table_at(tool, "setuptools"), "dynamic")

    def read_project(self, project: Mapping[str, Any]) -> None:
        """Collect the dependencies, and the extras that the user chose."""
        if not isinstance(project.get("dependencies", []), list):
            self._collector.leave_out(f"{self._file}: dependencies", "not a list")
        for text in strings(list_at(project, "dependencies")):
            self._add(text, "dependency")
        extras = table_at(project, "optional-dependencies")
        for name, texts in extras.items():
            if self._collector.wants(name):
                for text in strings(texts):
                    self._add(text, f"{name}:")
            else:
                self._collector.leave_out_group("extra", name, strings(texts))
        dynamic = list_at(project, "dynamic")
        for key in ("dependencies", "optional-dependencies"):
            if key in dynamic:
                self._read_dynamic(key)

    def _read_dynamic(self, key: str) -> None:
        """Read the requirements files that setuptools reads; other sources are not certain."""
        what = f"{self._file}: {key}"
        table = self._setuptools.get(key)
        files = table.get("file") if key == "dependencies" and isinstance(table, dict) else None
        if not files:
            reason = "the project computes them when it is built; list them in images.toml"
            self._collector.leave_out(what, reason)
        for name in strings(files):
            path = self._file.parent / name
            if is_file(path):
                requirements_txt.read(path, read_text(path), self._collector)
            else:
                self._collector.leave_out(f"{what} from {path}", why_no_file(path))

    def read_groups(self, groups: Mapping[str, Any]) -> None:
        """Collect the dependency groups that the user chose, and list the others."""
        included = IncludedGroups(groups)
        for name, entries in groups.items():
            if not self._collector.wants(name):
                shown = map(_shown, entries if isinstance(entries, list) else [entries])
                self._collector.leave_out_group("group", name, shown)
                continue
            for group, entry in included.entries(name):
                if isinstance(entry, str):
                    self._add(entry, f"{group}:")
                elif isinstance(entry, WrongGroup):
                    self._collector.leave_out(f"{self._file}: group '{group}'", entry.why)
                else:
                    self._collector.leave_out(f"{group}: {_shown(entry)}", "not a requirement")

    def read_tools(self) -> None:
        """Collect the development dependencies and the rules of uv and PDM."""
        rules = {"constraint-dependencies": "constraints", "override-dependencies": "overrides"}
        for key, rule in rules.items():
            for text in strings(self._uv.get(key)):
                self._collector.add_rule(rule, text, f"{self._file}: tool.uv.{key} '{text}'")
        self._read_development({"dev-dependencies": self._uv.get("dev-dependencies")}, "tool.uv")
        self._read_development(table_at(self._pdm, "dev-dependencies"), "tool.pdm")
        for prefix, table in (("tool.uv", self._uv), ("tool.pdm", self._pdm)):
            done = {*rules, "dev-dependencies", "sources", "index", "source"}
            if others := [f"{prefix}.{key}" for key in table if key not in done]:
                self._collector.leave_out(f"{self._file}: {', '.join(others)}", NOT_PACKAGES)
        for name in self._sources.keys() - self._used:
            what = f"{self._file}: tool.uv.sources.{name}"
            self._collector.leave_out(what, "no requirement that is imported has this name")
        for index in self._indexes:
            what = f"{self._file}: index '{index}'"
            if index not in self._collector.index_names:
                reason = "no requirement names it; pip's configuration of the machine has indexes"
                self._collector.leave_out(what, reason)

    def _read_development(self, groups: Mapping[str, Any], table: str) -> None:
        for name, texts in groups.items():
            if texts is None:
                continue
            if not self._collector.wants(name):
                self._collector.leave_out_group(f"{table} group", name, strings(texts))
                continue
            for text in strings(texts):
                if text.startswith("-"):
                    path = text.partition(" ")[2].strip()
                    folder = self._file.parent
                    requirements_txt.add_address(self._collector, path, folder, f"'{text}'", "")
                else:
                    self._add(text, f"{name}:")

    def _add(self, text: str, what: str) -> None:
        from packaging.requirements import InvalidRequirement, Requirement

        shown = f"{what} '{text}'"
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, RecursionError):
            self._collector.leave_out(shown, "not a valid pip requirement")
            return
        name = canonicalize_name(requirement.name)
        if name not in self._sources or requirement.url:
            self._collector.add_pip(text, what=shown)
            return
        self._used.add(name)
        self._add_with_source(requirement, self._sources[name], shown)

    def _add_with_source(self, requirement: Any, source: object, shown: str) -> None:
        """Add a requirement whose package comes from a source of uv."""
        sources = list(tables(source if isinstance(source, list) else [source]))
        table = dict(sources[0]) if len(sources) == 1 else {}
        if not table or "workspace" in table or {"extra", "group", "package"} & table.keys():
            reason = "its source in tool.uv.sources has no counterpart in images.toml"
            self._collector.leave_out(shown, reason)
            return
        if requirement.marker:
            markers = [str(requirement.marker), str(table.get("marker", ""))]
            table["marker"] = " and ".join(f"({each})" for each in markers if each)
        table["extras"] = sorted(requirement.extras)
        if "index" in table:
            table["version"] = str(requirement.specifier) or "*"
        prefix = shown.partition("'")[0].strip()
        add_dependency(self._collector, self._file, prefix, requirement.name, table, self._indexes)


def _shown(entry: object) -> str:
    if isinstance(entry, dict):
        return ", ".join(f"{key} {value}" for key, value in entry.items())
    return str(entry)
