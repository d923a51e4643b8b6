"""Check the solution of a conda solver, without rattler.

Versions are ordered as in
https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import total_ordering
from itertools import zip_longest
from typing import Any

Record = Mapping[str, Any]
"""A package in repodata.json."""


@total_ordering
class Part:
    """A piece of a version between dots and letters: "dev" < "_" < letters < numbers < "post"."""

    def __init__(self, text: str) -> None:
        if text.isdigit():
            self.key: tuple[int, int, str] = (1, int(text), "")
        else:
            self.key = ({"dev": -2, "_": -1, "post": 2}.get(text, 0), 0, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.key == other.key

    def __lt__(self, other: "Part") -> bool:
        return self.key < other.key

    __hash__ = None  # type: ignore[assignment]


def parse(text: str) -> list[list[Part]]:
    """Return the parts of each piece between dots; each piece begins with a number."""
    pieces = []
    for piece in re.split(r"[._-]", text.lower()) if text else []:
        words = re.findall(r"[0-9]+|[a-z]+", piece) or ["_"]
        if not words[0].isdigit():
            words = ["0", *words]
        pieces.append([Part(word) for word in words])
    return pieces


def compare(left: str, right: str) -> int:
    """Return -1, 0 or 1 if the left version is older than, equal to or newer than the right one."""
    missing: list[Part] = []
    for left_half, right_half in zip(_split(left), _split(right), strict=True):
        for left_piece, right_piece in zip_longest(left_half, right_half, fillvalue=missing):
            for a, b in zip_longest(left_piece, right_piece, fillvalue=Part("0")):
                if a != b:
                    return -1 if a < b else 1
    return 0


def _split(version: str) -> tuple[list[list[Part]], list[list[Part]], list[list[Part]]]:
    """Return the epoch, the main version and the local version."""
    epoch, _, rest = version.rpartition("!")
    main, _, local = rest.partition("+")
    return [[Part(epoch or "0")]], parse(main), parse(local)


def is_in_series(version: str, series: str) -> bool:
    """Return True if a version is in a series, for example 3.12.1 in 3.12."""
    pieces, prefix = parse(version.partition("+")[0]), parse(series)
    if len(pieces) < len(prefix):
        return False
    *whole, last = prefix
    return pieces[: len(whole)] == whole and pieces[len(whole)][: len(last)] == last


def version_fits(expression: str, version: str) -> bool:
    """Return True if a version fits an expression without parentheses: ``>=1.2,<2.0a0|3.*``."""
    return any(
        all(_clause_fits(clause, version) for clause in alternative.split(","))
        for alternative in expression.split("|")
    )


def _clause_fits(clause: str, version: str) -> bool:
    match = re.fullmatch(r"(==|=|!=|<=|>=|~=|<|>)?(.*?)(\.?\*)?", clause.strip())
    assert match, clause
    operator, operand, star = match.groups()
    if not operand:
        return True
    order = compare(version, operand)
    if operator in {"<", "<=", ">", ">="}:
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]
    if operator == "~=":
        return order >= 0 and is_in_series(version, operand.rpartition(".")[0])
    equal = is_in_series(version, operand) if star or operator == "=" else order == 0
    return equal != (operator == "!=")


def fits(requirement: str, record: Record) -> bool:
    """Return True if a package fits a line of ``depends``: ``name [version [build]]``."""
    name, version, build = (*requirement.split(), "", "")[:3]
    if match := re.fullmatch(r"(==?[^=,|]+)=([^=]+)", version):  # ==1.0=*_1
        version, build = match.groups()
    return bool(
        record["name"] == name
        and (not version or version_fits(version, record["version"]))
        and (not build or fnmatchcase(record["build"], build))
    )


def faults(
    solution: Iterable[Record], virtual: Mapping[str, str], requirements: Iterable[str]
) -> list[str]:
    """Return all faults of an environment; the requirements have the form of ``depends``."""
    records = list(solution)
    installed = {record["name"]: record for record in records}
    problems = []
    if len(installed) != len(records):
        problems.append("two packages have the same name")
    for name, text in virtual.items():
        version, _, build = text.partition(" ")
        installed[name] = {"name": name, "version": version, "build": build or "0"}
    for requirement in requirements:
        if not _is_met(requirement, installed):
            problems.append(f"{requirement} is not met")
    for record in records:
        problems += _faults_of(record, installed)
    return problems


def _faults_of(record: Record, installed: Mapping[str, Record]) -> Iterator[str]:
    title = f"{record['name']} {record['version']}"
    for requirement in record["depends"]:
        if not _is_met(requirement, installed):
            yield f"{title} needs {requirement}"
    for constraint in record.get("constrains", ()):
        other = installed.get(constraint.split()[0])
        if other and not fits(constraint, other):
            yield f"{title} conflicts with {other['name']} {other['version']}: {constraint}"


def _is_met(requirement: str, installed: Mapping[str, Record]) -> bool:
    return fits(requirement, installed.get(requirement.split(maxsplit=1)[0], {"name": ""}))
