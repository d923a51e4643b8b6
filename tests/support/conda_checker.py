"""What conda's versions and requirements mean, without rattler: checks what a solver found.

Orders versions as https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html tells it.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import total_ordering
from itertools import zip_longest
from typing import Any

Record = Mapping[str, Any]  # as it stands in repodata.json


@total_ordering
class Part:
    """A piece of a version between dots and letters: "dev" < "_" < letters < numbers < "post"."""

    def __init__(self, text: str) -> None:
        numeric = text.isdigit()
        rank = {"dev": -2, "_": -1, "post": 2}.get(text, 1 if numeric else 0)
        self.key: tuple[int, int, str] = (
            rank,
            int(text) if numeric else 0,
            "" if numeric else text,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.key == other.key

    def __lt__(self, other: "Part") -> bool:
        return self.key < other.key

    __hash__ = None  # type: ignore[assignment]


def pieces(text: str) -> list[list[Part]]:
    found = []
    for piece in re.split(r"[._-]", text.lower()) if text else []:
        words = re.findall(r"[0-9]+|[a-z]+", piece) or ["_"]
        found.append([Part(word) for word in (["0", *words] if not words[0].isdigit() else words)])
    return found


def compared(one: str, other: str) -> int:
    """-1, 0 or 1, as one version is older than, equal to or newer than the other."""
    halves = []
    for text in (one, other):
        epoch, _, rest = text.rpartition("!")
        main, _, local = rest.partition("+")
        halves.append(([[Part(epoch or "0")]], pieces(main), pieces(local)))
    nothing: list[Part] = []
    for mine, theirs in zip(*halves, strict=True):
        for left, right in zip_longest(mine, theirs, fillvalue=nothing):
            for a, b in zip_longest(left, right, fillvalue=Part("0")):
                if a != b:
                    return -1 if a < b else 1
    return 0


def begins_with(version: str, start: str) -> bool:
    """Whether a version is one of a series: 3.12.1 of 3.12."""
    mine, series = pieces(version.partition("+")[0]), pieces(start)
    if len(mine) < len(series):
        return False
    *whole, last = series
    if [each == mine[number] for number, each in enumerate(whole)].count(False):
        return False
    return mine[len(whole)][: len(last)] == last


def version_fits(text: str, version: str) -> bool:
    """Whether a version fits an expression such as ``>=1.2,<2.0a0|3.*``, without parentheses."""
    return any(all(one_fits(each, version) for each in some.split(",")) for some in text.split("|"))


def one_fits(text: str, version: str) -> bool:
    found = re.fullmatch(r"(==|=|!=|<=|>=|~=|<|>)?(.*?)(\.?\*)?", text.strip())
    assert found, text
    sign, wanted, star = found.groups()
    if not wanted:
        return True
    if sign in {"<", "<=", ">", ">="}:
        order = compared(version, wanted)
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]
    if sign == "~=":
        return compared(version, wanted) >= 0 and begins_with(version, wanted.rpartition(".")[0])
    same = begins_with(version, wanted) if star or sign == "=" else compared(version, wanted) == 0
    return not same if sign == "!=" else same


def fits(need: str, record: Record) -> bool:
    """Whether a package fits a line of ``depends``: ``name``, ``name version`` or ``name version build``."""
    name, version, build = (*need.split(), "", "")[:3]
    if found := re.fullmatch(r"(==?[^=,|]+)=([^=]+)", version):  # ==1.0=*_1
        version, build = found.groups()
    return bool(
        record["name"] == name
        and (not version or version_fits(version, record["version"]))
        and (not build or fnmatchcase(record["build"], build))
    )


def faults(
    chosen: Iterable[Record], virtual: Mapping[str, str], wishes: Iterable[str]
) -> list[str]:
    """All that is wrong with an environment; ``wishes`` are requirements in the form of ``depends``."""
    records = list(chosen)
    there = {record["name"]: record for record in records}
    found = [] if len(there) == len(records) else ["a name is there twice"]
    for name, text in virtual.items():
        version, _, build = text.partition(" ")
        there[name] = {"name": name, "version": version, "build": build or "0"}
    for wish in wishes:
        if not fits(wish, there.get(wish.split()[0], {"name": ""})):
            found.append(f"{wish} is not met")
    for record in records:
        who = f"{record['name']} {record['version']}"
        for need in record["depends"]:
            if not fits(need, there.get(need.split()[0], {"name": ""})):
                found.append(f"{who} needs {need}")
        for need in record.get("constrains", ()):
            if (other := there.get(need.split()[0])) and not fits(need, other):
                found.append(f"{who} does not go with {other['name']} {other['version']}: {need}")
    return found
