"""The build requirements in an sdist on the index (PEP 518)."""

import hashlib
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from typing import IO

from resolvers.errors import ExpectedError
from resolvers.index.routes import locked_project_files
from resolvers.net import http
from resolvers.types import Pin

DEFAULT_REQUIREMENTS = ("setuptools>=40.8.0",)
"""Build requirements of an sdist that does not declare any (PEP 518)."""


def build_requirements(pin: Pin, indexes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the build requirements in the pyproject.toml of an sdist.

    ``indexes`` maps the names of indexes in images.toml to addresses. Raises HTTPError, and
    ExpectedError if the index does not have the locked file.
    """
    with tempfile.TemporaryFile() as file:
        _download(pin, indexes, file)
        text = _pyproject_toml(pin.artifact.file, file)
    build_system = tomllib.loads(text).get("build-system", {})
    return tuple(str(text) for text in build_system.get("requires", DEFAULT_REQUIREMENTS))


def _download(pin: Pin, indexes: Mapping[str, str], file: IO[bytes]) -> None:
    """Download the file with the locked hash; several indexes may have a file of that name."""
    algorithm, _, expected = pin.artifact.hash.partition(":")
    for candidate in locked_project_files(pin.artifact.source, indexes):
        if candidate.name != pin.artifact.file:
            continue
        digest = hashlib.new(algorithm)
        file.seek(0)
        file.truncate()
        with http.stream(candidate.url) as stream:
            for chunk in stream.chunks:
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() == expected:
            file.seek(0)
            return
    raise ExpectedError(
        f"the index has no {pin.artifact.file} with the locked hash ({pin.artifact.hash})",
        f"upgrade {pin.name} to another version, or ask the operator of the index why the file "
        "changed",
    )


def _pyproject_toml(sdist: str, file: IO[bytes]) -> str:
    """Return the text of an sdist's pyproject.toml, or "" if it has none."""
    try:
        if sdist.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                return _from_zip(archive)
        with tarfile.open(fileobj=file) as tar:
            return _from_tar(tar)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ExpectedError(f"{sdist} is not a valid sdist: {error}") from error


def _from_zip(archive: zipfile.ZipFile) -> str:
    for name in archive.namelist():
        if _is_pyproject_toml(name):
            return archive.read(name).decode()
    return ""


def _from_tar(tar: tarfile.TarFile) -> str:
    for member in tar:
        if _is_pyproject_toml(member.name) and (content := tar.extractfile(member)):
            return content.read().decode()
    return ""


def _is_pyproject_toml(path: str) -> bool:
    # An sdist has one top folder. Files of the same name further below belong to tests.
    return path.removeprefix("./").split("/")[1:] == ["pyproject.toml"]
