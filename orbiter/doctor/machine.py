"""Checks of the Docker engine and of the disks of this machine."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orbiter.docker import buildx, client
from orbiter.docker.bake_definition import version_numbers
from orbiter.doctor.check import Asks
from orbiter.doctor.result import Outcome, failed, ok, skipped, warning
from orbiter.sizes import format_size
from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.scratch import scratch_folder

OLDEST_BUILDX = (0, 13)
SNAPSHOTTER = "io.containerd.snapshotter.v1"
"""Type of the storage drivers that belong to the containerd image store."""
IMAGE_STORE_HINT = (
    'turn the containerd image store on: "features": {"containerd-snapshotter": true} in the '
    "daemon.json of Docker, or the setting of Docker Desktop, then restart Docker"
)
PERMISSION_HINT = (
    "add this user to the group of the socket (sudo usermod -aG docker USER) and log in again, "
    "or use a Docker engine of this user (rootless mode)"
)
EMULATION_HINT = (
    "let the Docker engine emulate the platform (QEMU with binfmt_misc: "
    "docker run --privileged --rm tonistiigi/binfmt --install all), "
    "or build on a machine of that platform"
)
NO_ENGINE = "the check of the Docker engine or of buildx failed"
ENOUGH = 10_000_000_000
"""Bytes that a few images with their packages need during a build."""
TOO_FEW = 500_000_000
"""With fewer bytes, hardly any image can be built."""
PROBE_SIZE = 1 << 16
"""Bytes that show whether a disk is full: an empty file needs no space."""


def check_engine(asks: Asks) -> Outcome:
    """Check that the Docker engine answers this user, and how it stores images."""
    address, setting = client.endpoint()
    asks(address, setting)
    try:
        engine = client.connect()
    except ExpectedError as error:
        reason = error.message.removesuffix(f" ({address}, set by {setting})")
        return failed(reason, PERMISSION_HINT if "Permission denied" in reason else error.hint)
    with client.sdk_errors("reading the version of the engine"):
        version, info = engine.version(), engine.info()
    text = f"version {version['Version']}, API {version['ApiVersion']}"
    if not has_image_store(info):
        return warning(f"{text}, without the containerd image store", IMAGE_STORE_HINT)
    return ok(f"{text}, with the containerd image store")


def has_image_store(info: Mapping[str, Any]) -> bool:
    """Return whether an engine stores images in containerd, given its answer to ``docker info``."""
    status = info.get("DriverStatus") or ()
    return any(SNAPSHOTTER in pair for pair in status)


def check_buildx(_asks: Asks) -> Outcome:
    """Check that docker has buildx, and that it is new enough."""
    try:
        version = buildx.buildx_version()
    except ExpectedError as error:
        return failed(error.message.splitlines()[0], error.hint)
    if version_numbers(version) < OLDEST_BUILDX:
        return failed(f"version {version} is too old", "install buildx 0.13 or newer")
    return ok(f"version {version}")


def check_platforms(platforms: Iterable[str]) -> Outcome:
    """Check that the engine runs these platforms, by emulation if necessary."""
    if client.unavailable_reason():
        return skipped(NO_ENGINE)
    properties = buildx.inspect_builder("")
    known = ", ".join(properties.get("platforms", ())).replace("*", "").split(", ")
    missing = [platform for platform in platforms if platform not in known]
    if missing:
        return warning(f"the Docker engine does not run {', '.join(missing)}", EMULATION_HINT)
    return ok(f"the Docker engine runs {', '.join(platforms)}")


def check_engine_disk(_asks: Asks) -> Outcome:
    """Check the free space for images, if the engine's files are on this machine."""
    try:
        folder = Path(client.data_folder())
    except ExpectedError:
        return skipped("the Docker engine does not answer")
    if client.remote_address() or not folder.exists():
        return skipped(
            f"{folder} is on the machine of the Docker engine, which does not report its disk"
        )
    hint = "remove images and build records that nobody needs: docker system df shows their sizes"
    return _free_space(folder, hint)


def check_cache(_asks: Asks) -> Outcome:
    """Check that the cache can be written, and its free space."""
    try:
        folder = cache.folder()
        with scratch_folder(folder, "doctor-", cache.CACHE_HINT) as scratch:
            (scratch / "probe").write_bytes(b"\1" * PROBE_SIZE)
    except OSError as error:  # a full or read-only disk is a DiskError
        return failed(f"{error.filename}: {error.strerror}", cache.CACHE_HINT)
    return _free_space(folder, f"free some space there, or {cache.CACHE_HINT}")


def _free_space(folder: Path, hint: str) -> Outcome:
    free = shutil.disk_usage(folder).free
    text = f"{folder}: {format_size(free)} free"
    if free < TOO_FEW:
        return failed(text, hint)
    return ok(text) if free >= ENOUGH else warning(text, hint)
