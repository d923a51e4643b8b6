"""Detection of the format of a lock file by its content, never by its name.

The readers in this package accept every version of a format, from any tool, and report errors with
their line. Those in resolvers/ read only what Orbiter itself writes, with markers and URLs that a
comparison does not need. So both exist.
"""

import re

from orbiter.lockfiles import document, requirements
from orbiter.lockfiles.origins import with_foreign_sources
from orbiter.lockfiles.other_files import other_file_error
from orbiter.lockfiles.types import FormatReader, Lock
from resolvers.errors import ExpectedError

SUPPORTED = (
    "Orbiter reads conda-lock.yml, explicit conda files, pixi.lock, mamba's JSON, poetry.lock, "
    "uv.lock, pylock.toml, pdm.lock, Pipfile.lock, requirements.txt, the output of pip freeze and "
    "conda list, package-lock.json, yarn.lock, pnpm-lock.yaml, Cargo.lock, renv.lock, and its own "
    "lock sets (name the release or the folder)"
)

PATH = re.compile(r"(?!/$)[\w.@+/-]*(?:/[\w.@+-]+|\.(?:ya?ml|lock|json|toml|txt))")
MAX_PATH = 4096


def read(name: str, content: bytes) -> Lock:
    """Read a lock file of any format.

    Raises ExpectedError if it is of an unknown format, invalid, or too new.
    """
    text = decode(name, content)
    return with_foreign_sources(find_reader(name, text).read(name, text))


def decode(name: str, content: bytes) -> str:
    """Decode a lock file. Raises ExpectedError if it is empty, a link, or not text."""
    text = document.decode_text(name, content)
    if not text.strip():
        raise ExpectedError(f"{name}: the file is empty", document.DAMAGED)
    if len(text) < MAX_PATH and PATH.fullmatch(text):
        # git stores a symbolic link as a file that contains its target.
        raise ExpectedError(f"{name}: the file is a symbolic link to {text}", "name that file")
    return text


def find_reader(name: str, text: str) -> FormatReader:
    """Return the reader of a text. Raises ExpectedError if the format is unknown."""
    for reader in _readers():
        if reader.recognises(text):
            return reader
    if error := other_file_error(name, text):
        raise error
    # A requirements.txt has no mark, so its reader is the last.
    if requirements.recognises(text):
        return requirements
    raise ExpectedError(f"{name}: unknown lock file format", SUPPORTED)


def _readers() -> tuple[FormatReader, ...]:
    """Return the readers of all formats with a mark, the fastest first."""
    from orbiter.lockfiles import (
        cargo_lock,
        conda_list,
        conda_lock,
        explicit,
        mamba,
        package_lock,
        pdm_lock,
        pipfile_lock,
        pixi,
        pnpm_lock,
        poetry,
        pylock,
        renv_lock,
        uv,
        yarn_berry,
        yarn_v1,
    )

    json_readers = (package_lock, mamba, pipfile_lock, renv_lock)
    yaml_readers = (conda_lock, pixi, yarn_berry, pnpm_lock)
    toml_readers = (uv, poetry, pdm_lock, pylock, cargo_lock)
    return *json_readers, *yaml_readers, *toml_readers, explicit, yarn_v1, conda_list
