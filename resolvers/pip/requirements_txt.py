"""The parts of a hashed requirements.txt as pip-compile writes it. Pure.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/. After each requirement, a
comment lists the files and the packages that require it: ``# via jinja2``.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from resolvers.errors import ExpectedError

REQUIREMENT = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)===?(?P<version>[0-9A-Za-z.!+_-]+)(?: ; [^\\\n]+)? \\"
)
HASH = re.compile(r"    --hash=(?P<hash>sha256:[0-9a-f]{64})(?: \\)?")
VIA = re.compile(r"    #(?: via| {3}) ?(?P<reason>\S.*)?")
COMMENT = re.compile(r"(?:#.*)?")
FROM_FILE = "-r "
"""Beginning of a reason that is not a package."""
HINT = "restore it from git, or lock again"


class Line(NamedTuple):
    """A requirement for one version, with its hashes and the packages that require it."""

    name: str
    version: str
    hashes: list[str]
    required_by: list[str]


@lru_cache(maxsize=64)  # the same file is read for many stages and checks
def parse(file: str, text: str) -> tuple[Line, ...]:
    """Return the requirements of a file; raise ExpectedError if pip-compile did not write it."""
    lines = tuple(_lines(file, text))
    for line in lines:
        if not line.hashes:
            raise ExpectedError(f"{file}: {line.name} {line.version} has no hash", HINT)
    return lines


def _lines(file: str, text: str) -> Iterator[Line]:
    line: Line | None = None
    for number, content in enumerate(text.split("\n"), 1):
        if found := REQUIREMENT.fullmatch(content):
            if line:
                yield line
            line = Line(found["name"], found["version"], [], [])
        elif not (line and _add(line, content)) and not COMMENT.fullmatch(content):
            raise ExpectedError(f"{file}:{number}: '{content[:80]}' is not a locked version", HINT)
    if line:
        yield line


def _add(line: Line, content: str) -> bool:
    """Add a hash or a reason to a requirement; return False if the content is neither."""
    if found := HASH.fullmatch(content):
        line.hashes.append(found["hash"])
        return True
    found = VIA.fullmatch(content)
    if found and found["reason"] and not found["reason"].startswith(FROM_FILE):
        line.required_by.append(found["reason"])
    return found is not None


def without_hash(text: str, hexdigest: str) -> str:
    """Return the text without the lines of a hash; a requirement keeps its last one."""
    line = f"    --hash=sha256:{hexdigest}"
    text = text.replace(f"{line} \\\n", "")
    return text.replace(f" \\\n{line}\n", "\n")
