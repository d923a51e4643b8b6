"""The script that removes debug symbols, on programs compiled for the test."""

import os
import resource
import shutil
import signal
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orbiter.audit.rules.stripped import difference
from tests.support.paths import ROOT

SCRIPT = ROOT / "templates/image/strip.sh"
MISSING = [name for name in ("gcc", "readelf", "strip") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")


SOURCE = r"""
#include <stdio.h>
#define NOTE ".long 8, 16, 0x100\n.asciz \"GA$\0013p1\"\n.balign 4\n.quad answer, answer + 4\n"
asm(".pushsection .gnu.build.attributes, \"\", %note\n" NOTE NOTE ".popsection");
static int half(void) { return 21; }
int answer(void) { return 2 * half(); }
int main(void) { printf("%d\n", answer()); return 0; }
"""
"""A program with equal notes, as compilers of wheels write them. strip can merge them."""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that compiles the source with options of gcc."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "a.c").write_text(SOURCE)

    def compile_source(*options: str) -> Path:
        name = f"a{'-'.join(options)}"
        subprocess.run(["gcc", *options, "-o", name, "a.c"], cwd=folder, check=True)
        return folder / name

    return compile_source


@pytest.fixture(scope="module")
def compiled(compiler: Callable[..., Path]) -> Path:
    """Return the path of a shared library with debug symbols."""
    return compiler("-g", "-shared", "-fPIC")


def strip(
    folder: Path, *lists: Path, path: str = os.environ["PATH"], largest_file: int = -1
) -> tuple[int, str]:
    """Return the exit code of the script, and what it reported."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), "debian-base-build", *map(str, lists)],
        cwd=folder,
        env={"PATH": path},
        preexec_fn=limit,
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


def has_symbols(path: Path) -> bool:
    return b".symtab" in path.read_bytes()


def dynamic_symbols(path: Path) -> str:
    command = [
        "readelf",
        "--dyn-syms",
        "--dynamic",
        "--use-dynamic",
        "--relocs",
        "--wide",
        path.name,
    ]
    return subprocess.check_output(command, cwd=path.parent, text=True)


def test_libraries_and_programs_lose_their_debug_symbols(compiled: Path, tmp_path: Path) -> None:
    modes = {"lib/a.so": 0o640, "lib/a.so.1.2": 0o644, "x.node": 0o444, "bin/a tool": 0o755}
    for name, mode in modes.items():
        assert has_debug_symbols(copy(compiled, tmp_path / name, mode))
    assert strip(tmp_path) == (0, "")
    for name, mode in modes.items():
        assert not has_debug_symbols(tmp_path / name)
        assert not has_symbols(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == modes.keys()
    program = "import ctypes; print(ctypes.CDLL('lib/a.so').answer())"
    assert subprocess.check_output(["python3", "-c", program], cwd=tmp_path) == b"42\n"
    before = {name: (tmp_path / name).read_bytes() for name in modes}
    assert strip(tmp_path) == (0, "")
    assert {name: (tmp_path / name).read_bytes() for name in modes} == before


@pytest.mark.parametrize(
    "options", [("-static",), ("-static-pie", "-fPIE"), ("-pie", "-fPIE"), ("-no-pie",)]
)
def test_programs_without_debug_symbols_lose_their_table(
    compiler: Callable[..., Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    program = copy(compiler(*options), tmp_path / "bin/answer", 0o755)
    assert has_symbols(program)
    assert not has_debug_symbols(program)
    assert strip(tmp_path) == (0, "")
    assert not has_symbols(program)
    assert subprocess.check_output([program]) == b"42\n"


def test_symbols_for_the_dynamic_linker_stay(compiled: Path, tmp_path: Path) -> None:
    library = copy(compiled, tmp_path / "a.so")
    before = dynamic_symbols(library)
    assert "answer" in before
    assert strip(tmp_path) == (0, "")
    assert not has_symbols(library)
    assert dynamic_symbols(library) == before


def test_relocations_of_the_linker_are_removed(
    compiler: Callable[..., Path], tmp_path: Path
) -> None:
    compiled = compiler("-shared", "-fPIC", "-Wl,--emit-relocs")
    library = copy(compiled, tmp_path / "a.so")
    assert b".rela.text" in library.read_bytes()
    assert strip(tmp_path) == (0, "")
    assert b".rela.text" not in library.read_bytes()
    assert dynamic_symbols(library) == dynamic_symbols(compiled).replace(compiled.name, "a.so")


def test_a_library_whose_code_was_moved_stays(compiled: Path, tmp_path: Path) -> None:
    library = tmp_path / "a.so"
    options = ["--add-section", f".note.bolt_info={SCRIPT}"]
    subprocess.run(["objcopy", *options, compiled, library], check=True)
    content = library.read_bytes()
    assert strip(tmp_path) == (0, "./a.so keeps its symbols\n")
    assert library.read_bytes() == content


def test_a_program_whose_sections_were_moved_to_its_start_stays(
    compiler: Callable[..., Path], tmp_path: Path
) -> None:
    content = bytearray(compiler("-no-pie").read_bytes())
    (table,) = struct.unpack_from("<Q", content, 32)
    size, number = struct.unpack_from("<HH", content, 54)
    starts = range(table, table + size * number, size)
    first = next(at for at in starts if struct.unpack_from("<I", content, at) == (1,))
    struct.pack_into("<I", content, first + 4, 6)  # readable and writable
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(0o755)
    assert strip(tmp_path) == (0, "./program keeps its symbols\n")
    assert program.read_bytes() == content


def test_audit_accepts_a_stripped_library(compiled: Path, tmp_path: Path) -> None:
    library = copy(compiled, tmp_path / "a.so")
    assert strip(tmp_path) == (0, "")
    assert library.stat().st_size < compiled.stat().st_size
    assert difference(compiled.read_bytes(), library.read_bytes()) == ""


def test_object_files_stay(compiler: Callable[..., Path], tmp_path: Path) -> None:
    compiled = compiler("-g", "-c")
    files = [copy(compiled, tmp_path / name, 0o755) for name in ("a.so", "module.ko")]
    assert strip(tmp_path) == (0, "")
    assert [path.read_bytes() for path in files] == [compiled.read_bytes()] * 2


def test_names_of_files_may_have_any_character(compiled: Path, tmp_path: Path) -> None:
    names = ["a b.so", " a.so", "a.so.1 ", "-a.so", "a\tb.so", "a\\n.so", "$(a)'\"`.so", "é.so"]
    names += ["\033[1m.so", "*.so", "folder /a.so", "a\nb.so"]
    for name in names:
        copy(compiled, tmp_path / name)
    os.link(tmp_path / "a b.so", tmp_path / "other\\ name ")
    os.link(tmp_path / "a b.so", tmp_path / os.fsdecode(b"\xff"))
    assert strip(tmp_path) == (0, "")
    assert [name for name in names if has_symbols(tmp_path / name)] == ["a\nb.so"]
    assert (tmp_path / "a b.so").stat().st_nlink == 3


def test_a_hard_link_whose_name_has_a_line_break_replaces_no_other_file(
    compiled: Path, tmp_path: Path
) -> None:
    library = copy(compiled, tmp_path / "a.so")
    os.link(library, tmp_path / "data\nb.so")
    (tmp_path / "data").write_text("data")
    assert strip(tmp_path) == (0, "")
    assert not has_symbols(library)
    assert (tmp_path / "data").read_text() == "data"


def test_hard_links_stay(compiled: Path, tmp_path: Path) -> None:
    library = copy(compiled, tmp_path / "lib/a.so.1")
    os.link(library, tmp_path / "a.so")
    os.link(library, tmp_path / "other name")
    assert strip(tmp_path) == (0, "")
    assert not has_debug_symbols(library)
    assert library.stat().st_nlink == 3


def test_a_library_stays_if_one_of_its_names_must_stay(compiled: Path, tmp_path: Path) -> None:
    library = copy(compiled, tmp_path / "a.so")
    (tmp_path / "numpy.libs").mkdir()
    os.link(library, tmp_path / "numpy.libs/a.so")
    assert strip(tmp_path) == (0, "")
    assert library.read_bytes() == compiled.read_bytes()
    assert library.stat().st_nlink == 2


@pytest.mark.parametrize("name", ["numpy.libs/a.so", "share/a.data"])
def test_patched_libraries_and_other_files_stay(compiled: Path, tmp_path: Path, name: str) -> None:
    library = copy(compiled, tmp_path / name)
    assert strip(tmp_path) == (0, "")
    assert library.read_bytes() == compiled.read_bytes()


def test_a_program_with_an_appended_archive_stays(compiled: Path, tmp_path: Path) -> None:
    program = copy(compiled, tmp_path / "bin/deno", 0o755)
    program.write_bytes(compiled.read_bytes() + b"archive")
    assert strip(tmp_path) == (0, "./bin/deno keeps its symbols\n")
    assert program.read_bytes().endswith(b"archive")


def test_a_library_for_another_machine_stays(compiled: Path, tmp_path: Path) -> None:
    content = bytearray(compiled.read_bytes())
    content[18:20] = (0xFEED).to_bytes(2, "little")
    library = copy(compiled, tmp_path / "a.so")
    library.write_bytes(content)
    assert strip(tmp_path) == (0, "./a.so keeps its symbols\n")
    assert library.read_bytes() == content


def test_a_damaged_library_stays_and_the_others_are_stripped(
    compiled: Path, tmp_path: Path
) -> None:
    content = bytearray(compiled.read_bytes())
    (table,) = struct.unpack_from("<Q", content, 40)
    (size,) = struct.unpack_from("<H", content, 58)
    struct.pack_into("<I", content, table + size + 40, 9999)  # a link to a section that is missing
    damaged = copy(compiled, tmp_path / "b.so")
    damaged.write_bytes(content)
    others = [copy(compiled, tmp_path / name) for name in ("a.so", "c.so")]
    code, report = strip(tmp_path)
    assert code == 0
    assert "strip: ./b.so: file format not recognized\n" in report
    assert report.endswith("./b.so keeps its symbols\n")
    assert damaged.read_bytes() == content
    assert not any(map(has_symbols, others))


def test_a_crash_of_strip_is_an_error(compiler: Callable[..., Path], tmp_path: Path) -> None:
    program = compiler("-g", "-static")
    copy(program, tmp_path / "bin/answer", 0o755)
    code, report = strip(tmp_path, largest_file=program.stat().st_size // 4)
    assert code == 1
    assert f"strip: terminated by signal {signal.SIGXFSZ}" in report


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
