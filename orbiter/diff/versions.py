"""The order of versions by the rules of each manager, and the step between two versions.

Sources of the orders (times are those of an import in a process that has loaded ``re``):

- pip: ``packaging`` (PEP 440), which Orbiter requires anyway; 7 ms, only if a version is compared.
- npm: ``orbiter.lockset.versions.precedence``, semantic versioning, which orders releases too.
- conda: own code for CEP 33 (https://github.com/conda/ceps/blob/main/cep-0033.md). ``univers`` has
  no conda and takes 110 ms. ``py-rattler`` takes 65 ms and may crash when the interpreter exits.
- apt: own code for Debian Policy 5.6.12
  (https://www.debian.org/doc/debian-policy/ch-controlfields.html#version). ``python-debian``, which
  Orbiter uses to unpack packages, takes 20 ms, sorts ten times slower, and accepts texts that are
  not versions, such as ``v1``. ``debian-inspector`` takes 47 ms.
- apk: own code for apk-package(5)
  (https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd). ``univers``
  rejects the suffixes ``_cvs _svn _git _hg`` and ``~hash``.

The tests compare these orders with rattler, npm's semver, dpkg and apk.
"""

import re
from collections.abc import Callable
from functools import cache, cmp_to_key
from itertools import zip_longest
from typing import Any, Protocol

from orbiter.diff.types import Step

MAX_LENGTH = 1000
"""Longer texts are not versions; Python also refuses to read numbers of thousands of digits."""

DATE_LENGTHS = frozenset({4, 6, 8})
YEARS = range(1990, 2100)
MONTHS, DAYS = 12, 31

DOTTED_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")
RELEASE_NUMBERS = {"conda": re.compile(r"[0-9]+(?:[._-][0-9]+)*")}
"""Release numbers of managers that separate them by more than dots."""

# pip and conda write an epoch as 1!, Debian as 1:.
EPOCH = re.compile(r"(?:([0-9]+)[!:])?v?", re.IGNORECASE)

REVISION = {"apt": re.compile(r"-[^-]*$"), "apk": re.compile(r"-r[0-9]+$")}
"""Part of a version that counts the packages of the same upstream version."""


class SortKey(Protocol):
    """A key that is comparable with keys of the same manager."""

    def __lt__(self, other: Any, /) -> Any: ...


def compare_versions(manager: str, old: str, new: str) -> int | None:
    """Return -1 if ``old`` is lower, 1 if it is higher, 0 if both are equal; None without order."""
    if old == new:
        return 0
    old_key, new_key = sort_key(manager, old), sort_key(manager, new)
    if old_key is None or new_key is None:
        return None
    return -1 if old_key < new_key else int(new_key < old_key)


def version_step(manager: str, old: str, new: str) -> Step:
    """Return the distance between two versions, in either direction.

    It is the position of the first release number that differs: "major" for the first number (and
    another epoch), "minor" for the second, "patch" for any other. A missing number is 0. Only the
    position counts, even before 1.0: 0.1 to 0.2 is "minor". If both versions start with a year or
    a date, another first number is "minor", too: it does not announce an incompatible change.

    If all numbers are equal, other letters, pre-releases, post-releases and local parts are
    "patch". Versions that are equal, or differ only in the revision of a Debian or Alpine package,
    are "build". The step is "" if the versions have no order.
    """
    order = compare_versions(manager, old, new)
    if order is None:
        return ""
    upstream_order = compare_versions(manager, _upstream(manager, old), _upstream(manager, new))
    if order == 0 or upstream_order == 0:
        return "build"
    old_epoch, old_numbers = release_numbers(manager, old)
    new_epoch, new_numbers = release_numbers(manager, new)
    if old_epoch != new_epoch:
        return "major"
    pairs = enumerate(zip_longest(old_numbers, new_numbers, fillvalue=0))
    position = next((position for position, (one, two) in pairs if one != two), None)
    if position == 0 and is_calendar(old_numbers) and is_calendar(new_numbers):
        return "minor"
    steps: dict[int | None, Step] = {0: "major", 1: "minor"}
    return steps.get(position, "patch")


