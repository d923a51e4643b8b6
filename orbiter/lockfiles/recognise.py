"""Which lock file is it? Content tells, never the name."""

import re

from orbiter.lockfiles import document
from orbiter.lockfiles.types import Lock, Reader
from resolvers.errors import ExpectedError

KNOWN = (
    "Orbiter reads conda-lock.yml, explicit conda files, pixi.lock, mamba's JSON, poetry.lock, uv.lock, pylock.toml, "
    "requirements.txt, package-lock.json, and its own lock sets by release or folder"
)
LINK = re.compile(r"(?!/$)[\w.@+/-]*(?:/[\w.@+-]+|\.(?:ya?ml|lock|json|toml|txt))")
LONGEST_PATH = 4096

NEAR: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE),
        "this is a web page",
        "download the raw file",
    ),
    (
        re.compile(r"root = \"sha256:|# Written by Orbiter:"),
        "this is one file of a lock set",
        "name the release, or the folder that it lies in: they are compared as a whole",
    ),
    (
        re.compile(r"(?s)(?:.*\n)?\[(?:project|build-system|dependency-groups|tool\.\w[^\]]*)\]\n"),
        "this is a pyproject.toml: it says what is wished for, not what was locked",
        "name the lock beside it: poetry.lock, uv.lock or pylock.toml",
    ),
    (
        re.compile(r"(?s)(?=(?:.*\n)?(?:\"on\"|'on'|on):)(?:.*\n)?jobs:\s*\n"),
        "this is a GitHub workflow",
        "name the lock file itself",
    ),
    (
        re.compile(r"(?s)(?:.*\n)?dependencies:\s*\n\s*- "),
        "this is an environment.yml: it says what is wished for, not what was locked",
        "name what was locked from it: conda-lock.yml, pixi.lock or an explicit file",
    ),
    (
        re.compile(r'(?s)\s*\{.*"(?:dependencies|devDependencies|scripts)"\s*:'),
        "this is a package.json: it says what is wished for, not what was locked",
        "name the package-lock.json beside it",
    ),
)
"""What people name by mistake: how it looks, what to call it, what to do."""


def read(name: str, content: bytes) -> Lock:
    """Read a lock file of any kind. Raises ExpectedError for what is none, is broken, or is too new."""
    text = document.decode(name, content)
    if not text.strip():
        raise ExpectedError(f"{name}: the file is empty", document.DAMAGED)
    if len(text) < LONGEST_PATH and LINK.fullmatch(text):
        raise ExpectedError(
            f"{name}: this is a symbolic link's target ({text}), as git keeps it", "name that file"
        )
    for reader in _readers():
        if reader.recognises(text):
            return reader.read(name, text)
    raise _unknown(name, text)


def _readers() -> tuple[Reader, ...]:
    """All readers: those that know at once come first, requirements.txt last, as it has no mark of its own."""
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


def _unknown(name: str, text: str) -> ExpectedError:
    for pattern, what, hint in NEAR:
        if pattern.match(text):
            return ExpectedError(f"{name}: {what}", hint)
    return ExpectedError(f"{name}: this is no lock file that Orbiter knows", KNOWN)
