"""Detection of the format of a lock file by its content, never by its name.

The readers in this package accept every version of a format, from any tool, and report errors with
their line. Those in resolvers/ read only what Orbiter itself writes, with markers and URLs that a
comparison does not need. So both exist.
"""

import re

from orbiter.lockfiles import document
from orbiter.lockfiles.origins import with_foreign_sources
from orbiter.lockfiles.types import FormatReader, Lock
from resolvers.errors import ExpectedError

SUPPORTED = (
    "Orbiter reads conda-lock.yml, explicit conda files, pixi.lock, mamba's JSON, poetry.lock, "
    "uv.lock, pylock.toml, requirements.txt, package-lock.json, and its own lock sets (name the "
    "release or the folder)"
)

PATH = re.compile(r"(?!/$)[\w.@+/-]*(?:/[\w.@+-]+|\.(?:ya?ml|lock|json|toml|txt))")
MAX_PATH = 4096

NOT_LOCKED = "it lists requirements, not locked versions"

SIMILAR_FILES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE),
        "the file is a web page",
        "download the raw file",
    ),
    (
        re.compile(r"root = \"sha256:|# Written by Orbiter:"),
        "the file is part of a lock set",
        "name the release or the folder instead: a lock set is compared as a whole",
    ),
    (
        re.compile(r"(?s)(?:.*\n)?\[(?:project|build-system|dependency-groups|tool\.\w[^\]]*)\]\n"),
        f"the file is a pyproject.toml: {NOT_LOCKED}",
        "name its lock file instead: poetry.lock, uv.lock or pylock.toml",
    ),
    (
        re.compile(r"(?s)(?=(?:.*\n)?(?:\"on\"|'on'|on):)(?:.*\n)?jobs:\s*\n"),
        "the file is a GitHub workflow",
        "name the lock file instead",
    ),
    (
        re.compile(r"(?s)(?:.*\n)?dependencies:\s*\n\s*- "),
        f"the file is an environment.yml: {NOT_LOCKED}",
        "name its lock file instead: conda-lock.yml, pixi.lock or an explicit file",
    ),
    (
        re.compile(r'(?s)\s*\{.*"(?:dependencies|devDependencies|scripts)"\s*:'),
        f"the file is a package.json: {NOT_LOCKED}",
        "name its package-lock.json instead",
    ),
)
"""Files that users name by mistake: a pattern of the content, the error, and the hint."""


def read(name: str, content: bytes) -> Lock:
    """Read a lock file of any format.

    Raises ExpectedError if it is of an unknown format, invalid, or too new.
    """
    text = document.decode_text(name, content)
    if not text.strip():
        raise ExpectedError(f"{name}: the file is empty", document.DAMAGED)
    if len(text) < MAX_PATH and PATH.fullmatch(text):
        # git stores a symbolic link as a file that contains its target.
        raise ExpectedError(f"{name}: the file is a symbolic link to {text}", "name that file")
    for reader in _readers():
        if reader.recognises(text):
            return with_foreign_sources(reader.read(name, text))
    raise _unknown_format(name, text)


def _readers() -> tuple[FormatReader, ...]:
    """Return all readers, the fastest first; requirements.txt has no mark, so it is the last."""
    from orbiter.lockfiles import (
        conda_lock,
        explicit,
        mamba,
        package_lock,
        pixi,
        poetry,
        pylock,
        requirements,
        uv,
    )

    return package_lock, mamba, conda_lock, pixi, uv, poetry, pylock, explicit, requirements


def _unknown_format(name: str, text: str) -> ExpectedError:
    for pattern, message, hint in SIMILAR_FILES:
        if pattern.match(text):
            return ExpectedError(f"{name}: {message}", hint)
    return ExpectedError(f"{name}: unknown lock file format", SUPPORTED)
