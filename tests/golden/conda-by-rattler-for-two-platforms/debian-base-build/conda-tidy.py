"""Remove files that an image does not need from /opt/env, and make conda's records say what an online install would.

Arguments: the explicit file, a file with the SHA-256 sums of its packages, and a file with the requirements of the stage.

Byte-code of the standard library stays. A hash of its source (PEP 552) replaces the time of its source. Byte-code of
other packages is removed, because most packages have none.
"""

import _imp
import json
import re
import sys
from pathlib import Path
from typing import Any

ENVIRONMENT = Path("/opt/env")
META = ENVIRONMENT / "conda-meta"
FILES = Path("/artifacts/conda")
READABLE = 0o644
UNCHECKED = (1).to_bytes(4, "little")
VOLATILE = ("extracted_package_dir", "link", "package_tarball_full_path", "requested_spec", "requested_specs")
"""Keys that name the cache of the installer, which the image lacks, or requirements, which are added again."""
CREDENTIALS = re.compile(r"(?<=://)[^/@]*@|/t/\$\{\w+\}(?=/)")
"""Credentials in a locked address: variables, which no program expands later."""


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


def stem(file: str) -> str:
    """Return the name of a package's file without its suffix, which is the name of its record."""
    return file.removesuffix(".conda").removesuffix(".tar.bz2")


def facts(line: str, sums: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a record that the lock determines, from a line of the explicit file."""
    address, _, md5 = line.partition("#")
    place, _, file = CREDENTIALS.sub("", address).rpartition("/")
    size = (FILES / file).stat().st_size
    found = {"channel": place, "fn": file, "sha256": sums[file], "size": size, "url": f"{place}/{file}"}
    return found if ":" in md5 else found | {"md5": md5}


def remaining(record: dict[str, Any]) -> None:
    """Drop removed files from the lists of a record, and sort them."""
    record["files"] = sorted(name for name in record.get("files", ()) if not goes(Path(name)))
    listed = record.get("paths_data", {})
    paths = [each for each in listed.get("paths", ()) if not goes(Path(each["_path"]))]
    for each in paths:
        if each.get("sha256_in_prefix") == each.get("sha256"):
            each.pop("sha256_in_prefix", None)
    listed["paths"] = sorted(paths, key=lambda each: each["_path"])


def tidy(path: Path, known: dict[str, dict[str, Any]], requested: dict[str, str]) -> None:
    """Write a record again; only its file list and the requirement for it change if an earlier stage installed it."""
    before = path.read_text()
    record = json.loads(before)
    spec = requested.get(record["name"], "")
    if path.stem in known:
        record = {key: value for key, value in record.items() if key not in VOLATILE} | known[path.stem]
        remaining(record)
    if spec:
        record["requested_spec"] = spec
    after = json.dumps(record, indent=2, sort_keys=True) + "\n"
    if after != before:
        path.write_text(after)
    if path.stat().st_mode & 0o777 != READABLE:  # rattler lets only root read its records
        path.chmod(READABLE)


explicit, checksums, requirements = (Path(name).read_text().splitlines() for name in sys.argv[1:])
sums = {file: digest for digest, file in map(str.split, checksums)}
lines = [line for line in explicit if line[0] not in "@#"]
known = {stem(line.partition("#")[0].rpartition("/")[2]): facts(line, sums) for line in lines}
names = [re.split(r"[^\w.-]", spec.rpartition("::")[2].strip())[0].lower() for spec in requirements]
requested = dict(zip(names, requirements, strict=True))
# The records first, because they need the files that go.
for each in META.glob("*.json"):
    tidy(each, known, requested)
for each in [*ENVIRONMENT.rglob("*.a"), *ENVIRONMENT.rglob("*.pyc")]:
    if each.is_dir() and not each.is_symlink():
        continue
    if goes(each.relative_to(ENVIRONMENT)):
        each.unlink()
    elif each.suffix == ".pyc" and each.parent.name == "__pycache__":
        hashed(each)