# A diff compares the same versions in many scopes.
@cache
def sort_key(manager: str, version: str) -> SortKey | None:
    """Return a key that sorts versions like their manager (``apk``, ``apt``, ``conda``, …) does.

    None for other managers, and for texts that are not versions, such as a commit or a path.
    """
    parse = PARSERS.get(manager)
    if parse is None or len(version) > MAX_LENGTH:
        return None
    try:
        return parse(version.strip())
    except ValueError:
        return None


def _upstream(manager: str, version: str) -> str:
    return REVISION[manager].sub("", version.strip()) if manager in REVISION else version


def release_numbers(manager: str, version: str) -> tuple[int, list[int]]:
    """Return the epoch and the numbers at the start of a version."""
    version = version.strip()
    epoch = EPOCH.match(version)
    assert epoch  # the pattern matches the empty text, too
    numbers = RELEASE_NUMBERS.get(manager, DOTTED_NUMBERS).match(version, epoch.end())
    digits = re.findall("[0-9]+", numbers[0]) if numbers else []
    return int(epoch[1] or 0), list(map(int, digits))


def is_calendar(numbers: list[int]) -> bool:
    """Return whether a version starts with a year (2026), a month (202611) or a day (20261128)."""
    if not numbers:
        return False
    date = str(numbers[0])
    year, month, day = date[:4], date[4:6], date[6:]
    return (
        len(date) in DATE_LENGTHS
        and int(year) in YEARS
        and 1 <= int(month or 1) <= MONTHS
        and 1 <= int(day or 1) <= DAYS
    )


def _pip_key(version: str) -> SortKey:
    from packaging.version import Version

    return Version(version)


def _npm_key(version: str) -> SortKey:
    from orbiter.lockset.versions import precedence
    from resolvers.errors import ExpectedError

    without_build = re.sub(r"\+[0-9A-Za-z.-]+$", "", version)
    try:
        return precedence(without_build)
    except ExpectedError as error:
        raise ValueError(error.message) from error


# conda: a version consists of an epoch, segments separated by . _ or -, and the segments of a local
# part. A segment consists of runs of digits and of letters. Missing parts count as 0, so plain
# tuples would not compare correctly.

CONDA = re.compile(r"(?:([0-9]+)!)?([0-9a-z._]+)(?:\+([0-9a-z._]+))?")

Component = tuple[int, int | str]
"""A rank, and a value that is compared with others of the same rank."""

Segments = list[list[Component]]

DEV, TEXT, NUMBER, POST = range(4)
ZERO: Component = (NUMBER, 0)


def _conda_key(version: str) -> SortKey:
    match = CONDA.fullmatch(version.lower().replace("-", "_"))
    if not match:
        raise ValueError(version)
    epoch, main, local = match.groups()
    segments: Segments = [[(NUMBER, int(epoch or 0))], *_segments(main)]
    return _CondaKey((segments, _segments(local) if local else []))


def _segments(text: str) -> Segments:
    """Split a version; a trailing _ belongs to the last segment, as in OpenSSL's 1.0.1_."""
    body = text.removesuffix("_")
    tail = text[len(body) :]
    segments = re.split("[._]", body)
    segments[-1] += tail
    return [_components(segment) for segment in segments]


def _components(segment: str) -> list[Component]:
    if segment.isdigit():
        return [(NUMBER, int(segment))]
    runs = re.findall("[0-9]+|[^0-9]+", segment)
    if not runs or runs[0] == "_":
        raise ValueError(segment)
    components = [_component(run) for run in runs]
    return components if runs[0].isdigit() else [ZERO, *components]


def _component(run: str) -> Component:
    if run.isdigit():
        return (NUMBER, int(run))
    ranks: dict[str, Component] = {"dev": (DEV, ""), "post": (POST, "")}
    return ranks.get(run, (TEXT, run))


def _compare_conda(one: tuple[Segments, Segments], two: tuple[Segments, Segments]) -> int:
    for part, other_part in zip(one, two, strict=True):
        for segment, other_segment in zip_longest(part, other_part, fillvalue=()):
            for left, right in zip_longest(segment, other_segment, fillvalue=ZERO):
                if left != right:
                    return -1 if left < right else 1
    return 0


