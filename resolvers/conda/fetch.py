"""Fetching conda packages with rattler, which knows this machine's credentials, mirrors, proxies and certificates."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from resolvers.conda.channels import expanded, in_one_line
from resolvers.conda.client import configured
from resolvers.errors import ExpectedError
from resolvers.net import http

if TYPE_CHECKING:
    from rattler import Client

CHUNK = 1 << 20
STATUS = re.compile(r"\(([45]\d\d) ")


@contextmanager
def opened(url: str, _headers: Mapping[str, str] = {}) -> Iterator[http.Stream]:
    """The bytes of a package at an address of conda-lock.yml; whole, whatever range is asked for.

    Raises HTTPError, and ExpectedError where a variable of the address is not set.
    """
    address = expanded(url)
    if address.startswith("file:"):
        with http.stream(address) as stream:
            yield stream
        return
    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder:
        path = Path(folder, "package")
        asyncio.run(_download(url, address, path))
        with path.open("rb") as file:
            size = {"content-length": str(path.stat().st_size)}
            yield http.Stream(200, url, size, iter(lambda: file.read(CHUNK), b""))


async def _download(url: str, address: str, path: Path) -> None:
    from rattler.package_streaming import download_to_path

    try:
        await download_to_path(_client(), address, path)
    except Exception as error:  # what rattler raises has no base class of its own
        words = in_one_line(str(error).replace(address, url))
        found = STATUS.search(words)
        raise http.HTTPError(
            f"{url}: {words}", "is the channel there?", status=int(found[1]) if found else 0
        ) from None


@cache
def _client() -> "Client":
    return configured()[1]


def unpack_program(package: Path, name: str, target: Path) -> None:
    """Write ``bin/<name>`` of a conda package to ``target``, executable. Raises ExpectedError where it has none."""
    from rattler.package_streaming import extract

    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder:
        try:
            extract(package, Path(folder))
            shutil.copyfile(Path(folder, "bin", name), target)
        except Exception as error:  # what rattler raises has no base class of its own
            raise ExpectedError(
                f"{package.name} has no program bin/{name}: {error}",
                'let rattler install: installer = "rattler"',
            ) from error
    target.chmod(0o755)
