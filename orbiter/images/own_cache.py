"""Which records of BuildKit's cache Orbiter made. Pure.

Records have no labels, only the text of the instruction or the command that made them. One is
Orbiter's if a Dockerfile of a lock set has this text: an instruction in the stage with the name of
the record, or a command that reads files of the lock set. All other records could be anybody's.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from orbiter.docker.build_cache import CacheRecord
from orbiter.docker.dockerfile import instructions
from orbiter.lockset.model import BUILD, LockSet

STEP = re.compile(
    r"\[(?:[a-z0-9]+/[a-z0-9/]+ )?(?P<stage>[^\s\]]+) +\d+/\d+\] (?P<instruction>\S.*)", re.DOTALL
)
"""Description of a step: ``[linux/amd64 debian-base 2/5] COPY …``; one platform has no name."""
COMMAND = re.compile(r"(?:mount /|cached mount \S+) from exec /bin/sh -c (?P<script>.+)", re.DOTALL)
LOCKED = ("/lock/", "/artifacts/")
"""Folders from which Orbiter's own commands read; a command without them may be anybody's."""
DOCKERFILE = re.compile(rf"{BUILD}/(?P<stage>[^/]+)/Dockerfile")


def own_records(
    records: Iterable[CacheRecord], lock_sets: Iterable[LockSet]
) -> Iterator[tuple[str, CacheRecord]]:
    """Yield the records that Orbiter made, each with the name of its stage."""
    steps, commands = _known(lock_sets)
    for record in records:
        stage = _stage_of(record.description, steps, commands)
        if stage and not record.in_use:
            yield stage, record


def _known(lock_sets: Iterable[LockSet]) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Return the stages with their instructions, and the stages by the text of their commands."""
    steps: set[tuple[str, str]] = set()
    commands: dict[str, str] = {}
    for lock_set in lock_sets:
        for path, text in lock_set.files.items():
            if match := DOCKERFILE.fullmatch(path):
                for instruction in instructions(text):
                    words = f"{instruction.name} {instruction.text}".split()
                    steps.add((match["stage"], " ".join(words)))
                    for script in instruction.documents:
                        commands.setdefault(script.strip(), match["stage"])
    return steps, commands


def _stage_of(
    description: str, steps: Collection[tuple[str, str]], commands: Mapping[str, str]
) -> str:
    """Return the stage whose Dockerfile made a record; "" if there is none."""
    if step := STEP.fullmatch(description):
        stage, instruction = step["stage"], " ".join(step["instruction"].split())
        return stage if (stage, instruction) in steps else ""
    command = COMMAND.fullmatch(description)
    if command is None or not any(folder in command["script"] for folder in LOCKED):
        return ""
    return commands.get(command["script"].strip(), "")
