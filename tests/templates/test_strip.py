"""The script that removes debug symbols, on programs compiled for the test."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SCRIPT = ROOT / "templates/image/strip.sh"
MISSING = [name for name in ("gcc", "readelf", "strip") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a shared library with debug symbols."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "a.c").write_text("int answer(void) { return 42; }\n")
    command = ["gcc", "-g", "-shared", "-fPIC", "-o", "liba.so", "a.c"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "liba.so"


def strip(folder: Path, *lists: Path, path: str = os.environ["PATH"]) -> tuple[int, str]:
    """Return the exit code of the script, and what it reported."""
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), "debian-base-build", *map(str, lists)],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def copy(library: Path, target: Path, mode: int = 0o644) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(library, target)
    target.chmod(mode)
    return target


def has_debug_symbols(path: Path) -> bool:
    return b".debug_info" in path.read_bytes()


def test_libraries_and_programs_lose_their_debug_symbols(compiled: Path, tmp_path: Path) -> None:
    modes = {"lib/a.so": 0o640, "lib/a.so.1.2": 0o644, "x.node": 0o444, "bin/a tool": 0o755}
    for name, mode in modes.items():
        assert has_debug_symbols(copy(compiled, tmp_path / name, mode))
    assert strip(tmp_path) == (0, "")
    for name, mode in modes.items():
        assert not has_debug_symbols(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == modes.keys()
    program = "import ctypes; print(ctypes.CDLL('lib/a.so').answer())"
    assert subprocess.check_output(["python3", "-c", program], cwd=tmp_path) == b"42\n"
    before = {name: (tmp_path / name).read_bytes() for name in modes}
    assert strip(tmp_path) == (0, "")
    assert {name: (tmp_path / name).read_bytes() for name in modes} == before


def test_hard_links_stay(compiled: Path, tmp_path: Path) -> None:
    library = copy(compiled, tmp_path / "lib/a.so.1")
    os.link(library, tmp_path / "a.so")
    os.link(library, tmp_path / "other name")
    assert strip(tmp_path) == (0, "")
    assert not has_debug_symbols(library)
    assert library.stat().st_nlink == 3


@pytest.mark.parametrize("name", ["numpy.libs/a.so", "share/a.data"])
def test_patched_libraries_and_other_files_stay(compiled: Path, tmp_path: Path, name: str) -> None:
    library = copy(compiled, tmp_path / name)
    assert strip(tmp_path) == (0, "")
    assert library.read_bytes() == compiled.read_bytes()


def test_a_program_with_an_appended_archive_stays(compiled: Path, tmp_path: Path) -> None:
    program = copy(compiled, tmp_path / "bin/deno", 0o755)
    program.write_bytes(compiled.read_bytes() + b"archive")
    assert strip(tmp_path) == (0, "./bin/deno keeps its debug symbols\n")
    assert program.read_bytes().endswith(b"archive")


def test_a_library_for_another_machine_stays(compiled: Path, tmp_path: Path) -> None:
    content = bytearray(compiled.read_bytes())
    content[18:20] = (0xFEED).to_bytes(2, "little")
    library = copy(compiled, tmp_path / "a.so")
    library.write_bytes(content)
    code, report = strip(tmp_path)
    assert code == 0
    assert report.endswith("./a.so keeps its debug symbols\n")
    assert library.read_bytes() == content


def test_own_files_and_downloads_stay(compiled: Path, tmp_path: Path) -> None:
    root = tmp_path / "env"
    kept = [copy(compiled, root / name, 0o755) for name in ("bin/a tool", "app/lib/a.so")]
    others = [copy(compiled, root / name, 0o755) for name in ("bin/a tool 2", "app2/a.so")]
    lists = (tmp_path / "files.txt", tmp_path / "downloads.txt")
    lists[0].write_text(f"755 0:0 /lock/files/00 {root}/bin/a tool\n")
    lists[1].write_text(f"tar 0:0 /artifacts/downloads/00.tar {root}/app\n")
    assert strip(root, *lists) == (0, "")
    assert [has_debug_symbols(path) for path in (*kept, *others)] == [True, True, False, False]


def test_a_missing_program_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    code, report = strip(tmp_path, path=str(tmp_path))
    assert code == 127
    assert '"debug-symbols" in trim needs it' in report
    assert "hint: add binutils to the packages of debian-base-build" in report
