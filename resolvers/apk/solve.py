"""apk itself, run inside the pinned base image: what it answers."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

import msgspec

from resolvers.apk.script import FACTS, script
from resolvers.cache import folder
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Group, Shell

REPOSITORY_PARTS = 2
"""How much of a repository's address is the same on every mirror: ``v3.23/main``."""


FAILURES = {
    "update": (
        "apk update failed",
        "all repositories of the base image must be reachable, and signed by a key in its /etc/apk/keys",
    ),
    "fetch": (
        "apk cannot fetch what it would install",
        "the mirror may just be changing: try again, or use another one",
    ),
    "verify": (
        "a package is not whole, or not signed by a key that the base image trusts,",
        "use a mirror that passes packages on as they are; trusted keys are in the base image's /etc/apk/keys",
    ),
}
"""What to say where a step of the script fails, and what can be done about it."""


class AlpineBase(msgspec.Struct, frozen=True, kw_only=True):
    """What the base image has: versions of apk, musl (``1.2.5``) and Python (``3.13.5``), ``""`` for none.

    ``interpreter`` is the path of the ``python3`` that comes first. ``world`` are the lines of its /etc/apk/world.
    ``mirrors`` are the addresses below which its package repositories lie, in their order.
    """

    apk: str
    musl: str = ""
    python: str = ""
    interpreter: str = ""
    world: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


class Apk(msgspec.Struct, frozen=True, kw_only=True):
    """One package as the signed index names it; ``file`` is the path below a mirror's address.

    ``depends`` and ``provides`` are bare names, such as ``so:libz.so.1``; ``sha256`` and ``size`` are of the file.
    """

    name: str
    version: str
    architecture: str
    file: str
    size: int
    checksum: str
    sha256: str
    origin: str = ""
    license: str = ""
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """What apk answered for one platform: ``groups`` maps a group to all that it has beyond the base, by name.

    ``apks`` maps name and version to the package.
    """

    facts: AlpineBase
    groups: Mapping[str, Mapping[str, str]]
    apks: Mapping[tuple[str, str], Apk]


class ApkError(UnsolvableError):
    """apk found no solution; ``pins`` are the names whose pins its explanation blames."""

    def __init__(self, message: str, hint: str, pins: frozenset[str]) -> None:
        super().__init__(message, hint)
        self.pins = pins


def base_facts(shell: Shell, platform: str) -> AlpineBase:
    """Look at the base image; the container does nothing else."""
    return _facts(_sections(shell(FACTS, platform=platform))["facts"])


def solve(
    shell: Shell,
    platform: str,
    groups: tuple[Group, ...],
    pins: Mapping[str, str],
    hard: frozenset[str],
) -> Solution:
    """Solve all groups in one container, parents first, and hash what they add; see ``script`` for the pins.

    Raises ApkError when a group has no solution, ExpectedError when an index or a package cannot be had or is not
    signed by a key that the image trusts.
    """
    sections = _sections(
        shell(script(groups, pins, hard), platform=platform, cache=cache_folder(platform))
    )
    failed = next((title for title in sections if title.startswith("failed ")), "")
    if failed:
        raise _failure(failed, groups, platform, sections)
    found = {
        group.name: _group(group, platform, sections[f"group {n}"])
        for n, group in enumerate(groups)
    }
    apks = _apks(sections)
    for name, version in (each for group in found.values() for each in group.items()):
        if (name, version) not in apks:
            raise _unknown(name, version, platform)
    return Solution(facts=_facts(sections["facts"]), groups=found, apks=apks)


def cache_folder(platform: str) -> str:
    """The folder of this machine that keeps indexes, packages and their sums for a platform."""
    return str(folder("apk", platform.replace("/", "-")))


def _sections(output: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in re.split(r"^@@ ", output, flags=re.MULTILINE)[1:])
    return {title: text.strip("\n") for title, _, text in parts}


def _facts(text: str) -> AlpineBase:
    lines = [line.partition(" ")[::2] for line in text.splitlines()]
    one = dict(lines)
    addresses = (
        address for key, value in lines if key == "repository" for address in _addresses(value)
    )
    return AlpineBase(
        apk=one["apk"],
        musl=upstream(one.get("musl", "")),
        python=one.get("python", ""),
        interpreter=one.get("interpreter", ""),
        world=tuple(value for key, value in lines if key == "world" and value),
        mirrors=tuple(dict.fromkeys(_divided(address)[0] for address in addresses)),
    )


def _addresses(line: str) -> Iterable[str]:
    """The repositories of one line: ``[@tag] address``, with apk 3 ``[@tag] address component…`` too."""
    words = line.partition("#")[0].split()
    for number, word in enumerate(words):
        if "://" in word:
            return [f"{word.rstrip('/')}/{component}" for component in words[number + 1 :]] or [
                word.rstrip("/")
            ]
    return []


def _divided(address: str) -> tuple[str, str]:
    """A repository's address as the mirror's, with a last slash, and what is the same on every mirror."""
    scheme, _, rest = address.rpartition("://")
    host, *parts = rest.split("/")
    shared = parts[-REPOSITORY_PARTS:]
    return "/".join([f"{scheme}://{host}", *parts[: len(parts) - len(shared)], ""]), "/".join(
        shared
    )


