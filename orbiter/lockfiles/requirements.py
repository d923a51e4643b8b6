"""requirements.txt as a lock: https://pip.pypa.io/en/stable/reference/requirements-file-format/.

pip-tools and uv write behind each package why it is there: ``# via -r requirements.in`` or the names that need it.
"""

import re
from collections.abc import Iterator

import msgspec

from orbiter.lockfiles.document import DAMAGED, address
from orbiter.lockfiles.pip_files import file_name, normal, project
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError

NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*"
PIN = re.compile(NAME + r"\(?===?\s*(?P<version>[^\s,;*()]+)\s*\)?(?:\s*,.*)?")
RANGE = re.compile(NAME + r"(?:\(?(?:[<>]=?|[=!~]==?)\s*[0-9A-Za-z].*)?")
NAMED = re.compile(NAME + r"@\s*(?P<url>\S.*)")
PLACE = re.compile(
    r"(?:\.|/|file:|[a-z+]+://|[A-Za-z]:[\\/]|[^\s=<>@]+/|[^\s=<>@]+\.(?:whl|zip|tar\.gz)$)"
)
"""How a path or URL without a name begins."""
OPTION = re.compile(r"--?(?P<key>[a-z][a-z-]*)(?:[\s=]+(?P<value>.*))?$")
EDITABLE, INCLUDES = (
    frozenset({"e", "editable"}),
    frozenset({"r", "requirement", "c", "constraint"}),
)
INDEXES = frozenset({"i", "index-url", "extra-index-url"})
HASH = re.compile(r"\s--hash[=\s]\s*(?P<hash>\S+)")
SIZES = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of each algorithm."""
COMMENT = re.compile(r"(?:^|\s)#")
VIA = re.compile(r"via\b\s*(.*)")
LISTED = re.compile(r"\s{2,}(\S.*)")
SHOWN = 8
"""Requirements that one note names."""


class _Line(msgspec.Struct):
    """A logical line, its number, and the comments on it and right below it, without ``#``; ``cut`` says that it goes
    on where the file ends."""

    number: int
    text: str
    comments: list[str]
    cut: bool = False


class _Wish(msgspec.Struct):
    """A requirement that names one exact thing; ``via`` is None where no comment tells."""

    name: str
    version: str = ""
    build: str = ""
    source: str = ""
    files: tuple[PackageFile, ...] = ()
    via: list[str] | None = None


class _Found(msgspec.Struct):
    """What the lines of a file say."""

    wishes: list[_Wish] = []
    loose: list[str] = []
    includes: list[str] = []
    indexes: dict[str, str] = {}


def recognises(text: str) -> bool:
    """Whether the first line that says anything pins a package or is an option; else whether all are requirements."""
    first = True
    for line in _lines(text):
        if not _is_requirement(line.text):
            return False
        if first and (PIN.match(line.text) or NAMED.match(line.text) or OPTION.match(line.text)):
            return True
        first = False
    return not first


def _is_requirement(text: str) -> bool:
    return (
        any(form.match(text) for form in (OPTION, PLACE, NAMED))
        or RANGE.fullmatch(_bare(text)[0]) is not None
    )


def read(name: str, text: str) -> Lock:
    """Read a requirements.txt. What is not pinned, and what other files hold, is told in the notes."""
    found = _Found()
    for line in _lines(text):
        _take(f"{name}:{line.number}", line, found)
    return Lock(
        name=name,
        format="requirements.txt",
        packages={Scope(): _locked(found.wishes)},
        facts={"index option": found.indexes},
        notes=tuple(_notes(found)),
    )


def _lines(text: str) -> Iterator[_Line]:
    """Logical lines; a comment ends a line that goes on, as it does for pip."""
    line: _Line | None = None
    parts: list[str] = []
    for number, raw in enumerate(text.removesuffix("\n").split("\n"), 1):
        start = COMMENT.search(raw)
        code, comment = (raw[: start.start()], raw[start.end() :]) if start else (raw, None)
        goes_on = code.endswith("\\") and not start
        code = code.removesuffix("\\").strip()
        if not parts and line and (code or not raw.strip()):
            yield line
            line = None
        if code or parts:
            line = line or _Line(number, "", [])
            parts.append(code)
            if not goes_on:
                line.text, parts = " ".join(filter(None, parts)), []
        if line and comment is not None:
            line.comments.append(comment)
    if line:
        yield (
            msgspec.structs.replace(line, text=" ".join(filter(None, parts)), cut=True)
            if parts
            else line
        )


def _take(where: str, line: _Line, found: _Found) -> None:
    """Sort a line into what it says. Raises ExpectedError for what is no requirement."""
    if line.cut:
        raise ExpectedError(f"{where}: this line goes on where the file ends", DAMAGED)
    if line.text.startswith("--hash"):
        raise ExpectedError(f"{where}: a hash that belongs to no package", DAMAGED)
    if option := OPTION.match(line.text):
        _take_option(option["key"], (option["value"] or "").strip(), line, found)
        return
    text, files = _bare(line.text)
    _check_hashes(where, files)
    if named := NAMED.fullmatch(text):
        found.wishes.append(_from(named["url"], line, normal(named["name"]), files))
    elif pin := PIN.fullmatch(text):
        via = _via(line.comments)
        found.wishes.append(_Wish(normal(pin["name"]), pin["version"], files=files, via=via))
    elif PLACE.match(text):
        found.wishes.append(_from(text, line, "", files))
    elif RANGE.fullmatch(text):
        found.loose.append(text)
    else:
        raise ExpectedError(f"{where}: '{line.text}' is no requirement", DAMAGED)


def _take_option(key: str, value: str, line: _Line, found: _Found) -> None:
    if key in EDITABLE:
        found.wishes.append(_from(_bare(value)[0], line, "", ()))
    elif key in INCLUDES:
        found.includes.append(value)
    elif key in INDEXES:
        url = address(value)
        found.indexes[f"--{key} {url}" if key.startswith("extra") else "--index-url"] = url


def _bare(text: str) -> tuple[str, tuple[PackageFile, ...]]:
    """A requirement without its options and marker, and the files that its hashes stand for."""
    hashes = tuple(PackageFile("", (found["hash"].lower(),)) for found in HASH.finditer(text))
    text = re.split(r"\s--[a-z]", text, maxsplit=1)[0]
    is_place = NAMED.match(text) or PLACE.match(text)
    return re.split(r"\s+;|;(?=\w+ *[<>=!])" if is_place else ";", text, maxsplit=1)[
        0
    ].strip(), hashes


def _check_hashes(where: str, files: tuple[PackageFile, ...]) -> None:
    for file in files:
        algorithm, _, digits = file.hashes[0].partition(":")
        if len(digits) != SIZES.get(algorithm) or digits.strip("0123456789abcdef"):
            raise ExpectedError(
                f"{where}: '{file.hashes[0]}' is no hash: it may be cut off", DAMAGED
            )


def _from(url: str, line: _Line, name: str, files: tuple[PackageFile, ...]) -> _Wish:
    """A requirement that says where it comes from: a repository, an archive or a folder."""
    place, _, fragment = url.partition("#")
    told = dict(part.split("=", 1) for part in fragment.split("&") if "=" in part)
    commit = ""
    if place.startswith("git+") and "@" in place.rpartition("/")[2]:
        place, _, commit = place.rpartition("@")
    file = file_name(place)
    of_file, version = project(file)
    if "sha256" in told:
        files = (PackageFile(file, (f"sha256:{told['sha256']}",)),)
    folder = re.sub(r"\[.*", "", file.removesuffix(".git"))
    name = (
        name
        or normal(re.sub(r"\[.*", "", told.get("egg", "")))
        or of_file
        or normal(folder).strip("-")
        or place
    )
    return _Wish(
        name, version, build=commit, source=address(place), files=files, via=_via(line.comments)
    )


def _via(comments: list[str]) -> list[str] | None:
    """What a package is there for, item by item; None where no comment tells."""
    found: list[str] | None = None
    for comment in comments:
        if start := VIA.match(comment.strip()):
            found = (found or []) + [item.strip() for item in start[1].split(",")]
        elif found is not None and (listed := LISTED.match(comment)):
            found.append(listed[1])
    return [item for item in found if item] if found is not None else None


def _locked(wishes: list[_Wish]) -> tuple[PackageEntry, ...]:
    told = any(wish.via is not None for wish in wishes)
    names = {wish.name for wish in wishes}
    requires: dict[str, set[str]] = {}
    for wish in wishes:
        for item in wish.via or ():
            requires.setdefault(_package(item), set()).add(wish.name)
    return tuple(
        PackageEntry(
            manager="pip",
            name=wish.name,
            version=wish.version,
            build=wish.build,
            source=wish.source,
            files=wish.files,
            requires=tuple(sorted(requires.get(wish.name, ()))),
            direct=_is_direct(wish, names) if told else None,
        )
        for wish in wishes
    )


def _is_direct(wish: _Wish, names: set[str]) -> bool:
    """Whether a file, or a project that is not in the lock, asked for it; old versions of uv leave that out."""
    return not wish.via or any(
        not item.startswith("-c") and _package(item) not in names for item in wish.via
    )


def _package(item: str) -> str:
    """The name of a package that needs another; "" for a file (``-r x.in``) or project (``name (pyproject.toml)``)."""
    return "" if item.startswith("-") or "(" in item else normal(item.partition("[")[0])


def _notes(found: _Found) -> Iterator[str]:
    if found.loose:
        yield f"left out, because no version is pinned: {_listed(found.loose)}"
    bare = [wish.name for wish in found.wishes if not wish.files and not wish.source]
    if bare and any(wish.files for wish in found.wishes):
        yield f"without a hash, which others have: {_listed(bare)}"
    if found.includes:
        yield f"other files that it names are not read: {', '.join(found.includes)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
