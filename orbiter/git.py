"""The one door to the program git."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from resolvers import process
from resolvers.errors import ProgramError


def run(
    *words: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    settings: tuple[str, ...] = (),
) -> str:
    """Return the output of git; bytes that are not UTF-8 become surrogates.

    ``settings`` replace those of the user (``core.eol=lf``). Raises ProgramError if git fails.
    """
    options = [word for setting in settings for word in ("-c", setting)]
    command = ["git", *options, *words]
    return process.run(command, name="git", cwd=cwd, env=env, undecodable="surrogateescape")


def ask(folder: Path, *words: str) -> str:
    """Return the output of git in a folder, which may be missing.

    Returns "" if git fails, as it does outside a repository, or is not installed.
    """
    while not folder.is_dir():
        folder = folder.parent
    if shutil.which("git") is None:
        return ""
    try:
        return run(*words, cwd=folder)
    except ProgramError:
        return ""
