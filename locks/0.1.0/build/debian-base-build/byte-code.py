"""Make byte-code independent of times: a hash of the source (PEP 552) replaces the source's time.

Reads the paths of .pyc files from standard input. Removes byte-code that no longer matches its source.
"""

import _imp
import sys
from pathlib import Path

HEADER = 16
UNCHECKED = (1).to_bytes(4, "little")


def has_time(code: bytes) -> bool:
    """Return whether the header has the time and the size of the source, not its hash."""
    return code[4:8] == bytes(4)


def source_of(path: Path) -> Path | None:
    """Return the source of byte-code; None if the byte-code is used without one."""
    if path.parent.name != "__pycache__":
        return None
    return path.parent.parent / f"{path.name.partition('.')[0]}.py"


def matches(code: bytes, source: Path) -> bool:
    """Return whether byte-code was compiled from the present content of its source."""
    if not source.is_file():
        return False
    state = source.stat()
    numbers = (int(state.st_mtime), state.st_size)
    return code[8:HEADER] == b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)


def mend(path: Path) -> None:
    """Replace the time in the header of byte-code, or remove the byte-code if it is stale."""
    code = path.read_bytes()
    if not has_time(code):
        return
    source = source_of(path)
    if source and not matches(code, source):
        path.unlink()
        return
    digest = bytes(8)
    if source:
        # The key is the version of the byte-code, which may differ from the running Python's.
        digest = _imp.source_hash(int.from_bytes(code[:4], "little"), source.read_bytes())
    path.write_bytes(code[:4] + UNCHECKED + digest + code[HEADER:])


for line in sys.stdin:
    mend(Path(line.rstrip("\n")))
