"""Install the packages of an explicit file from /artifacts/conda into /opt/env, with rattler.

Arguments: the explicit file, a file with the SHA-256 sums of the packages, and the files of the packages whose files
replace those of others, the last one first.
"""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rattler import Client, Config, PackageRecord, PrefixRecord, RepoDataRecord, install
from rattler.package_streaming import PackageArchive

ENVIRONMENT = Path("/opt/env")
META = ENVIRONMENT / "conda-meta"
FILES = Path("/artifacts/conda")
CLOBBERS = "__clobbers__"
"""The folder in which rattler keeps a file that another package has, too: CLOBBERS/PACKAGE/PATH."""
OFFLINE = Config.from_toml("tls-no-verify = true\n")
"""Nothing is downloaded, but without this rattler requires certificates, which an image may lack."""


async def record(address: str, sha256: str, scratch: str) -> RepoDataRecord:
    """Return the record of a package whose file is in FILES."""
    place, _, file = address.rpartition("/")
    archive = await PackageArchive.from_path(FILES / file)
    index = Path(scratch, f"{file}.json")
    index.write_bytes(await archive.read_file("info/index.json") or b"")
    return RepoDataRecord(PackageRecord.from_index_json(index, sha256=sha256), file, f"file://{FILES}/{file}", place)


async def installed(addresses: list[str], sums: dict[str, str]) -> None:
    """Install all packages; those that are installed already stay."""
    there = [PrefixRecord.from_path(path) for path in sorted(META.glob("*.json"))]
    with TemporaryDirectory() as scratch:
        found = [(address, sums[address.rpartition("/")[2]]) for address in addresses]
        new = await asyncio.gather(*(record(address, sha256, scratch) for address, sha256 in found))
    await install(
        [*there, *new],
        target_prefix=ENVIRONMENT,
        cache_dir=Path("/opt/conda"),
        installed_packages=there,
        execute_link_scripts=True,
        show_progress=False,
        client=Client.from_config(OFFLINE),
    )


def settle(winners: list[str]) -> None:
    """Give each file that several packages have to the first of ``winners``, and restore the packages' records.

    Without a winner all of them have the same content, and rattler's choice stays.
    """
    paths = {path: json.loads(path.read_text()) for path in sorted(META.glob("*.json"))}
    by_file = {content["fn"]: content for content in paths.values()}
    settled: set[str] = set()
    for winner in winners:
        for each in by_file.get(winner, {}).get("paths_data", {}).get("paths", ()):
            target = each.get("original_path", each["_path"])
            if target not in settled and target != each["_path"]:
                (ENVIRONMENT / each["_path"]).replace(ENVIRONMENT / target)
            settled.add(target)
    for path, content in paths.items():
        if f'"{CLOBBERS}/' in json.dumps(content):
            for each in content["paths_data"]["paths"]:
                each["_path"] = each.pop("original_path", each["_path"])
            content["files"] = [each["_path"] for each in content["paths_data"]["paths"]]
            path.write_text(json.dumps(content))
    shutil.rmtree(ENVIRONMENT / CLOBBERS, ignore_errors=True)


lines = [line for line in Path(sys.argv[1]).read_text().splitlines() if line[0] not in "@#"]
sums = {file: digest for digest, file in map(str.split, Path(sys.argv[2]).read_text().splitlines())}
asyncio.run(installed([line.partition("#")[0] for line in lines], sums))
settle(sys.argv[3:])
sys.stdout.flush()
os._exit(0)  # rattler can crash while the interpreter exits
