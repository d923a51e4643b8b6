"""Channels and requests for the tests of conda."""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

from backports import zstd

from orbiter.config.read import read_image_set
from resolvers.types import CondaOptions, Group, Request, Target
from tests.support.paths import ROOT, TESTS

AMD64 = Target(platform="linux/amd64", glibc="2.41")
ARM64 = Target(platform="linux/arm64", glibc="2.36")
DATA = TESTS / "data" / "conda"
BUILD_MS = 1_700_000_000_000
ABSENT = {"altair_saver", "asciinema", "bash_kernel", "cysgp4", "sat-search"}
"""What the project's own lists ask for and the records among the tests' data do not have."""


def _own(stage: str) -> list[str]:
    """The conda list of one of the project's own stages, as far as the records reach."""
    image_set = read_image_set(ROOT / "images.toml")
    asked = next(each for each in image_set.stages if each.name == stage).requirements["conda"]
    return [each for each in asked if each not in ABSENT]


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
    """A made-up package as it stands in repodata.json."""
    number = int(build) if build.isdigit() else 0
    text = f"{name}-{version}-{build}".encode()
    hashes = {"md5": md5(text).hexdigest(), "sha256": sha256(text).hexdigest()}
    fields = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": number,
        "depends": list(depends),
    }
    return {**fields, "subdir": "noarch", "size": 1, "timestamp": BUILD_MS, **hashes, **more}


def repodata(records: Iterable[Mapping[str, Any]], subdir: str) -> bytes:
    mine = [each for each in records if each["subdir"] == subdir]
    files = {f"{each['name']}-{each['version']}-{each['build']}.conda": each for each in mine}
    whole = {
        "info": {"subdir": subdir},
        "packages": {},
        "packages.conda": files,
        "repodata_version": 1,
    }
    return json.dumps(whole).encode()


def channel(folder: Path, *records: Mapping[str, Any]) -> str:
    """A channel in a folder, by its address."""
    for subdir in ("noarch", "linux-64", "linux-aarch64"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        (folder / subdir / "repodata.json").write_bytes(repodata(records, subdir))
    return folder.as_uri()


def real_channel(folder: Path) -> str:
    """The real records as a channel in a folder, by its address."""
    for packed in DATA.glob("*/repodata.json.zst"):
        (folder / packed.parent.name).mkdir()
        (folder / packed.parent.name / "repodata.json").write_bytes(
            zstd.decompress(packed.read_bytes())
        )
    return folder.as_uri()


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """All records of a channel in a folder, by file."""
    found: dict[str, dict[str, Any]] = {}
    for index in folder.glob("*/repodata.json"):
        data = json.loads(index.read_bytes())
        for key in ("packages", "packages.conda"):
            found |= {f"{index.parent.name}/{file}": each for file, each in data[key].items()}
    return found
