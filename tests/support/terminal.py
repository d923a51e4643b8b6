"""Run programs on a terminal of 80 columns, and read what they show on it."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from threading import Thread

COLUMNS = 80
ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


def on_a_terminal(*arguments: str, folder: Path | None = None, code: int = 0) -> str:
    """Return everything that Python writes to a terminal; ``code`` is the expected exit code."""
    parent, child = os.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    chunks: list[bytes] = []
    reader = Thread(target=_read_all, args=(parent, chunks))
    reader.start()
    result = subprocess.run(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
        cwd=folder,
        env=environment | {"TERM": "xterm"},
        check=False,
    )
    os.close(child)
    reader.join()
    os.close(parent)
    output = b"".join(chunks).decode()
    assert result.returncode == code, output
    return output


def lines_of(output: str) -> list[str]:
    """Return all lines that were shown, also those that were replaced later."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", ESCAPE.sub("", output))]


def screen_of(output: str) -> list[str]:
    """Return the lines that are left; knows the escape sequences that rich writes."""
    rows, row = [""], 0
    for part in re.split(rf"({ESCAPE.pattern.replace('(', '(?:')}|\r\n|\r|\n)", output):
        if part.endswith("\n"):
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part == "\x1b[2K":
            rows[row] = ""
        elif match := re.fullmatch(r"\x1b\[(\d*)A", part):
            row -= int(match[1] or 1)
        elif part and part != "\r" and not ESCAPE.fullmatch(part):
            rows[row] += part
    return [line.rstrip() for line in rows if line.strip()]


def _read_all(terminal: int, chunks: list[bytes]) -> None:
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # the other side is closed
            return
        chunks.append(chunk)
