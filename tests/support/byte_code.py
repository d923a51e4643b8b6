"""Check byte-code: every file must be valid without any clock (PEP 552)."""

import subprocess

LIST_INVALID = """
import _imp, pathlib
count = 0
for path in sorted(pathlib.Path("/").glob("[ou]*/**/*.pyc")):  # /opt and /usr
    code = path.read_bytes()
    count += 1
    if path.parent.name != "__pycache__":
        continue  # it is used without a source
    source = path.parent.parent / (path.name.partition(".")[0] + ".py")
    if code[4:8] == bytes(4):
        print(path, "has a time")
    elif not source.exists():
        print(path, "has no source")
    elif code[8:16] != _imp.source_hash(int.from_bytes(code[:4], "little"), source.read_bytes()):
        print(path, "has the hash of another source")
print(count)
"""
"""A program that prints each invalid file, and then how many it read."""


def invalid_byte_code(tag: str) -> tuple[list[str], int]:
    """Return a line for each invalid .pyc file of an image, and the number of all of them."""
    command = ["docker", "run", "--rm", "--interactive", "--network=none", "--user", "0"]
    command += [tag, "python3", "-B", "-"]
    done = subprocess.run(command, input=LIST_INVALID, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, count = done.stdout.splitlines()
    return lines, int(count)
