"""conda's version and requirement syntax without rattler, to check a solver's results.

Versions are ordered as in
https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import total_ordering
from itertools import zip_longest
from typing import Any

Record = Mapping[str, Any]  # as in repodata.json
RANKS = {"dev": -2, "_": -1, "post": 2}


@total_ordering
class Component:
    """A number or word of a version: "dev" < "_" < other words < numbers < "post"."""

    def __init__(self, text: str) -> None:
        numeric = text.isdigit()
        rank = RANKS.get(text, 1 if numeric else 0)
        self.key: tuple[int, int, str] = (rank, int(text), "") if numeric else (rank, 0, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Component) and self.key == other.key

    def __lt__(self, other: "Component") -> bool:
        return self.key < other.key

    __hash__ = None  # type: ignore[assignment] # a method for mypy; nothing hashes components


def segments(text: str) -> list[list[Component]]:
    """Return the components of each segment between dots, dashes and underscores."""
    result = []
    for segment in re.split(r"[._-]", text.lower()) if text else []:
        words = re.findall(r"[0-9]+|[a-z]+", segment) or ["_"]
        if not words[0].isdigit():
            words = ["0", *words]
        result.append([Component(word) for word in words])
    return result


def compare(version: str, other: str) -> int:
    """Return -1, 0 or 1 if a version is older than, equal to or newer than the other."""
    sides = []
    for text in (version, other):
        epoch, _, rest = text.rpartition("!")
        main, _, local = rest.partition("+")
        sides.append(([[Component(epoch or "0")]], segments(main), segments(local)))
    empty: list[Component] = []
    for part, other_part in zip(*sides, strict=True):
        for left, right in zip_longest(part, other_part, fillvalue=empty):
            for a, b in zip_longest(left, right, fillvalue=Component("0")):
                if a != b:
                    return -1 if a < b else 1
    return 0


def starts_with(version: str, prefix: str) -> bool:
    """Return whether a version belongs to a series: 3.12.1 to 3.12."""
    own, series = segments(version.partition("+")[0]), segments(prefix)
    if len(own) < len(series):
        return False
    *complete, last = series
    if any(segment != own[position] for position, segment in enumerate(complete)):
        return False
    return own[len(complete)][: len(last)] == last


def version_matches(spec: str, version: str) -> bool:
    """Return whether a version matches a spec like ``>=1.2,<2.0a0|3.*``, without parentheses."""
    return any(
        all(clause_matches(clause, version) for clause in alternative.split(","))
        for alternative in spec.split("|")
    )


def clause_matches(clause: str, version: str) -> bool:
    match = re.fullmatch(r"(==|=|!=|<=|>=|~=|<|>)?(.*?)(\.?\*)?", clause.strip())
    assert match, clause
    sign, expected, star = match.groups()
    if not expected:
        return True
    order = compare(version, expected)
    if sign in {"<", "<=", ">", ">="}:
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]
    if sign == "~=":
        return order >= 0 and starts_with(version, expected.rpartition(".")[0])
    equal = starts_with(version, expected) if star or sign == "=" else order == 0
    return not equal if sign == "!=" else equal


def matches(dependency: str, record: Record) -> bool:
    """Return whether a package matches a line of ``depends``: ``name [version [build]]``."""
    name, version, build = (*dependency.split(), "", "")[:3]
    if match := re.fullmatch(r"(==?[^=,|]+)=([^=]+)", version):  # ==1.0=*_1
        version, build = match.groups()
    return bool(
        record["name"] == name
        and (not version or version_matches(version, record["version"]))
        and (not build or fnmatchcase(record["build"], build))
    )


def faults(
    records: Iterable[Record], virtual: Mapping[str, str], requirements: Iterable[str]
) -> list[str]:
    """Return everything that is wrong with an environment.

    ``requirements`` have the form of ``depends``.
    """
    records = list(records)
    by_name = {record["name"]: record for record in records}
    result = [] if len(by_name) == len(records) else ["a name occurs twice"]
    for name, text in virtual.items():
        version, _, build = text.partition(" ")
        by_name[name] = {"name": name, "version": version, "build": build or "0"}
    missing = {"name": ""}
    for requirement in requirements:
        if not matches(requirement, by_name.get(requirement.split()[0], missing)):
            result.append(f"{requirement} is not met")
    for record in records:
        label = f"{record['name']} {record['version']}"
        for dependency in record["depends"]:
            if not matches(dependency, by_name.get(dependency.split()[0], missing)):
                result.append(f"{label} needs {dependency}")
        for constraint in record.get("constrains", ()):
            other = by_name.get(constraint.split()[0])
            if other and not matches(constraint, other):
                version = f"{other['name']} {other['version']}"
                result.append(f"{label} conflicts with {version}: {constraint}")
    return result
