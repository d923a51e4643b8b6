"""git in folders of the user, which may lie outside of any repository."""

import shutil
from pathlib import Path

from resolvers.errors import ProgramError
from resolvers.git import run

__all__ = ["ask", "run"]


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
