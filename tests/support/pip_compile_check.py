"""Run pip-compile on a lock of pip-tools, and fail if it changes a file for this platform.

pip-tools has no check of its own. It resolves for the Python that it runs on, so the line with its
version may differ. The arguments are the folder of the lock and the Python of pip-tools.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

COMMAND = re.compile(r"^#    pip-compile (.*)$", re.MULTILINE)
PYTHON = re.compile(r"pip-compile with Python 3\.\d+")


def main(folder: Path, python: str) -> int:
    """Return the number of changed files."""
    changed = 0
    for file in sorted(folder.glob("requirements-*-linux-amd64.txt")):
        before = file.read_text(encoding="utf-8")
        compile_again(folder, python, before)
        after = file.read_text(encoding="utf-8")
        if PYTHON.sub("", before) != PYTHON.sub("", after):
            changed += 1
            sys.stderr.write(f"{file.name} was\n{before}\nand is\n{after}")
    return changed


def compile_again(folder: Path, python: str, text: str) -> None:
    """Run the command in the head of a file."""
    command = COMMAND.search(text)
    assert command
    arguments = [*shlex.split(command[1]), "--no-config"]
    subprocess.run([python, "-m", "piptools", "compile", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
