"""Channels and requests for the tests of conda."""

import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

from orbiter.config.read import read_image_set
from resolvers.types.options import CondaOptions
from resolvers.types.request import Group, Request, Target
from tests.support.paths import ROOT, TESTS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AMD64 = Target(platform="linux/amd64", glibc="2.41")
ARM64 = Target(platform="linux/arm64", glibc="2.36")
DATA = TESTS / "data" / "conda"
BUILD_MS = 1_700_000_000_000
ABSENT = {"altair_saver", "asciinema", "bash_kernel", "cysgp4", "sat-search"}
"""Packages of the project's own lists that the records in the tests' data lack."""


def _own(name: str) -> list[str]:
    """Return the conda list of one of the project's own stages, without absent packages."""
    image_set = read_image_set(ROOT / "images.toml")
    stages = {stage.name: stage for stage in image_set.stages}
    requirements = stages[name].requirements["conda"]
    return [requirement for requirement in requirements if requirement not in ABSENT]


BASE = _own("micromamba-base-build")
GEOSPATIAL = _own("micromamba-geospatial-build")


def base(*requirements: str) -> Group:
    return Group(name="micromamba-base-build", requirements=requirements)


def geo(*requirements: str) -> Group:
    return Group(
        name="micromamba-geo-build", requirements=requirements, parents=("micromamba-base-build",)
    )


def request(
    channel: str,
    *groups: Group,
    targets: tuple[Target, ...] = (AMD64,),
    progress: Callable[[str], None] = lambda _line: None,
    **more: Any,
) -> Request:
    more.setdefault("conda", CondaOptions(channels=(channel,)))
    return Request(groups=groups, targets=targets, progress=progress, **more)


def record(name: str, version: str, *depends: str, build: str = "0", **more: Any) -> dict[str, Any]:
    """Return the record of a made-up package in repodata.json."""
    number = int(build) if build.isdigit() else 0
    text = f"{name}-{version}-{build}".encode()
    hashes = {"md5": md5(text).hexdigest(), "sha256": sha256(text).hexdigest()}
    return {
        "name": name,
        "version": version,
        "build": build,
        "build_number": number,
        "depends": list(depends),
        "subdir": "noarch",
        "size": 1,
        "timestamp": BUILD_MS,
        **hashes,
        **more,
    }


def repodata(records: Iterable[Mapping[str, Any]], subdir: str) -> bytes:
    files = {_file(record): record for record in records if record["subdir"] == subdir}
    index = {
        "info": {"subdir": subdir},
        "packages": {},
        "packages.conda": files,
        "repodata_version": 1,
    }
    return json.dumps(index).encode()


def channel(folder: Path, *records: Mapping[str, Any]) -> str:
    """Write a channel into a folder, and return its URL; its packages install no files."""
    for subdir in ("noarch", "linux-64", "linux-aarch64"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        (folder / subdir / "repodata.json").write_bytes(repodata(records, subdir))
    for entry in records:
        (folder / entry["subdir"] / _file(entry)).write_bytes(_empty_package(_file(entry)))
    return folder.as_uri()


def _file(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}-{entry['version']}-{entry['build']}.conda"


def _empty_package(file: str) -> bytes:
    """Return a .conda file with the list of its files, which is empty."""
    paths = json.dumps({"paths_version": 1, "paths": []}).encode()
    stem = file.removesuffix(".conda")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{stem}.tar.zst", zstd.compress(_tar({})))
        archive.writestr(f"info-{stem}.tar.zst", zstd.compress(_tar({"info/paths.json": paths})))
    return content.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def real_channel(folder: Path, data: Path = DATA) -> str:
    """Write a channel with real records into a folder, and return its URL."""
    for compressed in data.glob("*/repodata.json.zst"):
        subdir = folder / compressed.parent.name
        subdir.mkdir()
        (subdir / "repodata.json").write_bytes(zstd.decompress(compressed.read_bytes()))
    return folder.as_uri()


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return all records of a channel in a folder, with their files as keys."""
    result: dict[str, dict[str, Any]] = {}
    for index in folder.glob("*/repodata.json"):
        data = json.loads(index.read_bytes())
        for key in ("packages", "packages.conda"):
            result |= {f"{index.parent.name}/{file}": entry for file, entry in data[key].items()}
    return result
