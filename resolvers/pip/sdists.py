"""The build requirements (PEP 518) and the metadata (PEP 643) in an sdist on the index."""

import hashlib
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from typing import IO

from resolvers.errors import ExpectedError
from resolvers.index.routes import files_of
from resolvers.net import http
from resolvers.types.packages import Pin
from resolvers.types.tar_entry import CheckedTarInfo

DEFAULT_REQUIREMENTS = ("setuptools>=40.8.0",)
"""Build requirements of an sdist that does not declare any (PEP 518)."""


def build_requirements(pin: Pin, indexes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the build requirements in the pyproject.toml of an sdist.

    ``indexes`` maps the names of indexes in images.toml to addresses. Raises HTTPError, and
    ExpectedError if the index does not have the locked file.
    """
    build_system = tomllib.loads(_content(pin, indexes, "pyproject.toml")).get("build-system", {})
    return tuple(str(text) for text in build_system.get("requires", DEFAULT_REQUIREMENTS))


def metadata(pin: Pin, indexes: Mapping[str, str]) -> str:
    """Return the PKG-INFO of an sdist, or "" if it has none. Raises like ``build_requirements``."""
    return _content(pin, indexes, "PKG-INFO")


def _content(pin: Pin, indexes: Mapping[str, str], name: str) -> str:
    """Return the text of a file in the top folder of an sdist, or "" if it is missing."""
    with tempfile.TemporaryFile() as file:
        _download(pin, indexes, file)
        return text_in(pin.artifact.file, file, name)


def _download(pin: Pin, indexes: Mapping[str, str], file: IO[bytes]) -> None:
    """Download the file with the locked hash; several indexes may have a file of that name."""
    algorithm, _, expected = pin.artifact.hash.partition(":")
    for candidate in files_of(pin.artifact, indexes):
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


def text_in(sdist: str, file: IO[bytes], name: str) -> str:
    """Return the text of a file in the top folder of an sdist, or "" if it is missing.

    ``sdist`` is its file name. Raises ExpectedError if it is not an sdist.
    """
    try:
        if sdist.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                return _from_zip(archive, name)
        with tarfile.open(fileobj=file, tarinfo=CheckedTarInfo) as tar:
            return _from_tar(tar, name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ExpectedError(f"{sdist} is not a valid sdist: {error}") from error


def _from_zip(archive: zipfile.ZipFile, name: str) -> str:
    for path in archive.namelist():
        if _is_in_top_folder(path, name):
            return archive.read(path).decode("utf-8", "replace")
    return ""


def _from_tar(tar: tarfile.TarFile, name: str) -> str:
    for member in tar:
        if _is_in_top_folder(member.name, name) and (content := tar.extractfile(member)):
            return content.read().decode("utf-8", "replace")
    return ""


def _is_in_top_folder(path: str, name: str) -> bool:
    # An sdist has one top folder. Files of the same name further below belong to tests.
    return path.removeprefix("./").split("/")[1:] == [name]
