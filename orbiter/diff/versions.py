"""The order of versions, by the rules of their own ecosystem, and how far a version went.

What each manager's order comes from (times are of an import, in a process that has loaded ``re`` and ``typing``):

- pip: ``packaging`` (PEP 440), which Orbiter has anyhow; 7 ms, and only when a version of pip is asked for.
- npm: ``orbiter.lockset.versions.precedence``, semantic versioning's own rule, which orders releases too.
- conda: here, after CEP 33 (https://github.com/conda/ceps/blob/main/cep-0033.md). ``univers`` has no conda and takes
  110 ms; ``py-rattler`` takes 65 ms and may crash when the interpreter ends.
- apt: here, after Debian Policy 5.6.12 (https://www.debian.org/doc/debian-policy/ch-controlfields.html#version).
  ``debian-inspector`` takes 47 ms and two more packages, ``python-debian`` is under the GPL.
- apk: here, after apk-package(5) (https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd).
  ``univers`` refuses the suffixes ``_cvs _svn _git _hg`` and ``~hash``.

The tests hold these against rattler, npm's semver, dpkg and apk themselves.
"""

import re
from collections.abc import Callable
from functools import cache, cmp_to_key
from itertools import zip_longest
from typing import Any, Protocol

from orbiter.diff.types import Step

LONGEST = 1000
"""Characters of a version; longer ones are none, and Python refuses to read their numbers."""
NUMBERS = {"conda": re.compile(r"[0-9]+(?:[._-][0-9]+)*")}
"""How release numbers follow each other, where they are not parted by dots alone."""
DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)*")
EPOCH = re.compile(r"(?:([0-9]+)[!:])?v?", re.IGNORECASE)
REVISION = {"apt": re.compile(r"-[^-]*$"), "apk": re.compile(r"-r[0-9]+$")}
"""The part that counts how often the same upstream version was packaged."""


class Key(Protocol):
    """Sorts among the keys of the same manager."""

    def __lt__(self, other: Any, /) -> Any: ...


def compare(manager: str, old: str, new: str) -> int | None:
    """-1 where ``old`` comes before ``new``, 1 where after, 0 where neither; None where no order is known."""
    if old == new:
        return 0
    before, after = key(manager, old), key(manager, new)
    if before is None or after is None:
        return None
    return -1 if before < after else int(after < before)


def step(manager: str, old: str, new: str) -> Step:
    """How far it is from one version to the other, in either direction.

    The first release number that differs says it: the first is "major" (so is another epoch), the second "minor", all
    further ones "patch", with numbers that are missing taken as 0. Only the position counts, for calendar versions and
    before 1.0 as well: 0.1 to 0.2 is "minor". Where the numbers are the same, letters, pre-releases, post-releases and
    local parts are "patch"; what is equal in order, or differs in the revision of a Debian or Alpine package only, is
    "build". "" where no order is known.
    """
    order = compare(manager, old, new)
    if order is None:
        return ""
    if order == 0 or compare(manager, _upstream(manager, old), _upstream(manager, new)) == 0:
        return "build"
    (epoch, before), (other, after) = _release(manager, old), _release(manager, new)
    if epoch != other:
        return "major"
    pairs = zip_longest(before, after, fillvalue=0)
    place = next((place for place, (one, two) in enumerate(pairs) if one != two), 2)
    return "major" if place == 0 else "minor" if place == 1 else "patch"


@cache
def key(manager: str, version: str) -> Key | None:
    """What sorts versions of a manager (``apk``, ``apt``, ``conda``, ``npm``, ``pip``) as the manager itself does.

    None for what cannot be ordered: another manager, or a text that is no version there (a commit, a path).
    """
    read = READERS.get(manager)
    if read is None or len(version) > LONGEST:
        return None
    try:
        return read(version.strip())
    except ValueError:
        return None


def _upstream(manager: str, version: str) -> str:
    return REVISION[manager].sub("", version.strip()) if manager in REVISION else version


def _release(manager: str, version: str) -> tuple[int, tuple[int, ...]]:
    """The epoch, and the numbers that a version starts with."""
    start = EPOCH.match(version.strip())
    assert start  # it matches nothing, too
    numbers = NUMBERS.get(manager, DOTTED).match(version.strip(), start.end())
    return int(start[1] or 0), tuple(
        int(number) for number in re.findall("[0-9]+", numbers[0])
    ) if numbers else ()


def _pip(version: str) -> Key:
    from packaging.version import Version

    return Version(version)


def _npm(version: str) -> Key:
    from orbiter.lockset.versions import precedence
    from resolvers.errors import ExpectedError

    try:
        return precedence(re.sub(r"\+[0-9A-Za-z.-]+$", "", version))  # build metadata has no say
    except ExpectedError as error:
        raise ValueError(error.message) from error


