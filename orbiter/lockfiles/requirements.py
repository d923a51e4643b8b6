"""Reader of requirements.txt as a lock file.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
pip-tools and uv add a comment to each package with the reason for it: ``# via -r requirements.in``,
or the names of the packages that require it.
"""

import re
from collections.abc import Iterator

import msgspec

from orbiter.lockfiles.document import DAMAGED, VERSIONS_ONLY, without_credentials
from orbiter.lockfiles.pip_files import file_name, normalise, parse_distribution
from orbiter.lockfiles.requirements_lines import LogicalLine, logical_lines
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

# The possessive quantifiers (*+) keep the expressions linear on lines with many spaces.
NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*+(?:\[[^\]]*\])?\s*+"
PINNED = re.compile(NAME + r"\(?===?\s*(?P<version>[^\s,;*()]+)\s*+\)?\s*+(?:,.*)?")
NOT_PINNED = re.compile(NAME + r"(?:\(?(?:[<>]=?|[=!~]==?)\s*[0-9A-Za-z].*)?")
NAME_AND_URL = re.compile(NAME + r"@\s*(?P<url>\S.*)")
URL_OR_PATH = re.compile(
    r"""
    \. | / | file: | [a-z+]+:// | [A-Za-z]:[\\/]
    | [^\s=<>@]+/
    | [^\s=<>@]+\.(?:whl|zip|tar\.gz)$
    """,
    re.VERBOSE,
)
"""Start of a URL or path without a name before it."""

OPTION = re.compile(r"--?(?P<key>[a-z][a-z-]*)(?:[\s=]+(?P<value>.*))?$")
EDITABLE = frozenset({"e", "editable"})
INCLUDES = frozenset({"r", "requirement", "c", "constraint"})
INDEXES = frozenset({"i", "index-url", "extra-index-url"})

