"""Commands in a container that has nothing but given files, and no network."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from orbiter.docker.client import connect, sdk_errors
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo


def run_on_files(root: Path, script: str, output: str, variables: Mapping[str, str]) -> bytes:
    """Run a shell script on the files of the tar file ``root``; return a file that it wrote.

    ``output`` is its absolute path. Raises ExpectedError if no engine answers, or if the script
    fails.
    """
    with sdk_errors("checking generated files in a container"):
        image = _import(root)
        try:
            return _run(image, script, output, variables)
        finally:
            connect().images.remove(image, force=True)


def _import(root: Path) -> str:
    """Make an image of a tar file, without a name, and return its id."""
    with root.open("rb") as file:
        lines: str = connect().api.import_image_from_data(file)
    return str(json.loads(lines.strip().splitlines()[-1])["status"])


def _run(image: str, script: str, output: str, variables: Mapping[str, str]) -> bytes:
    container = connect().containers.create(
        image,
        ["/bin/sh", "-c", script],
        network_mode="none",
        environment=dict(variables),
        user="0",
        working_dir="/",
    )
    try:
        container.start()
        if container.wait()["StatusCode"]:
            raise ExpectedError("the programs that generate files failed")
        chunks, _ = container.get_archive(output)
        return _first_file(chunks)
    finally:
        container.remove(force=True, v=True)


def _first_file(chunks: Iterable[bytes]) -> bytes:
    """Return the content of the only file of a tar file."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks)), tarinfo=CheckedTarInfo) as tar:
        content = tar.extractfile(tar.getmembers()[0])
        return content.read() if content else b""
