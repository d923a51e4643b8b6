"""Files of wheels, by the path that an installer gives them.

Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import re
import stat
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from orbiter.audit.packages.files import LARGEST_TEXT, PackageContents, PackageFile, hash_of

SITE = "site"
"""The start of paths in the folder for Python packages; the installer knows that folder."""
DATA = re.compile(r"([^/]+)\.data/(data|headers|platlib|purelib|scripts)/(.+)")
TEXTS = re.compile(r"[^/]+\.dist-info/(?:RECORD|entry_points\.txt|WHEEL|METADATA)")
MARGIN = 1 << 16
_SCRIPT = b"#!python"
_TEMPLATES = b"The virtualenv developers"


def read_wheel(path: Path) -> PackageContents:
    """Return the files of a wheel.

    Paths begin with ``site/``, ``data/``, ``headers/`` or ``scripts/``. ``texts`` has the files of
    the .dist-info folder that determine what an installer writes, and scripts that it changes.
    """
    files: dict[str, PackageFile] = {}
    texts: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            if info.is_dir():
                continue
            name = _place(info.filename)
            mode = 0o755 if (info.external_attr >> 16) & stat.S_IXUSR else 0o644
            with wheel.open(info) as content:
                files[name] = PackageFile(
                    "file", mode, digest=hash_of(content), size=info.file_size
                )
            if _is_text(info, name):
                texts[name] = wheel.read(info)
    return PackageContents(files, {name: texts[name] for name in texts if _is_kept(name, texts)})


def read_wheel_files(path: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and the contents of some files of a wheel."""
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            name = _place(info.filename)
            if name in names:
                yield name, wheel.read(info)


def read_uv(path: Path) -> PackageContents:
    """Return the templates of the files that uv puts into a virtual environment, in one text.

    The program contains them as they are, one after the other.
    """
    with zipfile.ZipFile(path) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/scripts/uv"))
        program = wheel.read(name)
    start, end = program.find(_TEMPLATES), program.rfind(_TEMPLATES)
    return PackageContents({}, {"templates": program[max(0, start - MARGIN) : end + MARGIN]})


def _place(name: str) -> str:
    match = DATA.fullmatch(name)
    if match is None:
        return f"{SITE}/{name}"
    kind = SITE if match[2] in {"platlib", "purelib"} else match[2]
    return f"{kind}/{match[3]}"


def _is_text(info: zipfile.ZipInfo, name: str) -> bool:
    is_described = TEXTS.fullmatch(info.filename) or name.startswith("scripts/")
    return bool(is_described) and info.file_size <= LARGEST_TEXT


def _is_kept(name: str, texts: dict[str, bytes]) -> bool:
    return not name.startswith("scripts/") or texts[name].startswith(_SCRIPT)