# conda: a version is an epoch, segments parted by . _ -, and the segments of a local part; a segment is runs of digits
# and of letters. What is missing counts as 0, so the keys cannot simply be tuples.

CONDA = re.compile(r"(?:([0-9]+)!)?([0-9a-z._]+)(?:\+([0-9a-z._]+))?")
Component = tuple[int, int | str]
"""A rank and what is compared within it."""
DEV, TEXT, NUMBER, POST = range(4)
ZERO: Component = (NUMBER, 0)


def _conda(version: str) -> Key:
    match = CONDA.fullmatch(version.lower().replace("-", "_"))
    if not match:
        raise ValueError(version)
    epoch, main, local = match.groups()
    return _BY_COMPONENTS(
        ([[(NUMBER, int(epoch or 0))], *_segments(main)], _segments(local) if local else [])
    )


def _segments(text: str) -> list[list[Component]]:
    """A trailing _ belongs to the segment before it, as in OpenSSL's 1.0.1_."""
    body, tail = (text[:-1], "_") if text.endswith("_") else (text, "")
    parts = re.split("[._]", body)
    parts[-1] += tail
    return [_components(part) for part in parts]


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
    return (DEV, "") if run == "dev" else (POST, "") if run == "post" else (TEXT, run)


Parts = tuple[list[list[Component]], list[list[Component]]]


def _conda_order(one: Parts, two: Parts) -> int:
    for before, after in zip(one, two, strict=True):
        for segment, other in zip_longest(before, after, fillvalue=()):
            for left, right in zip_longest(segment, other, fillvalue=ZERO):
                if left != right:
                    return -1 if left < right else 1
    return 0


_BY_COMPONENTS = cmp_to_key(_conda_order)


# apt: [epoch:]upstream[-revision]; both parts are texts and numbers in turn. In a text ~ sorts before its end, the end
# before letters, letters before all else.

DEBIAN = re.compile(r"(?:([0-9]+):)?([0-9][0-9A-Za-z.+~-]*?)(?:-([0-9A-Za-z.+~]+))?(?<!-)")
END = "\2"
IN_ORDER = str.maketrans({"~": "\1", "+": "~+", "-": "~-", ".": "~."})
"""Makes texts sort by their characters' codes; the end of one is END."""


def _apt(version: str) -> Key:
    match = DEBIAN.fullmatch(version)
    if not match:
        raise ValueError(version)
    epoch, upstream, revision = match.groups()
    return int(epoch or 0), _debian_part(upstream), _debian_part(revision or "0")


def _debian_part(part: str) -> list[tuple[str, int]]:
    """The pattern matches nothing at the end, too: that is where a shorter part is compared with a longer one."""
    return [
        (text.translate(IN_ORDER) + END, int(number or 0))
        for text, number in re.findall("([^0-9]*)([0-9]*)", part)
    ]


# apk: number{.number}{letter}{_suffix{number}}{~hash}{-r#}. The ranks say what wins where two versions go on in
# different ways: a pre-release loses to the end of a version, all else wins.

ALPINE = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?"
)
BEFORE, STOP, PACKAGED, COMMIT, COUNT, AFTER, LETTER, MORE = range(8)
SUFFIXES = {
    **{name: (BEFORE, number) for number, name in enumerate(("alpha", "beta", "pre", "rc"))},
    **{name: (AFTER, number) for number, name in enumerate(("cvs", "svn", "git", "hg", "p"))},
}


def _apk(version: str) -> Key:
    match = ALPINE.fullmatch(version)
    if not match:
        raise ValueError(version)
    first, numbers, letter, suffixes, commit, revision = match.groups()
    parts: list[tuple[Any, ...]] = [(MORE, *_fraction(number)) for number in numbers.split(".")[1:]]
    parts += [(LETTER, letter)] if letter else []
    for name, number in re.findall("_([a-z]+)([0-9]*)", suffixes):
        parts += [SUFFIXES[name], (COUNT, int(number))] if number else [SUFFIXES[name]]
    parts += [(COMMIT, commit)] if commit else []
    parts += [(PACKAGED, int(revision))] if revision else []
    return int(first), *parts, (STOP,)


def _fraction(number: str) -> tuple[int, str | int]:
    """A number after the first that starts with 0 is compared as text, and comes before all that do not."""
    return (0, number) if number.startswith("0") else (1, int(number))


READERS: dict[str, Callable[[str], Key]] = {
    "apk": _apk,
    "apt": _apt,
    "conda": _conda,
    "npm": _npm,
    "pip": _pip,
}
