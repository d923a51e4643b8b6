"""Removal of files that nobody needs at run time. Pure.

The rules are part of the assembly format, because the digests of images depend on them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import count

import msgspec

from orbiter.assembly.tree import Entry
from orbiter.assembly.trim_rules import RULES
from orbiter.assembly.trim_view import View

FORMAT = 1
"""The version of the list of removed files."""
SMALLEST_DUPLICATE = 4096
"""The size in bytes from which equal files become hard links."""


class Trimmed(msgspec.Struct, frozen=True):
    """The paths that a stage keeps, and those that the rules removed.

    ``removed`` has the sorted paths by rule. A folder that goes completely is listed once, with a
    slash at its end. ``linked`` are the groups of equal files that became hard links.
    """

    entries: dict[str, Entry]
    removed: Mapping[str, tuple[str, ...]]
    linked: tuple[tuple[str, ...], ...] = ()


def trim(
    own: Mapping[str, Entry],
    owner: Mapping[str, str],
    rules: Collection[str],
    read: Callable[[str], bytes],
    keep: Collection[str] = (),
    platform: str = "",
) -> Trimmed:
    """Return the paths that a stage adds without those that ``rules`` remove.

    ``owner`` maps paths to packages (``pip:numpy``) and may miss paths. ``read`` returns the
    content of a file. ``keep`` are the targets of own files and downloads, which always stay.
    ``platform`` is that of the image, "" to keep the programs of all processors. If the parent has
    a removed path, too, the image must hide it.
    """
    view = View(own, owner, read, frozenset(keep), platform)
    verdicts = _folders(view, _verdicts(view, rules))
    entries = {path: entry for path, entry in own.items() if path not in verdicts}
    linked: tuple[tuple[str, ...], ...] = ()
    if "duplicates" in rules:
        entries, linked = _link(entries, view)
    return Trimmed(entries, _listed(own, verdicts), linked)


def trimmed_list(trimmed: Trimmed) -> bytes:
    """Return the list of removed files that the image keeps, as JSON."""
    removed = {rule: _texts(paths) for rule, paths in trimmed.removed.items()}
    linked = [_texts(paths) for paths in trimmed.linked]
    document = {"format": FORMAT, "removed": removed, "linked": linked}
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def _texts(paths: Iterable[str]) -> list[str]:
    """Return paths as texts: a byte that is not UTF-8 becomes ``\\xff``."""
    return [
        path.encode(errors="surrogateescape").decode(errors="backslashreplace") for path in paths
    ]


def _verdicts(view: View, rules: Collection[str]) -> dict[str, str]:
    """Return the rule that removes each path; the first one that does."""
    verdicts: dict[str, str] = {}
    for name, rule in RULES.items():
        if name in rules:
            for path in rule(view):
                if view.may_go(path):
                    verdicts.setdefault(path, name)
    return verdicts


def _folders(view: View, verdicts: Mapping[str, str]) -> dict[str, str]:
    """Return the verdicts with those of folders, which only go with all of their content.

    A folder goes by the rule that names it, or else by the one rule that removes its content.
    """
    found = {}
    below: dict[str, set[str]] = defaultdict(set)
    for path in sorted(view.own, key=lambda path: path.count("/"), reverse=True):
        verdict = verdicts.get(path, "")
        if path in below and view.may_go(path):
            verdict = _of_folder(verdict, below[path])
        if verdict:
            found[path] = verdict
        below[path.rpartition("/")[0]].add(verdict)
    return found


def _of_folder(verdict: str, below: Collection[str]) -> str:
    if "" in below:
        return ""
    return verdict or (next(iter(below)) if len(below) == 1 else "")


def _listed(own: Mapping[str, Entry], verdicts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the removed paths by rule, without those below a removed folder."""
    removed: dict[str, list[str]] = defaultdict(list)
    for path in sorted(verdicts):
        if path.rpartition("/")[0] not in verdicts:
            slash = "/" if own[path].kind == "folder" else ""
            removed[verdicts[path]].append(path + slash)
    return {rule: tuple(removed[rule]) for rule in sorted(removed)}


def _link(
    entries: Mapping[str, Entry], view: View
) -> tuple[dict[str, Entry], tuple[tuple[str, ...], ...]]:
    """Return the entries with equal files of a package as hard links, and the groups of these."""
    groups = tuple(sorted(_equal_files(entries, view)))
    unused = count(1 + max((entry.inode for entry in view.own.values()), default=0))
    replaced: dict[int, int] = {}

    def current(inode: int) -> int:
        while inode in replaced:
            inode = replaced[inode]
        return inode

    new: dict[str, int] = {}
    for group in groups:
        numbers = {current(entries[path].inode) for path in group} - {0}
        number = min(numbers) if numbers else next(unused)
        # Files of other packages may have a link to one of the group.
        replaced |= dict.fromkeys(numbers - {number}, number)
        new |= dict.fromkeys(group, number)
    linked = {
        path: msgspec.structs.replace(entry, inode=current(new.get(path, entry.inode)))
        for path, entry in entries.items()
    }
    return linked, groups


def _equal_files(entries: Mapping[str, Entry], view: View) -> Iterator[tuple[str, ...]]:
    """Yield the sorted paths of equal files of one package that are not all hard links of one."""
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for path, entry in entries.items():
        if entry.content is None or entry.content.size < SMALLEST_DUPLICATE:
            continue
        if path in view.owner and view.may_go(path):
            properties = (entry.content.digest, entry.mode, entry.uid, entry.gid, entry.attributes)
            groups[view.owner[path], *properties].append(path)
    for paths in groups.values():
        files = {entries[path].inode or path for path in paths}
        if len(files) > 1:
            yield tuple(sorted(paths))