_CondaKey = cmp_to_key(_compare_conda)


# apt: [epoch:]upstream[-revision]. Both parts alternate between text and numbers. Within a text, ~
# sorts before the end of the text, the end before letters, and letters before everything else.

R = re.compile(r"[0-9]+(?:[.-][0-9]+)+|[0-9]+")


def _r_key(version: str) -> SortKey:
    """Return the numbers of a version; see ``?package_version`` in R. Raises ValueError."""
    if not R.fullmatch(version):
        raise ValueError(version)
    return tuple(map(int, re.findall("[0-9]+", version)))


DEBIAN = re.compile(r"(?:([0-9]+):)?([0-9][0-9A-Za-z.+~-]*?)(?:-([0-9A-Za-z.+~]+))?(?<!-)")
END = "\2"
SORTABLE = str.maketrans({"~": "\1", "+": "~+", "-": "~-", ".": "~."})
"""Translation after which texts sort correctly by the codes of their characters."""


def _apt_key(version: str) -> SortKey:
    match = DEBIAN.fullmatch(version)
    if not match:
        raise ValueError(version)
    epoch, upstream, revision = match.groups()
    return int(epoch or 0), _debian_runs(upstream), _debian_runs(revision or "0")


def _debian_runs(part: str) -> list[tuple[str, int]]:
    """Split a part into pairs of text and number; the last pair is empty, for the end."""
    return [
        (text.translate(SORTABLE) + END, int(number or 0))
        for text, number in re.findall("([^0-9]*)([0-9]*)", part)
    ]


# apk: number{.number}{letter}{_suffix{number}}{~hash}{-r#}. Ranks determine the order if two
# versions continue differently: a pre-release sorts before the end of a version, all others after.

ALPINE = re.compile(
    r"""
    (?P<first>[0-9]+)
    (?P<numbers>(?:\.[0-9]+)*)
    (?P<letter>[a-z]?)
    (?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)
    (?:~(?P<commit>[0-9a-f]+))?
    (?:-r(?P<revision>[0-9]+))?
    """,
    re.VERBOSE,
)
BEFORE_END, STOP, PACKAGED, COMMIT, COUNT, AFTER_END, LETTER, MORE_NUMBERS = range(8)
PRE_SUFFIXES = ("alpha", "beta", "pre", "rc")
POST_SUFFIXES = ("cvs", "svn", "git", "hg", "p")
SUFFIXES = {
    **{suffix: (BEFORE_END, position) for position, suffix in enumerate(PRE_SUFFIXES)},
    **{suffix: (AFTER_END, position) for position, suffix in enumerate(POST_SUFFIXES)},
}


def _apk_key(version: str) -> SortKey:
    match = ALPINE.fullmatch(version)
    if not match:
        raise ValueError(version)
    parts: list[tuple[Any, ...]] = [
        (MORE_NUMBERS, *_fraction(number)) for number in match["numbers"].split(".")[1:]
    ]
    if match["letter"]:
        parts.append((LETTER, match["letter"]))
    for suffix, number in re.findall("_([a-z]+)([0-9]*)", match["suffixes"]):
        parts.append(SUFFIXES[suffix])
        if number:
            parts.append((COUNT, int(number)))
    if match["commit"]:
        parts.append((COMMIT, match["commit"]))
    if match["revision"]:
        parts.append((PACKAGED, int(match["revision"])))
    return int(match["first"]), *parts, (STOP,)


def _fraction(number: str) -> tuple[int, str | int]:
    """Return the key of a number after the first.

    One with a leading zero is compared as text and sorts before all others.
    """
    return (0, number) if number.startswith("0") else (1, int(number))


PARSERS: dict[str, Callable[[str], SortKey]] = {
    "apk": _apk_key,
    "apt": _apt_key,
    "conda": _conda_key,
    "cargo": _npm_key,
    "npm": _npm_key,
    "r": _r_key,
    "pip": _pip_key,
}