def upstream(version: str) -> str:
    """The upstream part of an Alpine version as Python writes it: ``3.14.0rc1`` of ``3.14.0_rc1-r2``."""
    return re.sub(r"-r\d+$", "", version).replace("_", "")


def bare(dependency: str) -> str:
    """The name in a requirement, a dependency or a line of world: ``so:libz.so.1`` of ``so:libz.so.1=1.3``."""
    return re.split(r"[<>=~@]", dependency, maxsplit=1)[0]


def _group(group: Group, platform: str, text: str) -> dict[str, str]:
    """All that a group then has beyond the base, name to version; refuses what removes a package."""
    actions = [line.split() for line in text.splitlines()]
    removed = [name for action, name, _ in actions if action == "Purging"]
    if removed:
        raise ApkError(
            f"apk would remove {', '.join(removed)} from the base image for group '{group.name}' on {platform}",
            "name it as a requirement too, or use a newer base image",
            frozenset(),
        )
    return {name: version for _, name, version in actions}


def _apks(sections: Mapping[str, str]) -> dict[tuple[str, str], Apk]:
    """The packages by name and version: records of the index, with what is known of the files that were fetched."""
    sums = {
        file: (sha256, int(size))
        for sha256, size, file in map(str.split, sections["sums"].splitlines())
    }
    places = _places(sections["policy"])
    apks = {}
    for stanza in sections["packages"].split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in stanza.splitlines() if line)
        if not fields:
            continue
        key = fields["P"], fields["V"]
        sha256, size = sums.get(_cached(fields), ("", 0))
        if sha256 and key in places and size == int(fields["S"]):
            apks[key] = _apk(fields, places[key], sha256)
    return apks


def _cached(fields: Mapping[str, str]) -> str:
    """How apk names a package's file in its cache: by the first bytes of its checksum in the index."""
    try:
        digest = base64.b64decode(fields["C"][2:], validate=True).hex()
    except binascii.Error:
        return ""
    return f"{fields['P']}-{fields['V']}.{digest[:8]}.apk"


def _places(policy: str) -> dict[tuple[str, str], str]:
    """The first repository that has a package, by name and version, out of what ``apk policy`` says."""
    places: dict[tuple[str, str], str] = {}
    name = version = ""
    for line in policy.splitlines():
        if not line.startswith(" "):
            name = line.removesuffix(" policy:")
        elif not line.startswith("    "):
            version = line.strip().removesuffix(":")
        else:
            for address in _addresses(line):
                places.setdefault((name, version), _divided(address)[1])
    return places


def _apk(fields: Mapping[str, str], place: str, sha256: str) -> Apk:
    folder_and_file = f"{fields['A']}/{fields['P']}-{fields['V']}.apk"
    return Apk(
        name=fields["P"],
        version=fields["V"],
        architecture=fields["A"],
        file=f"{place}/{folder_and_file}" if place else folder_and_file,
        size=int(fields["S"]),
        checksum=fields["C"],
        sha256=sha256,
        origin=fields.get("o", ""),
        license=fields.get("L", ""),
        depends=tuple(
            bare(each) for each in fields.get("D", "").split() if not each.startswith("!")
        ),
        provides=tuple(bare(each) for each in fields.get("p", "").split()),
    )


def _failure(
    failed: str, groups: tuple[Group, ...], platform: str, sections: Mapping[str, str]
) -> ExpectedError:
    said = "\n".join(f"  {line.rstrip()}" for line in sections[failed].splitlines() if line.strip())
    step = failed.split()[1]
    if step in FAILURES:
        message, hint = FAILURES[step]
        return ExpectedError(f"{message} on {platform}\n{said}", hint)
    group = groups[int(step)]
    return _unsolved(group, platform, "\n".join([said, *_provided(group, groups, sections, said)]))


def _provided(
    group: Group, groups: tuple[Group, ...], sections: Mapping[str, str], said: str
) -> list[str]:
    """Which stages below provided the names that the explanation blames, a line each."""
    blamed = {bare(each) for each in re.findall(r"world\[([^]]+)]", said)}
    lines = []
    for number, parent in enumerate(groups):
        if parent.name in group.parents:
            has = {line.split()[1] for line in sections[f"group {number}"].splitlines()}
            lines += [
                f"  {name} is there by group '{parent.name}'" for name in sorted(blamed & has)
            ]
            blamed -= has
    return lines


def _unsolved(group: Group, platform: str, said: str) -> ApkError:
    blamed = {bare(each) for each in re.findall(r"world\[(?!!)([^]]+)]", said)}
    named = [each for each in group.requirements if bare(each) in blamed]
    return ApkError(
        f"apk cannot install {', '.join(named or group.requirements)} for group '{group.name}' on {platform}\n{said}",
        "look for the name with apk search in a container of the base image; name=version asks for one exact version",
        frozenset(bare(each) for each in re.findall(r"world\[!([^]]+)]", said)),
    )


def _unknown(name: str, version: str, platform: str) -> ExpectedError:
    return ExpectedError(
        f"apk would install {name} {version} on {platform}, but what it fetched is not what an APKINDEX.tar.gz names",
        "name repositories with an APKINDEX.tar.gz by http or https addresses in the image's /etc/apk/repositories",
    )
