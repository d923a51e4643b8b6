"""Install the packages of an explicit file from /artifacts/conda into /opt/env, with rattler.

Arguments: the explicit file, and a file with the SHA-256 sums of the packages.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rattler import Client, Config, PackageRecord, PrefixRecord, RepoDataRecord, install
from rattler.package_streaming import PackageArchive

ENVIRONMENT = Path("/opt/env")
META = ENVIRONMENT / "conda-meta"
FILES = Path("/artifacts/conda")
OFFLINE = Config.from_toml("tls-no-verify = true\n")
"""Nothing is downloaded, but without this rattler requires certificates, which an image may lack."""
VOLATILE = ("extracted_package_dir", "package_tarball_full_path", "link")


async def record(address: str, sha256: str, scratch: str) -> RepoDataRecord:
    """Return the record of a package whose file is in FILES."""
    place, _, file = address.rpartition("/")
    archive = await PackageArchive.from_path(FILES / file)
    index = Path(scratch, f"{file}.json")
    index.write_bytes(await archive.read_file("info/index.json") or b"")
    channel = place.rpartition("/")[0]
    return RepoDataRecord(PackageRecord.from_index_json(index, sha256=sha256), file, f"file://{FILES}/{file}", channel)


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


def remember(line: str) -> None:
    """Write the address and the hash of a package into its record, instead of the local path."""
    address, _, md5 = line.partition("#")
    path = META / (address.rpartition("/")[2].removesuffix(".conda").removesuffix(".tar.bz2") + ".json")
    content = json.loads(path.read_text())
    content = {key: value for key, value in content.items() if key not in VOLATILE} | {"url": address}
    if ":" not in md5:
        content["md5"] = md5
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


lines = [line for line in Path(sys.argv[1]).read_text().splitlines() if line[0] not in "@#"]
sums = {file: digest for digest, file in map(str.split, Path(sys.argv[2]).read_text().splitlines())}
asyncio.run(installed([line.partition("#")[0] for line in lines], sums))
for each in lines:
    remember(each)
sys.stdout.flush()
os._exit(0)  # rattler can crash while the interpreter exits
