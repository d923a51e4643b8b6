"""Remove files that an image does not need from /opt/env and from conda's records.

Byte-code of the standard library stays. It is marked as unchecked (PEP 552), so that it does not contain the time of
its source. Byte-code of other packages is removed, because most packages have none.
"""

import json
from pathlib import Path

ENVIRONMENT = Path("/opt/env")
UNCHECKED = (1).to_bytes(4, "little") + bytes(8)


def goes(path: Path) -> bool:
    """Return whether to remove a file: a static library, except a compiler's, or byte-code of a package."""
    if path.suffix == ".a":
        return not any(part.endswith("-linux-gnu") for part in path.parts)
    return path.suffix == ".pyc" and {"site-packages", "__pycache__"} <= {*path.parts}


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


for each in [*ENVIRONMENT.rglob("*.a"), *ENVIRONMENT.rglob("*.pyc")]:
    if each.is_dir() and not each.is_symlink():
        continue
    if goes(each.relative_to(ENVIRONMENT)):
        each.unlink()
    elif each.suffix == ".pyc" and "__pycache__" in each.parts:
        code = each.read_bytes()
        each.write_bytes(code[:4] + UNCHECKED + code[16:])
for each in (ENVIRONMENT / "conda-meta").glob("*.json"):
    recorded(each)
