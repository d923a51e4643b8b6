"""apt itself, run inside the pinned base image: what it is asked and what it answers."""

import re
from collections.abc import Mapping

import msgspec

from resolvers.apt.script import FACTS, script
from resolvers.cache import folder
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Group, Shell

INSTALLED = "release a=now"
"""The pin of a package that stays as the base image has it; others are ``version <version>``."""


class DebianBase(msgspec.Struct, frozen=True, kw_only=True):
    """What the base image has: versions of apt, glibc (``2.41``) and Python (``3.13.5``), ``""`` for none.

    ``interpreter`` is the path of the ``python3`` that comes first. ``mirrors`` are the addresses of its package
    repositories, in the order of its sources. ``signers`` are the fingerprints of the keys that signed their
    indexes, for a base that is made of packages.
    """

    apt: str
    glibc: str = ""
    python: str = ""
    interpreter: str = ""
    signers: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


class Deb(msgspec.Struct, frozen=True, kw_only=True):
    """One package as the signed index names it; ``file`` is the path below the mirror's address.

    ``depends`` is one tuple of alternatives a dependency; both it and ``provides`` are bare names.
    """

    name: str
    version: str
    architecture: str
    file: str
    size: int
    sha256: str
    depends: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The package as apt's command line names it."""
        architecture = "" if self.architecture == "all" else f":{self.architecture}"
        return f"{self.name}{architecture}={self.version}"


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """What apt answered for one platform: ``groups`` maps a group to the keys of all packages it then has."""

    facts: DebianBase
    groups: Mapping[str, frozenset[str]]
    debs: Mapping[str, Deb]


class AptError(UnsolvableError):
    """apt found no solution; ``words`` is what it said."""

    def __init__(self, message: str, hint: str, words: str) -> None:
        super().__init__(message, hint)
        self.words = words


def base_facts(shell: Shell, platform: str) -> DebianBase:
    """Look at the base image; the container does nothing else."""
    return _facts(_sections(shell(FACTS, platform=platform))["facts"])


def solve(
    shell: Shell, platform: str, groups: tuple[Group, ...], pins: Mapping[str, str], suite: str = ""
) -> Solution:
    """Solve all groups in one container, parents first; ``pins`` maps a name to its pin (see INSTALLED).

    With a ``suite`` apt starts from no package, and the index must be signed by Debian.

    Raises AptError when a group has no solution, ExpectedError when there are no verified lists.
    """
    cache = folder("apt", platform.replace("/", "-"))
    sections = _sections(shell(script(groups, pins, suite), platform=platform, cache=str(cache)))
    for title, text in sections.items():
        if title == "failed update":
            raise _stale(platform, text)
        if title == "failed keys":
            raise _unsigned(suite, platform, text)
        if title.startswith("failed "):
            raise _unsolved(groups[int(title.split()[1])], platform, text)
    debs = {deb.key: deb for deb in map(_deb, sections["packages"].split("\n\n")) if deb}
    found = {
        group.name: frozenset(sections[f"group {n}"].split()) for n, group in enumerate(groups)
    }
    facts = _facts(sections["facts"])
    if suite:
        facts = _made_facts(facts, debs, sections["signers"])
    return Solution(facts=facts, groups=found, debs=debs)


def _sections(output: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in output.split("@@ ")[1:])
    return {title: text.strip("\n") for title, _, text in parts}


def _facts(text: str) -> DebianBase:
    lines = [line.partition(" ")[::2] for line in text.splitlines()]
    one = dict(lines)
    return DebianBase(
        apt=one["apt"],
        glibc=upstream(one.get("glibc", "")),
        python=one.get("python", ""),
        interpreter=one.get("interpreter", ""),
        mirrors=tuple(dict.fromkeys(value for key, value in lines if key == "mirror")),
    )


def _made_facts(solver: DebianBase, debs: Mapping[str, Deb], signers: str) -> DebianBase:
    """The facts of a base made of these packages; of the image that apt ran in only apt's version counts."""
    glibc = next((upstream(deb.version) for deb in debs.values() if deb.name == "libc6"), "")
    return msgspec.structs.replace(
        solver, glibc=glibc, python="", interpreter="", signers=tuple(sorted(set(signers.split())))
    )


def upstream(version: str) -> str:
    """The upstream part of a Debian version: ``3.13.5`` of ``3.13.5-2+deb13u5``."""
    return re.sub(r"^\d+:|-[^-]*$", "", version).replace("~", "")


def _deb(stanza: str) -> Deb | None:
    fields = dict(line.partition(": ")[::2] for line in stanza.strip().splitlines())
    if not fields:
        return None
    if not all(fields.get(field) for field in ("Filename", "Size", "SHA256")):
        raise ExpectedError(
            f"apt: the index has no file name, size and SHA256 of {fields['Package']} {fields['Version']}",
            "use a package repository whose index has SHA256 sums",
        )
    needs = ", ".join(fields[field] for field in ("Pre-Depends", "Depends") if field in fields)
    return Deb(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        file=fields["Filename"].removeprefix("./"),
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
        depends=tuple(tuple(_names(each, "|")) for each in needs.split(",") if each.strip()),
        provides=tuple(_names(fields.get("Provides", ""), ",")),
    )


def _names(text: str, separator: str) -> list[str]:
    """Bare names of a dependency field: no versions, no architecture qualifiers."""
    return [each.split()[0].partition(":")[0] for each in text.split(separator) if each.strip()]


def _stale(platform: str, words: str) -> ExpectedError:
    return ExpectedError(
        f"apt-get update failed on {platform}\n{_quoted(words)}",
        "package lists must be reachable, signed and valid: see the sources of the image that apt runs in",
    )


def _unsigned(suite: str, platform: str, words: str) -> ExpectedError:
    return ExpectedError(
        f"the package index of Debian {suite} on {platform} is not signed by a key of Debian's\n{_quoted(words)}",
        f"use a mirror that passes Debian's index on as it is: see the sources of debian:{suite}-slim",
    )


def _unsolved(group: Group, platform: str, words: str) -> AptError:
    said = _quoted(words)
    named = [each for each in group.requirements if re.split("[:=]", each)[0] in tokens(said)]
    asked = ", ".join(named or group.requirements)
    return AptError(
        f"apt cannot install {asked} for group '{group.name}' on {platform}\n{said}",
        "look for the name with apt-cache in a container of this Debian; name=version asks for one exact version",
        said,
    )


def tokens(words: str) -> frozenset[str]:
    """All words of a text that could be package names."""
    return frozenset(re.findall(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]", words))


def _quoted(words: str) -> str:
    """apt's own words without its progress and its boilerplate."""
    text = re.sub(
        r"Some packages could not be installed\..*?situation:\n+", "", words, flags=re.DOTALL
    )
    dull = ("Reading ", "Building ", "Solving ", "Hit:", "Get:", "Fetched ")
    return "\n".join(
        f"  {line.rstrip()}"
        for line in text.splitlines()
        if line.strip() and not line.startswith(dull)
    )
