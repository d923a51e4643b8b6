"""The files that conda packages install, from a channel in a folder."""

import hashlib
from pathlib import Path

import pytest

from resolvers import cache
from resolvers.conda.file_lists import file_lists, files_of
from resolvers.errors import DiskError, ExpectedError
from resolvers.types.packages import Artifact, Pin
from tests.support.conda_packages import CondaPackage, package


def pin(each: CondaPackage, folder: Path) -> Pin:
    artifact = Artifact(
        file=each.file,
        hash=f"sha256:{each.record['sha256']}",
        source=(folder / each.file).as_uri(),
    )
    return Pin(name=each.record["name"], version="1", artifact=artifact)


def test_a_package_for_every_python_installs_scripts() -> None:
    paths = {
        "paths": [
            {"_path": "site-packages/a.py", "path_type": "hardlink", "sha256": "1"},
            {"_path": "python-scripts/tool", "path_type": "hardlink", "sha256": "2"},
            {"_path": "lib/python3.12/site-packages/b.py", "path_type": "hardlink", "sha256": "3"},
            {"_path": "empty", "path_type": "directory"},
            {"_path": "link", "path_type": "softlink"},
        ]
    }
    link = {"noarch": {"type": "python", "entry_points": ["run = a:main"]}}
    assert files_of(paths, link) == {
        "site-packages/a.py": "1",
        "bin/tool": "2",
        "site-packages/b.py": "3",
        "link": "softlink",
        "bin/run": "script a:main",
    }


def test_file_lists_are_read_once_and_errors_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    good = package("good", "1", {"share/x": "x", "site-packages/y.py": "y"})
    missing = package("missing", "1", {"share/x": "y"})
    (tmp_path / good.file).write_bytes(good.content)
    pins = [pin(good, tmp_path), pin(missing, tmp_path)]
    found = file_lists(pins)
    assert found[pins[0]] == {
        "share/x": hashlib.sha256(b"x").hexdigest(),
        "site-packages/y.py": hashlib.sha256(b"y").hexdigest(),
    }
    assert isinstance(found[pins[1]], ExpectedError)
    (tmp_path / good.file).unlink()
    assert file_lists(pins[:1])[pins[0]] == found[pins[0]]


def test_a_full_disk_is_not_the_problem_of_one_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _content: bytes) -> None:
        raise DiskError(f"cannot write to {path}")

    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "write", refuse)
    only = package("only", "1", {"share/x": "x"})
    (tmp_path / only.file).write_bytes(only.content)
    with pytest.raises(DiskError):
        file_lists([pin(only, tmp_path)])
