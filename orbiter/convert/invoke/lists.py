"""Convert lists of an invoke.yaml: one requirement per entry, anchors as sets."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.config.requirements import package_name
from orbiter.config.toml_format import ListItem
from orbiter.convert.invoke.yaml import Shared, flat
from orbiter.convert.outcome import Notes
from orbiter.convert.reasons import redact, unsupported_reason

SAME_NAMES = frozenset((
    "bash", "bzip2", "ca-certificates", "cmake", "curl", "file", "findutils", "g++", "gcc",
    "gettext", "gfortran", "git", "git-lfs", "gnupg", "graphviz", "grep", "gzip", "htop", "jq",
    "less", "make", "nano", "nodejs", "npm", "openssl", "patch", "rsync", "sed", "sudo", "tar",
    "tini", "tmux", "tree", "tzdata", "unzip", "vim", "wget", "zip",
))  # fmt: skip
"""Packages with the same name in Alpine and Debian."""
BARE_NAME = re.compile(r"\w[\w.+-]*")
EXTENSION = re.compile(r"\bjupyter[ -]+serverextension\b")
EXTENSION_COMMAND = "jupyter server extension"


class _Target(msgspec.Struct, frozen=True, kw_only=True):
    """The list of images.toml that is written.

    ``key`` is its name in invoke.yaml. ``by_package`` maps packages to their requirement in the
    list, ``duplicates`` has the repeated requirements in order.
    """

    manager: str
    key: str
    table: str
    by_package: dict[str, str]
    duplicates: dict[str, None]


class Lists:
    """Converts lists, adds notes on their entries and collects the sets that they use."""

    def __init__(self, comments: Mapping[str, str], notes: Notes) -> None:
        self.sets: dict[str, tuple[ListItem, ...]] = {}
        self._comments = comments
        self._notes = notes

    def requirements(
        self, value: object, manager: str, key: str, table: str
    ) -> tuple[ListItem, ...]:
        """Return a list of requirements in its order.

        ``key`` is its name in invoke.yaml, such as ``apk`` for a list that becomes ``apt``.
        """
        target = _Target(manager=manager, key=key, table=table, by_package={}, duplicates={})
        parts = tuple(_parts(value))
        # First all sets, so that their packages are not repeated by earlier entries.
        references = [self._set_reference(part, target) for part in parts]
        items: list[ListItem] = []
        for part, reference in zip(parts, references, strict=True):
            items += [ListItem(text=reference)] if reference else self._new_items(part, target)
        if target.duplicates:
            what = f"{key} '{', '.join(target.duplicates)}'"
            self._notes.add("changed", table, what, "listed more than once; once is enough")
        return tuple(items)

    def commands(self, value: object, table: str) -> tuple[ListItem, ...]:
        """Return a list of shell commands in its order."""
        items = []
        for entry in flat(value):
            command = entry.strip() if isinstance(entry, str) else ""
            new = EXTENSION.sub(EXTENSION_COMMAND, command)
            if not command or not new.isprintable():
                self._leave_out_command(command, table)
                continue
            if new != command:
                what = "postbuild 'jupyter serverextension'"
                why = f"replaced by '{EXTENSION_COMMAND}', its name since Jupyter Server 2"
                self._notes.add("changed", table, what, why)
            items.append(self._item(new, command))
        return tuple(items)

    def _leave_out_command(self, command: str, table: str) -> None:
        what = (
            f"postbuild '{command.split(maxsplit=1)[0]} …'" if command else "an entry of postbuild"
        )
        self._notes.add("left out", table, what, "a command in images.toml is a string of one line")

    def _set_reference(self, part: object, target: _Target) -> str:
        """Return ``@name`` for a list with an anchor that can become a set, else "".

        The packages of the set then belong to the target.
        """
        if not isinstance(part, Shared):
            return ""
        entries = tuple(flat(part))
        by_package = {
            package_name(target.manager, entry): entry
            for entry in entries
            if isinstance(entry, str)
        }
        items = tuple(self._item(entry) for entry in by_package.values())
        if (
            not entries
            or len(by_package) < len(entries)
            or any(_reason(target.manager, entry) for entry in entries)
            or by_package.keys() & target.by_package.keys()
            or self.sets.get(part.name, items) != items
        ):
            return ""
        target.by_package.update(by_package)
        self.sets[part.name] = items
        return f"@{part.name}"

    def _new_items(self, part: object, target: _Target) -> Iterator[ListItem]:
        """Yield the entries whose packages are not in the target yet."""
        for entry in flat(part):
            for requirement in self._split(entry, target):
                name = package_name(target.manager, requirement)
                other = target.by_package.get(name)
                if other is None:
                    target.by_package[name] = requirement
                    yield self._item(requirement)
                elif BARE_NAME.fullmatch(requirement) or requirement == other:
                    target.duplicates[requirement] = None
                else:
                    self._leave_out(target, requirement, f"the list already has '{other}'")

    def _split(self, entry: object, target: _Target) -> Iterator[str]:
        """Yield the valid requirements in an entry, which may have several names in one string."""
        if not isinstance(entry, str) or not entry.strip():
            # The values of a table may be secret, so only its keys are reported.
            reported = ", ".join(entry) if isinstance(entry, dict) else str(entry)
            self._leave_out(target, reported, "not a string")
            return
        text = entry.strip()
        reason = _reason(target.manager, text)
        words = text.split()
        if not reason:
            yield text
        elif len(words) > 1 and all(map(BARE_NAME.fullmatch, words)):
            what = f"{target.key} '{text}'"
            why = f"split into {len(words)} entries, one per package"
            self._notes.add("changed", target.table, what, why)
            for word in words:
                yield from self._split(word, target)
        else:
            self._leave_out(target, redact(text), reason)

    def _leave_out(self, target: _Target, what: str, why: str) -> None:
        self._notes.add("left out", target.table, f"{target.key} '{what}'", why)

    def _item(self, text: str, written: str = "") -> ListItem:
        """Return an entry with the comment of the entry as written in the file."""
        return ListItem(text=text, comment=self._comments.get(written or text, ""))


def _parts(value: Any) -> Iterator[Any]:
    """Yield the entries of a list and of the lists in it that have no anchor."""
    if isinstance(value, list):
        for entry in value:
            yield from _parts(entry)
    elif value is not None:
        yield value


def _reason(manager: str, text: str) -> str:
    """Return the reason why images.toml cannot contain a requirement, "" if it can."""
    if manager != "apt":
        return unsupported_reason(manager, text)
    if text in SAME_NAMES:
        return ""
    return "this is the name in Alpine: add the Debian package to apt"
