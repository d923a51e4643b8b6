"""The lists of an invoke.yaml as lists of images.toml: one requirement an entry, anchors as sets. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.config.requirements import package_name
from orbiter.config.toml_edit import ListItem
from orbiter.convert.environment_yml import shown, why_not
from orbiter.convert.invoke.yaml import Shared, flat
from orbiter.convert.outcome import Notes

BOTH = frozenset((
    "bash", "bzip2", "ca-certificates", "cmake", "curl", "file", "findutils", "g++", "gcc", "gettext", "gfortran",
    "git", "git-lfs", "gnupg", "graphviz", "grep", "gzip", "htop", "jq", "less", "make", "nano", "nodejs", "npm",
    "openssl", "patch", "rsync", "sed", "sudo", "tar", "tini", "tmux", "tree", "tzdata", "unzip", "vim", "wget",
    "zip",
))  # fmt: skip
"""Packages that have one name in Alpine and Debian."""
BARE = re.compile(r"\w[\w.+-]*")
EXTENSION = re.compile(r"\bjupyter[ -]+serverextension\b")


class _List(msgspec.Struct, frozen=True, kw_only=True):
    """A list being written: for whom, its name in the file, its table; what it asks for by package, and what twice."""

    manager: str
    key: str
    table: str
    taken: dict[str, str]
    doubles: dict[str, None]


class Lists:
    """Writes lists, notes what becomes of their entries, and collects the sets that they use."""

    def __init__(self, comments: Mapping[str, str], notes: Notes) -> None:
        self.sets: dict[str, tuple[ListItem, ...]] = {}
        self._comments = comments
        self._notes = notes

    def requirements(
        self, value: object, manager: str, key: str, table: str
    ) -> tuple[ListItem, ...]:
        """What a list asks of a manager, in its order. ``key`` is what the file calls it: ``apk``, where apt serves."""
        target = _List(manager=manager, key=key, table=table, taken={}, doubles={})
        parts = tuple(_parts(value))
        references = [self._reference(part, target) for part in parts]
        entries: list[ListItem] = []
        for part, reference in zip(parts, references, strict=True):
            entries += [ListItem(text=reference)] if reference else self._own(part, target)
        if target.doubles:
            what = f"{key} '{', '.join(target.doubles)}'"
            self._notes.add(
                "changed", table, what, "asked for again in the same list; once is enough"
            )
        return tuple(entries)

    def commands(self, value: object, table: str) -> tuple[ListItem, ...]:
        """Shell commands, in the list's order."""
        found = []
        for each in flat(value):
            command = each.strip() if isinstance(each, str) else ""
            new = EXTENSION.sub("jupyter server extension", command)
            if not command or not new.isprintable():
                what = f"postbuild '{command.split()[0]} …'" if command else "an entry of postbuild"
                self._notes.add(
                    "left out", table, what, "a command of images.toml is a text of one line"
                )
                continue
            if new != command:
                why = "'jupyter server extension' since Jupyter Server 2"
                self._notes.add("changed", table, "postbuild 'jupyter serverextension'", why)
            found.append(self._entry(new, command))
        return tuple(found)

    def _reference(self, part: object, target: _List) -> str:
        """``@name`` for a list with an anchor that can be a set here; its packages are then taken. Else ""."""
        if not isinstance(part, Shared):
            return ""
        texts = tuple(flat(part))
        packages = {
            package_name(target.manager, text): text for text in texts if isinstance(text, str)
        }
        entries = tuple(self._entry(text) for text in packages.values())
        fits = len(packages) == len(texts) > 0 and not any(
            _why_not(target.manager, text) for text in texts
        )
        if (
            not fits
            or packages.keys() & target.taken.keys()
            or self.sets.get(part.name, entries) != entries
        ):
            return ""
        target.taken.update(packages)
        self.sets[part.name] = entries
        return f"@{part.name}"

    def _own(self, part: object, target: _List) -> Iterator[ListItem]:
        """The entries for packages that are not taken yet."""
        for whole in flat(part):
            for text in self._split(whole, target):
                other = target.taken.get(package_name(target.manager, text))
                if other is None:
                    target.taken[package_name(target.manager, text)] = text
                    yield self._entry(text)
                elif BARE.fullmatch(text) or text == other:
                    target.doubles[text] = None
                else:
                    self._left(target, text, f"the list asks for '{other}' already")

    def _split(self, whole: object, target: _List) -> Iterator[str]:
        """The requirements that an entry holds: one, several names in one text, or none that images.toml can hold."""
        text = whole.strip() if isinstance(whole, str) else ""
        words = text.split()
        why = _why_not(target.manager, text)
        if not text:
            self._left(
                target, ", ".join(whole) if isinstance(whole, dict) else str(whole), "is no text"
            )
        elif why and len(words) > 1 and all(map(BARE.fullmatch, words)):
            self._notes.add(
                "changed",
                target.table,
                f"{target.key} '{text}'",
                f"{len(words)} packages, each an entry",
            )
            for word in words:
                yield from self._split(word, target)
        elif why:
            self._left(target, shown(text), why)
        else:
            yield text

    def _left(self, target: _List, what: str, why: str) -> None:
        self._notes.add("left out", target.table, f"{target.key} '{what}'", why)

    def _entry(self, text: str, written: str = "") -> ListItem:
        return ListItem(text=text, comment=self._comments.get(written or text, ""))


def _parts(value: Any) -> Iterator[Any]:
    """The entries of a list, with those of lists inside it that have no anchor."""
    if isinstance(value, list):
        for each in value:
            yield from _parts(each)
    elif value is not None:
        yield value


def _why_not(manager: str, text: str) -> str:
    """Why a text is no requirement that images.toml can hold; "" when it is one."""
    if manager == "apt":
        return (
            "" if text in BOTH else "it is Alpine's name for it: find Debian's, and add that to apt"
        )
    return why_not(manager, text)