HASH = re.compile(r"\s--hash[=\s]\s*(?P<hash>\S+)")
DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of a hash, by algorithm."""

FIRST_OPTION = re.compile(r"\s--[a-z]")
MARKER = re.compile(";")
MARKER_AFTER_URL = re.compile(r"(?<!\s)\s+;|;(?=\w+ *[<>=!])")
"""Start of a marker after a URL, which may contain a semicolon itself."""

EXTRAS = re.compile(r"\[.*")

VIA = re.compile(r"via\b\s*(.*)")
VIA_ITEM = re.compile(r"\s{2,}(\S.*)")

NAMES_IN_NOTE = 8


class _Pin(msgspec.Struct):
    """A requirement for one exact package; ``via`` is None if no comment has its reasons."""

    name: str
    version: str = ""
    build: str = ""
    source: str = ""
    files: tuple[PackageFile, ...] = ()
    via: list[str] | None = None


class _Content(msgspec.Struct):
    """The content of a file, by kind of line."""

    pins: list[_Pin] = []
    not_pinned: list[str] = []
    includes: list[str] = []
    indexes: dict[str, str] = {}


def recognises(text: str) -> bool:
    """Return whether the first line is a pin or an option, or all lines are requirements."""
    is_first = True
    for line in logical_lines(text):
        if not _is_requirement(line.text):
            return False
        if is_first and any(form.match(line.text) for form in (PINNED, NAME_AND_URL, OPTION)):
            return True
        is_first = False
    return not is_first


def _is_requirement(text: str) -> bool:
    if any(form.match(text) for form in (OPTION, URL_OR_PATH, NAME_AND_URL)):
        return True
    return NOT_PINNED.fullmatch(split_hashes(text)[0]) is not None


def read(name: str, text: str) -> Lock:
    """Read a requirements.txt; notes list requirements without a pin and files not read."""
    content = _Content()
    for line in logical_lines(text):
        _read_line(f"{name}:{line.number}", line, content)
    if not content.pins:
        listed = _shorten(content.not_pinned or content.includes)
        raise ExpectedError(
            f"{name}: no version is pinned: {listed or 'it has only options'}",
            "name a file with pinned versions, such as the output of pip freeze or uv pip compile",
        )
    return Lock(
        name=name,
        format=_format(content.pins),
        packages={Scope(): _entries(content.pins)},
        facts={"index option": content.indexes},
        notes=tuple(_notes(content)),
    )


def _format(pins: list[_Pin]) -> str:
    return "requirements.txt" if _identify_files(pins) else "requirements.txt (versions only)"


def _identify_files(pins: list[_Pin]) -> bool:
    """Return whether any package has a hash, or all come from an address or a folder."""
    return any(pin.files for pin in pins) or all(pin.source for pin in pins)


def _read_line(where: str, line: LogicalLine, content: _Content) -> None:
    """Add a line to the content. Raises ExpectedError if it is not a requirement."""
    if line.is_truncated:
        raise ExpectedError(f"{where}: the file ends within this line", DAMAGED)
    if line.text.startswith("--hash"):
        raise ExpectedError(f"{where}: a hash without a package", DAMAGED)
    if option := OPTION.match(line.text):
        _read_option(option["key"], (option["value"] or "").strip(), line, content)
        return
    text, files = split_hashes(line.text)
    _check_hashes(where, files)
    if named := NAME_AND_URL.fullmatch(text):
        pin = _pin_of_url(named["url"], line, normalise(named["name"]), files)
        content.pins.append(pin)
    elif pinned := PINNED.fullmatch(text):
        name, version = normalise(pinned["name"]), pinned["version"]
        content.pins.append(_Pin(name, version, files=files, via=via_items(line.comments)))
    elif URL_OR_PATH.match(text):
        content.pins.append(_pin_of_url(text, line, "", files))
    elif NOT_PINNED.fullmatch(text):
        content.not_pinned.append(text)
    else:
        raise ExpectedError(f"{where}: '{line.text}' is not a requirement", DAMAGED)


def _read_option(key: str, value: str, line: LogicalLine, content: _Content) -> None:
    if key in EDITABLE:
        content.pins.append(_pin_of_url(split_hashes(value)[0], line, "", ()))
    elif key in INCLUDES:
        content.includes.append(value)
    elif key in INDEXES:
        url = without_credentials(value)
        # An index URL replaces the previous one, but extra index URLs add up.
        content.indexes[f"--{key} {url}" if key.startswith("extra") else "--index-url"] = url


def split_hashes(text: str) -> tuple[str, tuple[PackageFile, ...]]:
    """Return a requirement without its options and marker, and a nameless file per hash."""
    hashes = [match["hash"].lower() for match in HASH.finditer(text)]
    requirement = FIRST_OPTION.split(text, maxsplit=1)[0]
    is_url = NAME_AND_URL.match(requirement) or URL_OR_PATH.match(requirement)
    marker = MARKER_AFTER_URL if is_url else MARKER
    requirement = marker.split(requirement, maxsplit=1)[0]
    return requirement.strip(), tuple(PackageFile("", (value,)) for value in hashes)


def _check_hashes(where: str, files: tuple[PackageFile, ...]) -> None:
    for file in files:
        algorithm, _, digits = file.hashes[0].partition(":")
        if len(digits) != DIGITS.get(algorithm) or digits.strip("0123456789abcdef"):
            raise ExpectedError(
                f"{where}: '{file.hashes[0]}' is not a valid hash: it may be cut off", DAMAGED
            )


def _pin_of_url(url: str, line: LogicalLine, name: str, files: tuple[PackageFile, ...]) -> _Pin:
    """Return the requirement for a repository, an archive or a folder.

    Without a ``name``, the name comes from the fragment of the URL or the last path component.
    """
    address, _, fragment = url.partition("#")
    parameters = dict(part.split("=", 1) for part in fragment.split("&") if "=" in part)
    commit = ""
    if address.startswith("git+") and "@" in address.rpartition("/")[2]:
        address, _, commit = address.rpartition("@")
    file = file_name(address)
    file_project, version = parse_distribution(file)
    if "sha256" in parameters:
        files = (PackageFile(file, (f"sha256:{parameters['sha256']}",)),)
    # The fragment may contain the name: #egg=NAME[EXTRA].
    egg = EXTRAS.sub("", parameters.get("egg", ""))
    folder = EXTRAS.sub("", file.removesuffix(".git"))
    names = (name, normalise(egg), file_project, normalise(folder).strip("-"), address)
    return _Pin(
        next(filter(None, names), ""),
        version,
        build=commit,
        source=without_credentials(address),
        files=files,
        via=via_items(line.comments),
    )


def via_items(comments: list[str]) -> list[str] | None:
    """Return the items of a ``via`` comment, on one or several lines; None without one."""
    items: list[str] | None = None
    for comment in comments:
        if via := VIA.match(comment.strip()):
            items = items or []
            items += [item.strip() for item in via[1].split(",")]
        elif items is not None and (item := VIA_ITEM.match(comment)):
            items.append(item[1])
    return items and list(filter(None, items))


def _entries(pins: list[_Pin]) -> tuple[PackageEntry, ...]:
    has_reasons = any(pin.via is not None for pin in pins)
    names = {pin.name for pin in pins}
    requires: dict[str, set[str]] = {}
    for pin in pins:
        for item in pin.via or ():
            requires.setdefault(requiring_package(item), set()).add(pin.name)
    return tuple(
        PackageEntry(
            manager="pip",
            name=pin.name,
            version=pin.version,
            build=pin.build,
            source=pin.source,
            files=pin.files,
            requires=tuple(sorted(requires.get(pin.name, ()))),
            direct=_is_direct(pin, names) if has_reasons else None,
        )
        for pin in pins
    )


def _is_direct(pin: _Pin, names: set[str]) -> bool:
    """Return whether a file, or a project outside the lock, requests a package.

    Old versions of uv omit the comment for such a package.
    """
    return not pin.via or any(
        not item.startswith("-c") and requiring_package(item) not in names for item in pin.via
    )


def requiring_package(item: str) -> str:
    """Return the package in an item of a ``via`` comment.

    "" for a file (``-r x.in``) or a project (``name (pyproject.toml)``).
    """
    return "" if item.startswith("-") or "(" in item else normalise(item.partition("[")[0])


def _notes(content: _Content) -> Iterator[str]:
    if content.not_pinned:
        yield f"left out, because no version is pinned: {_shorten(content.not_pinned)}"
    without_hash = [pin.name for pin in content.pins if not pin.files and not pin.source]
    if not _identify_files(content.pins):
        yield VERSIONS_ONLY
    elif without_hash and any(pin.files for pin in content.pins):
        yield f"without a hash, which others have: {_shorten(without_hash)}"
    if content.includes:
        yield f"other files that it names are not read: {', '.join(content.includes)}"


def _shorten(names: list[str]) -> str:
    listed = ", ".join(names[:NAMES_IN_NOTE])
    more = len(names) - NAMES_IN_NOTE
    return f"{listed} and {more} more" if more > 0 else listed
