"""The files that wheels install."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from resolvers import cache
from resolvers.errors import DiskError, ExpectedError
from resolvers.pip.file_lists import file_lists, files_of
from resolvers.types.packages import Artifact, Pin

RECORD = """\
pkg/__init__.py,sha256=abc,3
pkg/,,
"pkg/a,b.py",sha256=def,1
pkg-1.data/scripts/tool,sha256=s,1
pkg-1.data/data/share/x,sha256=x,1
pkg-1.data/data/lib/python3.13/site-packages/y.py,sha256=y,1
pkg-1.data/platlib/z.so,sha256=z,1
pkg-1.data/headers/h.h,sha256=h,1
pkg-1.dist-info/METADATA,sha256=m,1
pkg-1.dist-info/RECORD,,
"""
ENTRY_POINTS = """\
[console_scripts]
Run = pkg.main : run [extra]
[gui_scripts]
window=pkg:window
[other]
x = y
"""


def test_paths_are_those_in_the_environment() -> None:
    assert files_of(RECORD, ENTRY_POINTS) == {
        "site-packages/pkg/__init__.py": "sha256=abc,3",
        "site-packages/pkg/a,b.py": "sha256=def,1",
        "bin/tool": "sha256=s,1",
        "share/x": "sha256=x,1",
        "site-packages/y.py": "sha256=y,1",
        "site-packages/z.so": "sha256=z,1",
        "include/pkg/h.h": "sha256=h,1",
        "site-packages/pkg-1.dist-info/METADATA": "sha256=m,1",
        "bin/Run": "script pkg.main:run",
        "bin/window": "script pkg:window",
    }


@pytest.mark.parametrize("text", ["no section = 1", "[console_scripts\n", "\x00"])
def test_malformed_entry_points_are_ignored(text: str) -> None:
    assert files_of("a.py,sha256=x,1\n", text) == {"site-packages/a.py": "sha256=x,1"}


def wheel(folder: Path, name: str, *, record: bool = True) -> Pin:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.dist-info/METADATA", "")
        if record:
            archive.writestr(f"{name}-1.dist-info/RECORD", f"{name}.py,sha256=x,0\n")
    file = f"{name}-1-py3-none-any.whl"
    (folder / file).write_bytes(content.getvalue())
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    return Pin(
        name=name,
        version="1",
        artifact=Artifact(file=file, hash=f"sha256:{digest}", source=f"{name}/{file}"),
    )


def test_file_lists_are_read_once_and_errors_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    good, broken = wheel(links, "good"), wheel(links, "broken", record=False)
    sdist = Pin(
        name="s", version="1", artifact=Artifact(file="s-1.tar.gz", hash="sha256:0", source="s/s")
    )
    found = file_lists([good, broken, sdist])
    assert found[good] == {"site-packages/good.py": "sha256=x,0"}
    assert isinstance(found[broken], ExpectedError)
    assert sdist not in found
    (links / good.artifact.file).unlink()
    assert file_lists([good])[good] == found[good]


def test_a_full_disk_is_not_the_problem_of_one_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _content: bytes) -> None:
        raise DiskError(f"cannot write to {path}")

    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "write", refuse)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DiskError):
        file_lists([wheel(tmp_path, "only")])
