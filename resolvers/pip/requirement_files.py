"""The names of the files of a lock of pip-tools.

``requirements-<stage>.in`` holds the requirements of a stage. pip-compile writes its locked
packages to ``requirements-<stage>-<platform>.txt``.
"""

import re
from collections.abc import Iterable, Iterator

FILES = "requirements.sha256"
"""The list of all locked files with their hashes."""
INPUT = re.compile(r"requirements-(?P<stage>[a-z0-9][a-z0-9.-]*)\.in")
OUTPUT = re.compile(
    r"requirements-(?P<stage>[a-z0-9][a-z0-9.-]*)-(?P<platform>linux-[a-z0-9]+)\.txt"
)


def input_file(stage: str) -> str:
    """Return the name of the file with the requirements of a stage."""
    return f"requirements-{stage}.in"


def output_file(stage: str, platform: str) -> str:
    """Return the name of the file with the locked packages of a stage on a platform."""
    return f"requirements-{stage}-{platform.replace('/', '-')}.txt"


def is_requirement_file(name: str) -> bool:
    """Return whether a file may belong to a lock of pip-tools."""
    return name == FILES or any(pattern.fullmatch(name) for pattern in (INPUT, OUTPUT))


def requirement_files(stages: Iterable[str], platforms: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of the files that a lock for these stages and platforms may have."""
    yield FILES
    for stage in stages:
        yield input_file(stage)
        yield from (output_file(stage, platform) for platform in platforms)
