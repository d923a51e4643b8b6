"""Programs that make byte-code in images independent of times, run in a folder."""

import importlib.util
import json
import os
import py_compile
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

TEMPLATES = ROOT / "templates/image"
SOURCE = "value = 1\n"


def compiled(folder: Path, name: str, source: str = SOURCE) -> Path:
    """Write a module and its byte-code with a time; return the path of the byte-code."""
    path = folder / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    mode = py_compile.PycInvalidationMode.TIMESTAMP
    return Path(py_compile.compile(str(path), invalidation_mode=mode, doraise=True) or "")


def mend(*paths: Path) -> None:
    command = [sys.executable, "-B", str(TEMPLATES / "byte_code.py")]
    lines = "".join(f"{path}\n" for path in paths)
    subprocess.run(command, input=lines, text=True, check=True)


def header(path: Path) -> tuple[int, bytes]:
    """Return the flags of byte-code, and its hash."""
    code = path.read_bytes()
    return int.from_bytes(code[4:8], "little"), code[8:16]


def test_a_hash_of_the_source_replaces_its_time(tmp_path: Path) -> None:
    path = compiled(tmp_path, "one")
    assert header(path)[0] == 0
    mend(path)
    assert header(path) == (1, importlib.util.source_hash(SOURCE.encode()))
    os.utime(tmp_path / "one.py", (0, 0))  # the layer's time
    script = "import one; print(one.value, one.__cached__)"
    command = [sys.executable, "-B", "-v", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"1 {path}\n"
    assert f"{path} matches" in done.stderr


def test_byte_code_of_another_text_is_removed(tmp_path: Path) -> None:
    changed, orphan, other_time = (compiled(tmp_path, name) for name in ("a", "b", "c"))
    (tmp_path / "a.py").write_text("value = 22\n")
    (tmp_path / "b.py").unlink()
    os.utime(tmp_path / "c.py", (0, 0))
    mend(changed, orphan, other_time)
    assert not any(path.exists() for path in (changed, orphan, other_time))


def test_byte_code_without_a_source_stays_and_byte_code_with_a_hash_is_unchanged(
    tmp_path: Path,
) -> None:
    alone = tmp_path / "alone.pyc"
    alone.write_bytes(compiled(tmp_path, "source").read_bytes())
    (tmp_path / "hashed.py").write_text(SOURCE)
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    hashed = Path(py_compile.compile(str(tmp_path / "hashed.py"), invalidation_mode=mode) or "")
    before = hashed.read_bytes()
    mend(alone, hashed)
    assert header(alone) == (1, bytes(8))
    assert hashed.read_bytes() == before
    script = "import alone; print(alone.value)"
    command = [sys.executable, "-B", "-c", script]
    assert subprocess.check_output(command, cwd=tmp_path, text=True) == "1\n"


def test_conda_keeps_byte_code_of_the_standard_library_only(tmp_path: Path) -> None:
    library = tmp_path / "lib/python3.12"
    kept, moved = compiled(library, "kept"), compiled(library, "moved")
    package = compiled(library / "site-packages", "package")
    (library / "moved.py").write_text('prefix = "/opt/env"\n')  # conda replaced the prefix
    names = [str(path.relative_to(tmp_path)) for path in (kept, moved, package)]
    record = tmp_path / "conda-meta/python-3.12-0.json"
    artifacts = tmp_path / "artifacts/conda/python-3.12-0.conda"
    texts = {
        record: json.dumps({"name": "python", "files": names}),
        artifacts: "",
        tmp_path / "explicit.txt": "https://channel.example/linux-64/python-3.12-0.conda#0\n",
        tmp_path / "sums.txt": "00  python-3.12-0.conda\n",
        tmp_path / "requirements.txt": "",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = (TEMPLATES / "conda_tidy.py").read_text().replace("/opt/env", str(tmp_path))
    program = program.replace("/artifacts", f"{tmp_path}/artifacts")
    words = [str(tmp_path / name) for name in ("explicit.txt", "sums.txt", "requirements.txt")]
    command = [sys.executable, "-B", "-", *words]
    for _ in range(2):  # a child stage runs the program again
        subprocess.run(command, input=program, text=True, check=True)
        assert header(kept) == (1, importlib.util.source_hash(SOURCE.encode()))
        assert not moved.exists()
        assert not package.exists()
        assert json.loads(record.read_text())["files"] == names[:1]
