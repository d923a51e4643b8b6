"""Counts of changes between two lock files, by readers and an algorithm independent of Orbiter.

It imports nothing from Orbiter. Run ``python tests/support/independent_count.py FOLDER…``; each
folder contains ``old.NAME.gz`` and ``new.NAME.gz``. For each platform, it prints
added/removed/changed/hash only/unchanged. It compares the set of (version, build, source) of every
manager and name, then the hashes of each variant that both sides have, for common algorithms.
"""

import gzip
import json
import posixpath
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Row = tuple[str, str, str, tuple[str, str, str], frozenset[str]]
"""Platform, manager, name, (version, build, source), hashes."""


def pep503(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def hashes(entry: dict[str, Any]) -> frozenset[str]:
    found = {
        f"{kind}:{entry[kind]}"
        for kind in ("md5", "sha256")
        if entry.get(kind) not in {None, "", "null", "~"}
    }
    return frozenset(found)


def conda_url(url: str) -> tuple[str, str, str, str]:
    """Return the name, version, build and channel path."""
    parts = re.sub(r"#.*", "", url).split("/")
    name, version, build = re.sub(r"(\.conda|\.tar\.bz2)$", "", parts[-1]).rsplit("-", 2)
    return name, version, build, "/".join(parts[3:-2])


def conda_lock(text: str) -> Iterator[Row]:
    for entry in yaml.load(text, Loader=yaml.CBaseLoader)["package"]:  # all as text
        digests = hashes(entry["hash"])
        if entry["manager"] == "conda":
            _, _, build, source = conda_url(entry["url"])
            yield (
                entry["platform"],
                "conda",
                entry["name"],
                (entry["version"], build, source),
                digests,
            )
        else:
            yield (
                entry["platform"],
                "pip",
                pep503(entry["name"]),
                (entry["version"], "", ""),
                digests,
            )


def pixi(text: str) -> Iterator[Row]:
    data = yaml.load(text, Loader=yaml.CBaseLoader)  # all as text
    if "environments" not in data:
        yield from conda_lock(text)
        return
    known = {}
    for entry in data["packages"]:
        kind = entry.get("kind") or next(k for k in ("conda", "pypi", "conda_source") if k in entry)
        address = entry.get("url") or entry.get("path") or entry[kind]
        known[address] = pixi_entry(kind, address, entry)
    for environment in data["environments"].values():
        for platform, references in environment["packages"].items():
            for reference in references:
                address = (
                    reference.get("conda") or reference.get("pypi") or reference["conda_source"]
                )
                yield (platform, *known[address])


def pixi_entry(
    kind: str, address: str, entry: dict[str, Any]
) -> tuple[str, str, tuple[str, str, str], frozenset[str]]:
    if kind == "conda":
        name, version, build, source = conda_url(address)
        return "conda", name, (version, build, source), hashes(entry)
    if kind == "conda_source":
        name = re.split(r"[\[ ]", address)[0]
        return (
            "conda",
            name,
            (entry.get("version", ""), entry.get("build", ""), address.rpartition(" @ ")[2]),
            frozenset(),
        )
    source = "" if address.startswith("http") else posixpath.normpath(address)
    return "pip", pep503(entry["name"]), (entry.get("version", ""), "", source), hashes(entry)


def poetry(text: str) -> Iterator[Row]:
    data = tomllib.loads(text)
    metadata = data.get("metadata", {})
    for entry in data.get("package", []):
        name = entry["name"]
        files = entry.get("files") or metadata.get("files", {}).get(name, [])
        digests = {each["hash"] for each in files} | {
            f"sha256:{each}" for each in metadata.get("hashes", {}).get(name, [])
        }
        source = entry.get("source", {})
        keys = ("type", "url", "resolved_reference")
        where = " ".join(source.get(key, "") for key in keys).strip()
        yield "", "pip", pep503(name), (entry["version"], "", where), frozenset(digests)


def uv(text: str) -> Iterator[Row]:
    for entry in tomllib.loads(text)["package"]:
        files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
        digests = frozenset(each["hash"] for each in files if "hash" in each)
        yield (
            "",
            "pip",
            pep503(entry["name"]),
            (entry.get("version", ""), "", json.dumps(entry["source"])),
            digests,
        )


def package_lock(text: str) -> Iterator[Row]:
    data = json.loads(text)
    for path, entry in data["packages"].items():
        if "node_modules/" in path and not entry.get("link"):
            name = entry.get("name") or path.rpartition("node_modules/")[2]
            yield (
                "",
                "npm",
                name,
                (entry["version"], "", ""),
                frozenset(entry.get("integrity", "").split()),
            )


def requirements(text: str) -> Iterator[Row]:
    for line in text.replace("\\\n", " ").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)(\[[^]]*\])?\s*==\s*([^\s;]+)", line):
            yield (
                "",
                "pip",
                pep503(found[1]),
                (found[3], "", ""),
                frozenset(re.findall(r"--hash=(\S+)", line)),
            )


READERS = {
    "conda-lock.yml": conda_lock, "pixi.lock": pixi, "poetry.lock": poetry, "uv.lock": uv,
    "package-lock.json": package_lock, "requirements.txt": requirements,
}  # fmt: skip


Variants = dict[tuple[str, str, str], set[str]]
"""Hashes of each variant of a name."""


def side(folder: Path, which: str) -> dict[str, dict[tuple[str, str], Variants]]:
    """Return variants by platform, manager and name."""
    (file,) = folder.glob(f"{which}.*.gz")
    reader = READERS[file.name.removeprefix(f"{which}.").removesuffix(".gz")]
    found: dict[str, dict[tuple[str, str], Variants]] = {}
    for platform, manager, name, variant, digests in reader(
        gzip.decompress(file.read_bytes()).decode()
    ):
        variants = found.setdefault(platform, {}).setdefault((manager, name), {})
        variants.setdefault(variant, set()).update(digests)
    return found


def counts(folder: Path) -> dict[str, tuple[int, int, int, int, int]]:
    """Count added, removed, changed, hash only and unchanged, by platform of both sides."""
    old, new = side(folder, "old"), side(folder, "new")
    return {
        platform: of_platform(old[platform], new[platform])
        for platform in sorted(old.keys() & new.keys())
    }


def of_platform(
    old: dict[tuple[str, str], Variants], new: dict[tuple[str, str], Variants]
) -> tuple[int, int, int, int, int]:
    both = old.keys() & new.keys()
    changed = {name for name in both if old[name].keys() != new[name].keys()}
    rehashed = {
        name
        for name in both - changed
        if any(other_hashes(old[name][variant], new[name][variant]) for variant in old[name])
    }
    return (
        len(new.keys() - both),
        len(old.keys() - both),
        len(changed),
        len(rehashed),
        len(both - changed - rehashed),
    )


def other_hashes(old: set[str], new: set[str]) -> bool:
    kinds = {re.split("[:-]", each)[0] for each in old} & {
        re.split("[:-]", each)[0] for each in new
    }
    return any(re.split("[:-]", each)[0] in kinds for each in old ^ new)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for platform, numbers in counts(Path(argument)).items():
            print(Path(argument).name, platform or "any", "/".join(map(str, numbers)))  # noqa: T201 # a script
