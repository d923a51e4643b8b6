"""Leave out of /opt/env what is of no use in an image, and from conda's records of it too.

Byte-code of the standard library stays, freed of the time of its source: any time is right then. That of other
packages goes, for most packages bring none. Format: PEP 552.
"""

import json
from pathlib import Path

ENVIRONMENT = Path("/opt/env")
UNCHECKED = (1).to_bytes(4, "little") + bytes(8)


def goes(path: Path) -> bool:
    """Whether a file is a static library, but for those of compilers, or byte-code of a package beside its source."""
    if path.suffix == ".a":
        return not any(part.endswith("-linux-gnu") for part in path.parts)
    return path.suffix == ".pyc" and {"site-packages", "__pycache__"} <= {*path.parts}


def recorded(path: Path) -> None:
    """Leave what is gone out of a package's record."""
    text = path.read_text()
    if '.a"' not in text and '.pyc"' not in text:  # most, and reading takes its time
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
