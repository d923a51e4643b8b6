"""Remove files that an image does not need from /opt/env and from conda's records.

Byte-code of the standard library stays. A hash of its source (PEP 552) replaces the time of its source. Byte-code of
other packages is removed, because most packages have none.
"""

import _imp
import json
from pathlib import Path

ENVIRONMENT = Path("/opt/env")
UNCHECKED = (1).to_bytes(4, "little")


def goes(path: Path) -> bool:
    """Return whether to remove a file: a static library, except a compiler's, or byte-code that nobody can use."""
    if path.suffix == ".a":
        return not any(part.endswith("-linux-gnu") for part in path.parts)
    if path.suffix != ".pyc" or path.parent.name != "__pycache__":
        return False
    return "site-packages" in path.parts or is_stale(ENVIRONMENT / path)


def source_of(path: Path) -> Path:
    """Return the source of byte-code in a folder __pycache__."""
    return path.parent.parent / f"{path.name.partition('.')[0]}.py"


def is_stale(path: Path) -> bool:
    """Return whether byte-code was compiled from another text, such as one with the prefix of the package's build."""
    if not path.is_file():
        return False
    header = path.read_bytes()[:16]
    if header[4:8] != bytes(4):  # the header has a hash, so this program wrote it
        return False
    source = source_of(path)
    return not source.is_file() or source.stat().st_size != int.from_bytes(header[12:16], "little")


def hashed(path: Path) -> None:
    """Replace the time in the header of byte-code by the hash of its source."""
    code = path.read_bytes()
    if code[4:8] != bytes(4):
        return
    source = source_of(path).read_bytes()
    # The key is the version of the byte-code, which may differ from the running Python's.
    digest = _imp.source_hash(int.from_bytes(code[:4], "little"), source)
    path.write_bytes(code[:4] + UNCHECKED + digest + code[16:])


def recorded(path: Path) -> None:
    """Drop removed files from the record of a package."""
    text = path.read_text()
    if '.a"' not in text and '.pyc"' not in text:  # true for most records, and parsing is slow
        return
    content = json.loads(text)
    gone = {name for name in content.get("files", ()) if goes(Path(name))}
    content["files"] = [name for name in content.get("files", ()) if name not in gone]
    listed = content.get("paths_data", {})
    listed["paths"] = [each for each in listed.get("paths", ()) if each["_path"] not in gone]
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


# The records first, because they need the files that go.
for each in (ENVIRONMENT / "conda-meta").glob("*.json"):
    recorded(each)
for each in [*ENVIRONMENT.rglob("*.a"), *ENVIRONMENT.rglob("*.pyc")]:
    if each.is_dir() and not each.is_symlink():
        continue
    if goes(each.relative_to(ENVIRONMENT)):
        each.unlink()
    elif each.suffix == ".pyc" and each.parent.name == "__pycache__":
        hashed(each)
