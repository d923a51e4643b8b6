"""The tar file with the files of tests for a container. Pure, except for reading them."""

import io
import tarfile
from pathlib import Path, PurePosixPath

from orbiter.config.image_tests import FOLDER, ImageTests
from resolvers.errors import ExpectedError

VOLUME = str(PurePosixPath(FOLDER).parent)
"""The folder in a container that receives the tar file."""
PROGRAM = Path(__file__).with_name("run_notebook.py")
NOTEBOOK_RUNNER = f"{VOLUME}/{PROGRAM.name}"


def pack(tests: ImageTests, root: Path) -> bytes:
    """Return a tar file with the files of an image's tests; ``root`` is their folder.

    Any user can read the files, and write to their folders.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_file(tar, NOTEBOOK_RUNNER, PROGRAM, 0o644)
        folders = {FOLDER}
        for file in tests.files:
            parents = map(str, PurePosixPath(file.target).parents)
            folders |= {parent for parent in parents if parent.startswith(f"{FOLDER}/")}
        for folder in sorted(folders):
            member = tarfile.TarInfo(_relative(folder))
            member.type, member.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(member)
        for file in tests.files:
            _add_file(tar, file.target, root / file.source, int(file.mode, 8))
    return buffer.getvalue()


def _add_file(tar: tarfile.TarFile, target: str, path: Path, mode: int) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ExpectedError(f"cannot read {path}: {error.strerror}") from error
    member = tarfile.TarInfo(_relative(target))
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))


def _relative(target: str) -> str:
    return target.removeprefix(f"{VOLUME}/")
