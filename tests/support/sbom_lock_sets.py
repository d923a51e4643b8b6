"""Lock sets of managers that the releases in locks/ do not use, and the real releases."""

from functools import cache
from pathlib import Path

from orbiter.config import read, snapshot
from orbiter.config.image_set import ImageSet
from orbiter.lockset import folder, model
from orbiter.lockset.downloads import LockedDownload, format_downloads
from orbiter.lockset.inputs import LOCK_FILES, inputs_digest
from orbiter.lockset.model import BuilderFacts, Installer, LockSet, Manifest
from resolvers.apk import lock_file as apk
from resolvers.apk.lock_file import ApkLock, ApkPackage, ApkPlatform
from resolvers.conda.channels import Channel
from resolvers.conda.lock_file import LOCK_FILE, CondaEntry, CondaLock, FileHashes, format_lock
from resolvers.distro.lock_text import LockedGroup
from resolvers.types.packages import Artifact, Pin
from tests.support.paths import ROOT

IMAGES = """\
version = "0.1.0"
repository = "registry.example.org/lab/images"
maintainer = "The Lab"
source = "https://example.org/lab/images"
platforms = ["linux/amd64", "linux/arm64"]
[builder.alpine]
from = "alpine:3.23"
[image.alpine.core]
apk = ["busybox"]
downloads = [{ url = "https://example.org/data.csv?v=2", to = "/opt/data.csv" }]
network = true
postbuild = ["true"]
[builder.micromamba]
from = "debian:trixie-slim"
keep-installer = true
[image.micromamba.core]
[image.micromamba.base]
from = "core"
[image.micromamba.base.build]
conda = ["python"]
files = { "own.txt" = "/opt/env/own.txt", "other.txt" = "/srv/other.txt" }
"""
PLATFORMS = ("linux/amd64", "linux/arm64")
CHANNEL = "https://conda.anaconda.org/conda-forge"
DIGEST = f"sha256:{'0' * 63}1"


@cache
def release(version: str) -> LockSet:
    """Return a release of this repository."""
    return folder.read(ROOT / "locks" / version)


def _apk_lock() -> dict[str, str]:
    packages = tuple(
        ApkPackage(
            name=name,
            version="1.37.0-r30",
            architecture=architecture,
            platforms=(platform,),
            groups=("alpine-core",),
            file=f"v3.23/main/{architecture}/{name}-1.37.0-r30.apk",
            size=1,
            checksum="Q1",
            sha256=f"{number}{len(name)}".ljust(64, "0"),
            origin="busybox",
            license="GPL-2.0-only",
            requires=requires,
        )
        for number, (platform, architecture) in enumerate(
            zip(PLATFORMS, ("x86_64", "aarch64"), strict=True)
        )
        for name, requires in (("busybox", ()), ("busybox-binsh", ("busybox",)))
    )
    group = LockedGroup(requirements=("busybox",))
    platforms = {platform: ApkPlatform(apk="3.0.1") for platform in PLATFORMS}
    lock = ApkLock(format=1, platforms=platforms, groups={"alpine-core": group}, package=packages)
    return dict(apk.write(lock))


def conda_entry(name: str, subdir: str, file: str, sha256: str, **requires: str) -> CondaEntry:
    """Return an entry of the lock; ``file`` has the version and the build too."""
    return CondaEntry(
        name=name,
        version=file.removeprefix(f"{name}-").partition("-")[0],
        platform=subdir,
        dependencies=requires,
        url=f"{CHANNEL}/{subdir}/{file}",
        hash=FileHashes(sha256=sha256),
        category="micromamba-base-build",
    )


def _conda_lock() -> dict[str, str]:
    entries = []
    for number, subdir in enumerate(("linux-64", "linux-aarch64")):
        digest = str(number).ljust(64, "a")
        file = "python-3.12.11-h9e4cc4f_0_cpython.conda"
        entries.append(conda_entry("python", subdir, file, digest, tzdata=""))
        shared = "b" * 64
        entries.append(conda_entry("tzdata", subdir, "tzdata-2025b-h78e105d_0.conda", shared))
    hashes = {"linux-64": "c" * 64, "linux-aarch64": "d" * 64}
    lock = CondaLock(
        channels=(Channel(url="conda-forge"),), content_hashes=hashes, entries=tuple(entries)
    )
    files = {"environment.yml": "", "virtual-packages.yml": ""}
    return {**files, LOCK_FILE: format_lock(lock)}


def mixed(project: Path) -> LockSet:
    """Return a lock set for two platforms with packages of apk and conda, and files."""
    (project / "images.toml").write_text(IMAGES)
    for name in ("own.txt", "other.txt"):
        (project / name).write_text("own\n")
    image_set = read.read_image_set(project / "images.toml")
    download = LockedDownload(
        url="https://example.org/data.csv?v=2", platforms=PLATFORMS, sha256="e" * 64, size=3
    )
    locks = {
        "alpine": {**_apk_lock(), **format_downloads([download])},
        "micromamba": _conda_lock(),
    }
    bases = {
        builder.base: dict.fromkeys(PLATFORMS, DIGEST) for builder in image_set.builders.values()
    }
    artifact = Artifact(
        file="micromamba-2.3.2-0.tar.bz2",
        hash=f"sha256:{'f' * 64}",
        source=f"{CHANNEL}/linux-64/micromamba-2.3.2-0.tar.bz2",
    )
    pin = Pin(name="micromamba", version="2.3.2", artifact=artifact)
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-01-01T00:00:00Z",
        source_date_epoch=1767225600,
        bases=bases,
        builders={name: _facts(image_set, name, bases) for name in image_set.builders},
        installers=(Installer(platform="linux/amd64", pin=pin),),
    )
    files = {f"{name}/{path}": text for name, lock in locks.items() for path, text in lock.items()}
    return model.seal(manifest, {**files, model.SNAPSHOT: snapshot.dump(image_set)})


def _facts(image_set: ImageSet, name: str, bases: dict[str, dict[str, str]]) -> BuilderFacts:
    builder = image_set.builders[name]
    digests = {
        manager: digest
        for manager in LOCK_FILES
        if (
            digest := inputs_digest(
                image_set, builder, manager, BuilderFacts(), bases[builder.base]
            )
        )
    }
    return BuilderFacts(inputs=digests)
