"""Checks of the constraints and overrides of a builder."""

from collections.abc import Iterator

from orbiter.config.builder_keys import BuilderTable
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.requirements import SYNTAXES
from orbiter.config.sets import ExpandedEntry, Sets, expand, without_indexes

USE_UV = 'write pip-engine = "uv" in the same table'


def check_pip_rules(builder: str, table: BuilderTable, sets: Sets, mistakes: Mistakes) -> None:
    """Add the mistakes in the constraints and overrides of a builder."""
    path = key_path("builder", builder)
    for key, entries in (("constraints", table.constraints), ("overrides", table.overrides)):
        expanded = expand(entries, f"{path}.{key}", sets, mistakes)
        for entry in without_indexes(expanded, mistakes):
            for problem, hint in _mistakes_in(entry, key, table.pip_engine):
                mistakes.add(entry.path, problem, hint=hint)
    if table.overrides and table.pip_engine != "uv":
        problem = f"{table.pip_engine} cannot replace the requirements of packages"
        mistakes.add(f"{path}.overrides", problem, hint=USE_UV)


def _mistakes_in(entry: ExpandedEntry, key: str, engine: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of a constraint or an override, and its remedy."""
    from packaging.requirements import Requirement  # only builders with these keys need it

    syntax = SYNTAXES["pip"]
    if syntax.name(entry.text) is None:
        yield f"'{entry.text}' is not a valid pip requirement", syntax.hint(entry.text)
        return
    requirement = Requirement(entry.text)
    if requirement.url:
        yield f"'{entry.text}' has an address", "write the address in a pip list"
        return
    if key == "overrides":
        return
    if requirement.extras or not requirement.specifier:
        hint = f"write a name and a version, such as {requirement.name}<2"
        yield f"'{entry.text}' does not limit the version of a package", hint
    if requirement.marker and engine == "poetry":
        yield f"{engine} cannot limit a package with a marker", f"remove the marker, or {USE_UV}"
