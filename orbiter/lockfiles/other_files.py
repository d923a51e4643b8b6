"""Files that users name by mistake, and lock files of tools that Orbiter does not read."""

import re
from typing import NamedTuple

from resolvers.errors import ExpectedError

NOT_LOCKED = "it lists requirements, not locked versions"
NAME_A_LOCK = "name its lock file instead"
NO_READER = "Orbiter does not read this format"


class OtherFile(NamedTuple):
    """A kind of file: all patterns are found in its text. No pattern takes more than linear time.

    ``what`` completes "the file is".
    """

    patterns: tuple[re.Pattern[str], ...]
    what: str
    hint: str


def _lines(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)


def _start(pattern: str) -> tuple[re.Pattern[str], ...]:
    return (re.compile(rf"\A\s*+{pattern}", re.IGNORECASE),)


BUN = re.compile(
    r"\A\s*+\{\s*\"lockfileVersion\":\s*\d+,\s*(?:\"configVersion\":\s*\d+,\s*)?\"workspaces\""
)
"""Start of a bun.lock, which has the ``lockfileVersion`` of a package-lock.json."""

OTHER_FILES = (
    OtherFile(_start(r"<(?:!doctype|html|\?xml)"), "a web page", "download the raw file"),
    OtherFile(
        _start(r"(?:root = \"sha256:|# Written by Orbiter:)"),
        "part of a lock set",
        "name the release or the folder instead: a lock set is compared as a whole",
    ),
    OtherFile(
        _lines(r"^\[(?:project|build-system|dependency-groups|tool\.\w[^\]\n]*)\]$"),
        f"a pyproject.toml: {NOT_LOCKED}",
        f"{NAME_A_LOCK}: poetry.lock, uv.lock or pylock.toml",
    ),
    OtherFile(_lines(r"^(?:\"on\"|'on'|on):", r"^jobs:[ \t]*$"), "a GitHub workflow", NAME_A_LOCK),
    OtherFile(
        _lines(r"^dependencies:[ \t]*\n\s*+- "),
        f"an environment.yml: {NOT_LOCKED}",
        f"{NAME_A_LOCK}: conda-lock.yml, pixi.lock or an explicit file",
    ),
    OtherFile((BUN,), "a bun.lock", NO_READER),
    OtherFile(_lines(r"\A\s*+\{", r'"bomFormat"\s*:\s*"CycloneDX"'), "a CycloneDX SBOM", NO_READER),
    OtherFile(_lines(r'"spdxVersion"\s*:\s*"SPDX-|^SPDXVersion: SPDX-'), "an SPDX SBOM", NO_READER),
    OtherFile(
        _lines(r"\A\s*+\{", r'"nodes"\s*:\s*\{', r'"root"\s*:\s*"', r'"version"\s*:\s*\d'),
        "a flake.lock",
        NO_READER,
    ),
    OtherFile(
        _lines(r'"(?:_meta|content-hash)"\s*:', r'"packages(?:-dev)?"\s*:\s*\['),
        "a composer.lock",
        NO_READER,
    ),
    OtherFile(
        _lines(r"^julia_version = |^manifest_format = ", r"^\[\[deps\b|^\[deps\]$|^\[\["),
        "a Manifest.toml of Julia",
        NO_READER,
    ),
    OtherFile(_lines(r"^(?:GEM|GIT|PATH)$", r"^DEPENDENCIES$"), "a Gemfile.lock", NO_READER),
    OtherFile(_lines(r"\A\S+ v\S+ h1:\S+=$"), "a go.sum", NO_READER),
    OtherFile(
        _lines(r"^[\w.-]+(?:/[\w.-]+)*::[\w.-]+={1,2}[^\s=]+(?:=\S+)?$"),
        "a list of conda specs without addresses or hashes",
        "write it with: conda list --explicit --sha256",
    ),
    OtherFile(
        (re.compile(r"\A\s*+\{"), re.compile(r'"(?:dependencies|devDependencies|scripts)"\s*:')),
        f"a package.json: {NOT_LOCKED}",
        f"{NAME_A_LOCK}: package-lock.json, yarn.lock or pnpm-lock.yaml",
    ),
)


def other_file_error(name: str, text: str) -> ExpectedError | None:
    """Return the error for a file of a known kind that is not a lock; None for any other text."""
    for other in OTHER_FILES:
        if all(pattern.search(text) for pattern in other.patterns):
            return ExpectedError(f"{name}: the file is {other.what}", other.hint)
    return None
