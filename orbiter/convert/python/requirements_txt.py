"""Read requirements.txt for images.toml, with the files that it names.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/. pip-tools and uv write
the reason for each package as a comment, which stays: ``# via requests``.
"""

import re
from pathlib import Path

from orbiter.config.requirements import package_name
from orbiter.convert.collect import Collector
from orbiter.convert.files import is_file, read_text, why_no_file
from orbiter.convert.python.addresses import (
    local_path,
    name_of_address,
    project_name,
    split_extras,
    without_egg,
)
from orbiter.lockfiles.requirements import requiring_package, via_items
from orbiter.lockfiles.requirements_lines import COMMENT, LogicalLine, logical_lines
from resolvers.errors import ExpectedError

SHORT_OPTION = re.compile(r"-(?P<key>[a-z])[\s=]*+(?P<value>.*)", re.DOTALL)
LONG_OPTION = re.compile(r"--(?P<key>[a-z][a-z-]*+)(?:[\s=]++(?P<value>.*))?", re.DOTALL)
NAMES = {
    "r": "requirement",
    "c": "constraint",
    "e": "editable",
    "i": "index-url",
    "f": "find-links",
}
LINE_OPTION = re.compile(r"\s--(?=[a-z])")
WITHOUT_NAME = re.compile(
    r"(?:[a-z+]+://|file:|git\+|\.|/|[A-Za-z]:[\\/])|[^\s\[;@]*/|[^\s;@]+\.whl"
)
"""Start of a path or an address without a name before it."""
NAME = re.compile(r"[^A-Za-z0-9._-]")
MARKER = re.compile(r"\s;\s*")
DEPTH = 8
"""The depth to which files may name other files."""

