"""The base image as facts.sh reports it: versions, world and repositories."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from resolvers.apk.requirement import upstream_version
from resolvers.distro import reach
from resolvers.distro.reach import Source
from resolvers.distro.scripts import PYTHON, facts, sections, with_variables
from resolvers.types.options import Shell

SCRIPTS = (Path(__file__).with_name("facts.sh"), PYTHON)
SHARED_PARTS = 2
"""The number of path parts of a repository that are the same on every mirror: ``v3.23/main``."""


class AlpineBase(msgspec.Struct, frozen=True, kw_only=True):
    """An Alpine base image.

    ``apk``, ``musl`` (``1.2.5``) and ``python`` (``3.13.5``) are versions, empty if it has none.
    ``interpreter`` is the path of the first ``python3`` on PATH. ``world`` are the lines of
    /etc/apk/world. ``mirrors`` are the addresses that hold its repositories, in their order.
    """

    apk: str
    musl: str = ""
    python: str = ""
    interpreter: str = ""
    world: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


class BaseRepository(NamedTuple):
    """A repository's address: that of the mirror, and the path that is the same on every mirror."""

    mirror: str
    path: str


def inspect_base(shell: Shell, platform: str) -> AlpineBase:
    """Return what a base image contains; start one container that resolves nothing."""
    output = shell(with_variables(SCRIPTS), platform=platform)
    return parse_base(sections(output)["facts"])


def ask_sources(shell: Shell, platform: str) -> tuple[Source, ...]:
    """Let apk ask the sources of the base image for their indexes."""
    return reach.ask_sources(Path(__file__).parent, shell, platform)


def parse_base(section: str) -> AlpineBase:
    """Return the base image that the section ``facts`` describes."""
    values, world, mirrors = {}, [], []
    for key, value in facts(section):
        values[key] = value
        if key == "world" and value:
            world.append(value)
        if key == "repository":
            mirrors += [repository.mirror for repository in parse_repositories(value)]
    return AlpineBase(
        apk=values["apk"],
        musl=upstream_version(values.get("musl", "")),
        python=values.get("python", ""),
        interpreter=values.get("interpreter", ""),
        world=tuple(world),
        mirrors=tuple(dict.fromkeys(mirrors)),
    )


def parse_repositories(line: str) -> Iterator[BaseRepository]:
    """Yield the repositories of a line of /etc/apk/repositories.

    The line is ``[@tag] address``, or with apk 3 also ``[@tag] address component...``.
    """
    words = line.partition("#")[0].split()
    while words and "://" not in words[0]:  # a tag, or a folder of the image
        words.pop(0)
    if not words:
        return
    address = words[0].rstrip("/")
    components = words[1:]
    if not components:
        yield _split(address)
    for component in components:
        yield _split(f"{address}/{component}")


def _split(address: str) -> BaseRepository:
    scheme, _, rest = address.rpartition("://")
    host, *parts = rest.split("/")
    own, shared = parts[:-SHARED_PARTS], parts[-SHARED_PARTS:]
    return BaseRepository("/".join([f"{scheme}://{host}", *own, ""]), "/".join(shared))
