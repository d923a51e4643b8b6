"""Fetching conda packages with rattler.

rattler knows this machine's credentials, mirrors, proxies and certificates.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from resolvers.conda.channels import expand_variables, join_causes
from resolvers.errors import ExpectedError
from resolvers.net import http, profile
from resolvers.scratch import temporary_folder

if TYPE_CHECKING:
    from rattler import Client, Config

CHUNK = 1 << 20
RETRIES = 2
"""Retries of a failed request; rattler waits longer before each one."""
DISK_FULL = f"(os error {errno.ENOSPC})"
"""Part of rattler's error for a full disk."""
STATUS = re.compile(r"\(([45]\d\d) ")


def configured_client() -> "tuple[Config, Client]":
    """Return rattler's configuration on this machine, and an HTTP client that follows it."""
    from rattler import Channel, Client, Config

    config = Config.load_from_default_locations("rattler")
    if mirror := profile.value("mirrors.conda"):
        mirrors = {**config.mirrors, Channel("name").base_url.removesuffix("name/"): [mirror]}
        config.set("mirrors", json.dumps(mirrors))
    return config, Client.from_config(config, max_retries=RETRIES, user_agent="orbiter")


@contextmanager
def open_package(url: str, _headers: Mapping[str, str] = {}) -> Iterator[http.Stream]:
    """Stream the package at an address of conda-lock.yml; ranges are ignored.

    Raises HTTPError, and ExpectedError if a variable of the address is not set.
    """
    address = expand_variables(url)
    if address.startswith("file:"):
        with http.stream(address) as stream:
            yield stream
        return
    # The import takes a twentieth of a second.
    import asyncio

    # rattler can only download a complete package to a path.
    with temporary_folder() as folder:
        path = folder / "package"
        asyncio.run(_download(url, address, path))
        with path.open("rb") as file:
            length = {"content-length": str(path.stat().st_size)}
            yield http.Stream(HTTPStatus.OK, url, length, iter(lambda: file.read(CHUNK), b""))


async def _download(url: str, address: str, path: Path) -> None:
    from rattler.package_streaming import download_to_path

    try:
        await download_to_path(_client(), address, path)
    except Exception as error:  # rattler's exceptions have no common base class
        if DISK_FULL in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        reason = join_causes(str(error).replace(address, url))
        raise http.HTTPError(
            f"{url}: {reason}",
            "check the address, and that the channel exists",
            status=status_of(reason),
        ) from None


def status_of(reason: str) -> int:
    """Return the status of the response in the text of an error; 0 without a response."""
    match = STATUS.search(reason)
    return int(match[1]) if match else 0


@cache
def _client() -> "Client":
    return configured_client()[1]


def extract_program(package: Path, name: str, target: Path) -> None:
    """Write ``bin/<name>`` of a conda package to ``target`` and make it executable.

    Raises ExpectedError if the package does not contain it.
    """
    from rattler.package_streaming import extract

    with temporary_folder() as folder:
        try:
            extract(package, folder)
            # The target may be a hard link to another file, which must not change.
            target.unlink(missing_ok=True)
            shutil.copyfile(folder / "bin" / name, target)
        except Exception as error:  # rattler's exceptions have no common base class
            raise ExpectedError(
                f"{package.name} has no program bin/{name}: {error}",
                'let rattler install the packages: installer = "rattler"',
            ) from error
    target.chmod(0o755)
