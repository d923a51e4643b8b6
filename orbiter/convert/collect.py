"""Collects what a file requires; each entry is either added, or left out with the reason."""

from collections.abc import Iterable
from pathlib import Path

from orbiter.config.direct_references import address_mistakes, is_built
from orbiter.config.indexes import RESERVED, index_mistakes
from orbiter.config.toml_format import ListItem
from orbiter.convert.outcome import Changed, ImportedRequirements, ImportOptions, LeftOut
from orbiter.convert.python.markers import other_systems
from orbiter.convert.reasons import redact, unsupported_reason
from resolvers.errors import ExpectedError

OTHER_SYSTEMS = "its marker is for other systems or Pythons than those of images"

MOST_INDEXES = 50
"""Package indexes that an import adds; each needs a table of its own in images.toml."""


class Collector:
    """Collects the content of a file, and of the files that it names."""

    def __init__(self, options: ImportOptions) -> None:
        self.options = options
        self.python = ""
        self.npm_overrides: dict[str, str | dict[str, str]] = {}
        self.files: dict[str, str] = {}
        self._groups: dict[str, None] = {}
        self._chosen = {*options.groups}
        self._requirements: dict[str, list[ListItem]] = {}
        self._code: dict[str, dict[str, None]] = {}
        self._rules: dict[str, dict[str, None]] = {"constraints": {}, "overrides": {}}
        self._indexes: dict[str, str] = {}
        self._channels: dict[str, None] = {}
        self._image: dict[str, list[ListItem]] = {}
        self._changed: dict[Changed, None] = {}
        self._left_out: dict[LeftOut, None] = {}

    def add(self, manager: str, text: str, comment: str = "", *, what: str = "") -> None:
        """Add a requirement, or leave it out if images.toml cannot contain it.

        ``what`` names it in the report.
        """
        text = text.strip()
        if reason := unsupported_reason(manager, text):
            self.leave_out(what or f"{manager} '{text}'", reason)
            return
        self._append(manager, ListItem(text=text, comment=comment))

    def add_pip(self, text: str, comment: str = "", *, index: str = "", what: str = "") -> None:
        """Add a PEP 508 requirement, also one with an address, or leave it out."""
        from packaging.requirements import InvalidRequirement, Requirement

        text, what = text.strip(), what or f"pip '{text.strip()}'"
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, RecursionError):
            reason = unsupported_reason("pip", text) or "not a valid pip requirement"
            self.leave_out(what, reason)
            return
        if requirement.marker and other_systems(requirement.marker):
            self.leave_out(what, OTHER_SYSTEMS)
        elif requirement.url and index:
            self.leave_out(what, "it has an address and an index")
        elif requirement.url:
            self._add_reference(text, requirement.name, requirement.url, comment, what)
        elif index:
            table = (("requirement", text), ("index", index))
            self._append("pip", ListItem(text=text, table=table, comment=comment))
        else:
            self._append("pip", ListItem(text=text, comment=comment))

    def _add_reference(self, text: str, name: str, url: str, comment: str, what: str) -> None:
        for problem, hint in address_mistakes(name, url):
            self.leave_out(what, f"{problem}; {hint}")
            return
        if is_built(url):
            self.allow("pip-sdist", name)
        self._append("pip", ListItem(text=text, comment=comment))

    def _append(self, manager: str, item: ListItem) -> None:
        self._requirements.setdefault(manager, []).append(item)

    def extend(self, manager: str, items: Iterable[ListItem]) -> None:
        """Add entries that another reader has checked."""
        for item in items:
            self._append(manager, item)

    def add_rule(self, key: str, text: str, what: str = "") -> None:
        """Add an entry of ``constraints`` or ``overrides``, or leave it out."""
        from packaging.requirements import InvalidRequirement, Requirement

        what = what or f"{key} '{text}'"
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, RecursionError):
            self.leave_out(what, "not a valid pip requirement")
            return
        if requirement.marker and other_systems(requirement.marker):
            self.leave_out(what, OTHER_SYSTEMS)
        elif requirement.url:
            self.leave_out(what, "it has an address: write it in a pip list")
        elif requirement.marker:
            self.leave_out(what, f"it has a marker, which {key} of images.toml have with uv only")
        elif requirement.extras or not requirement.specifier:
            self.leave_out(what, "it does not limit the version of a package")
        else:
            self._rules[key][text.strip()] = None

    def add_index(self, name: str, url: str) -> bool:
        """Add a package index that requirements name; leave it out and return False if invalid."""
        if self._indexes.get(name, url) != url or name in RESERVED:
            self.leave_out(f"index '{name}'", "another index has this name")
            return False
        if name not in self._indexes and len(self._indexes) >= MOST_INDEXES:
            self.leave_out(f"index '{name}'", f"an import adds at most {MOST_INDEXES} indexes")
            return False
        for problem, hint in index_mistakes(url):
            self.leave_out(f"index '{name}'", f"its address {problem}; {hint}")
            return False
        self._indexes[name] = url
        return True

    @property
    def index_names(self) -> frozenset[str]:
        """The names of the indexes that were added."""
        return frozenset(self._indexes)

    def add_channels(self, urls: Iterable[str]) -> None:
        """Add conda channels, the first with the highest priority."""
        self._channels |= dict.fromkeys(urls)

    def add_to_image(self, key: str, item: ListItem) -> None:
        """Add an entry to a list of the final stage."""
        self._image.setdefault(key, []).append(item)

    def allow(self, key: str, name: str) -> None:
        """Add a package to ``pip-sdist`` or ``npm-scripts``."""
        self._code.setdefault(key, {})[name] = None

    def change(self, what: str, why: str) -> None:
        """Report a part that was imported in another form."""
        self._changed[Changed(what=redact(what), why=why)] = None

    def leave_out(self, what: str, why: str) -> None:
        """Report a part that was not imported."""
        self._left_out[LeftOut(what=redact(what), why=why)] = None

    def wants(self, group: str) -> bool:
        """Return whether the user chose a group, an extra or a feature of the file."""
        self._groups[group] = None
        return group in self._chosen

    def leave_out_group(self, kind: str, group: str, entries: Iterable[str]) -> None:
        """Report a group that the user did not choose, with all of its entries."""
        listed = ", ".join(redact(entry) for entry in entries)
        self.leave_out(f"{kind} {group} ({listed})".lstrip(), f"choose it with --group {group}")

    def choose(self, group: str) -> None:
        """Import a group that the user need not choose."""
        self._chosen.add(group)

    def items(self, manager: str) -> tuple[ListItem, ...]:
        """Return the requirements of a manager that were added so far."""
        return tuple(self._requirements.get(manager, ()))

    def check_groups(self, file: Path) -> None:
        """Raise ExpectedError if the user chose a group that the file does not have."""
        missing = sorted(self.options.groups - self._groups.keys())
        if missing:
            hint = f"it has: {', '.join(self._groups)}" if self._groups else "it has no groups"
            raise ExpectedError(f"{file} has no group '{missing[0]}'", hint)

    def result(self) -> ImportedRequirements:
        """Return everything that was collected."""
        return ImportedRequirements(
            requirements={name: tuple(items) for name, items in self._requirements.items()},
            channels=tuple(self._channels),
            code={key: tuple(names) for key, names in self._code.items()},
            constraints=tuple(self._rules["constraints"]),
            overrides=tuple(self._rules["overrides"]),
            npm_overrides=self.npm_overrides,
            python=self.python,
            indexes=self._indexes,
            image={key: tuple(items) for key, items in self._image.items()},
            files=self.files,
            changed=tuple(self._changed),
            left_out=tuple(self._left_out),
        )