MACHINE = "set it in pip's configuration of the machine"
REASONS = {
    "index-url": MACHINE,
    "extra-index-url": f"{MACHINE}; or declare an [index.NAME] for the packages that need it",
    "find-links": MACHINE,
    "no-index": MACHINE,
    "trusted-host": MACHINE,
    "no-binary": "name packages that may be built from source in pip-sdist",
    "only-binary": "not needed: only packages in pip-sdist are built from source",
    "prefer-binary": "not needed: only packages in pip-sdist are built from source",
    "require-hashes": "not needed: orbiter lock records the hashes of all files",
    "pre": "write a pre-release in the requirement that needs one, such as numpy>=3.0rc1",
}
NO_NAME = "its name is not certain: add it to images.toml with its name, as name @ address"
OUTSIDE = "it is not a Python project below the folder of images.toml with a name in pyproject.toml"


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the requirements of a file. Raises ExpectedError if it is cut off."""
    _Reader(collector).read(file, text)


class _Reader:
    """Reads a requirements.txt and the files that it includes."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._seen: set[Path] = set()
        self._depth = 0

    def read(self, file: Path, text: str, *, constraints: bool = False) -> None:
        self._seen.add(file.resolve())
        raw = text.split("\n")
        names = {package_name("pip", NAME.split(line.text)[0]) for line in logical_lines(text)}
        hashed = 0
        for line in logical_lines(text):
            where = f"{file}:{line.number}"
            if line.is_truncated:
                raise ExpectedError(f"{where}: the file ends within this line", "complete the file")
            if line.text.startswith("-"):
                self._read_option(file, line, constraints=constraints)
                continue
            requirement, *options = LINE_OPTION.split(line.text)
            hashed += any(option.startswith("hash") for option in options)
            self._add_options(where, requirement, options)
            comment = _comment(line, raw[line.number - 1])
            if constraints:
                what = f"{where}: '{requirement}'"
                self._collector.add_rule("constraints", requirement, what)
            elif not self._is_indirect(line, requirement, names):
                self._add(file, where, requirement, comment)
        if hashed:
            reason = "orbiter lock records the hashes of all files"
            self._collector.leave_out(f"{file}: the hashes of {hashed} requirements", reason)

    def _is_indirect(self, line: LogicalLine, requirement: str, names: set[str]) -> bool:
        """Leave out a pin that only other packages require, if the user wants the others.

        ``names`` are the packages in the same file.
        """
        via = via_items(line.comments) or []
        if not self._collector.options.direct or not via:
            return False
        if any(requiring_package(item) not in names for item in via if item[:2] != "-c"):
            return False
        reason = f"required by {', '.join(via)}, and --direct leaves it to orbiter lock"
        self._collector.leave_out(f"pip '{requirement}'", reason)
        return True

    def _add_options(self, where: str, requirement: str, options: list[str]) -> None:
        for option in options:
            if not option.startswith("hash"):
                what = f"{where}: --{re.split(r'[ =]', option, maxsplit=1)[0]} of '{requirement}'"
                self._collector.leave_out(what, "builds have the same options for all packages")

    def _add(self, file: Path, where: str, text: str, comment: str) -> None:
        what = f"{where}: '{text}'"
        if WITHOUT_NAME.match(text):
            add_address(self._collector, text, file.parent, what, comment)
        else:
            self._collector.add_pip(text, comment, what=what)

    def _read_option(self, file: Path, line: LogicalLine, *, constraints: bool) -> None:
        match = LONG_OPTION.fullmatch(line.text) or SHORT_OPTION.fullmatch(line.text)
        key = NAMES.get(match["key"], match["key"]) if match else ""
        value = (match["value"] or "").strip() if match else ""
        where = f"{file}:{line.number}"
        if key == "editable":
            what = f"{where}: '{line.text}'"
            add_address(self._collector, value, file.parent, what, "")
        elif key in {"requirement", "constraint"} and value:
            is_constraint = constraints or key == "constraint"
            self._include(file, value, f"{where}: '{line.text}'", constraints=is_constraint)
        else:
            reason = REASONS.get(key, "not an option that images.toml has")
            self._collector.leave_out(f"{where}: '{_shown(line.text, key)}'", reason)

    def _include(self, file: Path, value: str, what: str, *, constraints: bool) -> None:
        path = file.parent / value
        if "://" in value:
            self._collector.leave_out(what, "it is on a server: download it, then import it")
        elif not is_file(path):
            self._collector.leave_out(what, why_no_file(path))
        elif path.resolve() in self._seen:
            self._collector.leave_out(what, "the file was already read")
        elif self._depth >= DEPTH:
            reason = f"more than {DEPTH} files name each other: import it separately"
            self._collector.leave_out(what, reason)
        else:
            self._depth += 1
            self.read(path, read_text(path), constraints=constraints)
            self._depth -= 1


def add_address(collector: Collector, text: str, folder: Path, what: str, comment: str) -> None:
    """Add a requirement that is only a path or an address, if its name is certain.

    ``folder`` is the one that paths are relative to.
    """
    address, *marker = MARKER.split(text, maxsplit=1)
    suffix = f" ; {marker[0]}" if marker else ""
    path, extras = split_extras(address)
    if "://" in address and not address.startswith("file:"):
        name = name_of_address(address)
        egg_extras = split_extras(address.partition("egg=")[2].partition("&")[0])[1]
        if not name:
            collector.leave_out(what, NO_NAME)
            return
        url = without_egg(address)
        collector.add_pip(f"{name}{egg_extras} @ {url}{suffix}", comment, what=what)
        return
    relative = local_path(path, folder, collector.options.root)
    name = project_name(collector.options.root / relative) if relative else ""
    if not name:
        collector.leave_out(what, OUTSIDE)
        return
    collector.add_pip(f"{name}{extras} @ {relative}{suffix}", comment, what=what)


def _shown(text: str, key: str) -> str:
    """Return an option without its value, which may be secret, except where it is harmless."""
    return text if key in {"no-binary", "only-binary", "pre"} else re.split(r"[\s=]", text)[0]


def _comment(line: LogicalLine, raw: str) -> str:
    """Return the comment on the line of a requirement, and who requires it."""
    match = COMMENT.search(raw)
    own = raw[match.end() :].strip() if match else ""
    via = via_items(line.comments)
    if via is None:
        return own
    reason = f"via {', '.join(via)}"
    return reason if not own or own.startswith("via") else f"{own}; {reason}"
