"""Groups of records about the same vulnerability, by their ids and aliases. Pure."""

from collections.abc import Iterable, Mapping

PREFERRED = ("CVE-", "GHSA-")
"""Beginnings of ids that name a group, best first."""


def group_names(aliases: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the name of each record's group; ``aliases`` maps ids of records to their aliases.

    Records are in one group if they share an id or an alias, also by way of other records. A group
    is named by its first CVE, or else by its first GHSA id, or else by its first id.
    """
    parents: dict[str, str] = {}
    for record, others in aliases.items():
        root = _root(parents, record)
        for other in others:
            parents[_root(parents, other)] = root
    best: dict[str, tuple[int, str]] = {}
    for member in list(parents):
        root = _root(parents, member)
        best[root] = min(best.get(root, _rank(member)), _rank(member))
    return {record: best[_root(parents, record)][1] for record in aliases}


def _root(parents: dict[str, str], member: str) -> str:
    """Return the representative of a member's group, and shorten the way to it."""
    parents.setdefault(member, member)
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member


def _rank(name: str) -> tuple[int, str]:
    for rank, prefix in enumerate(PREFERRED):
        if name.startswith(prefix):
            return rank, name
    return len(PREFERRED), name
