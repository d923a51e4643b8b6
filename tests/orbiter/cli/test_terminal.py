"""Lines of errors, warnings and reports: wrapped on a terminal, whole in a pipe."""

import ast
import subprocess
import sys
from pathlib import Path

import orbiter.cli
from tests.support.terminal import COLUMNS, lines_of, on_a_terminal, screen_of

ADDRESS = "https://example.org/" + "a-long-path/" * 8
PROGRAM = f"""
from orbiter.cli.errors import fail, warn
from resolvers.errors import ExpectedError

warn("it is late, " * 12, "go to sleep at {ADDRESS}")
fail(ExpectedError("there is a mistake:\\n    " + "in a long-hyphenated-word " * 7, "look " * 30))
"""
CLI = Path(orbiter.cli.__file__).parent


def test_errors_and_warnings_fit_a_terminal_and_break_no_word() -> None:
    lines = lines_of(on_a_terminal("-c", PROGRAM, code=2))
    with_address = [line for line in lines if ADDRESS in line]
    assert len(with_address) == 1
    others = [line for line in lines if line not in with_address]
    assert max(map(len, others)) <= COLUMNS
    assert " ".join(" ".join(lines).split()).count("in a long-hyphenated-word") == 7
    assert {line[:1] for line in others if line} == {" ", "w", "e", "h"}


def test_continued_lines_are_indented_more_than_their_first() -> None:
    lines = lines_of(on_a_terminal("-c", PROGRAM, code=2))
    mistake = lines.index("error: there is a mistake:")
    assert lines[mistake + 1].startswith("    in a")
    assert lines[mistake + 2].startswith("      long")


ROW = ("debian-base-0.1.0", f"sha256:{'0' * 64}", "105.2 MB")
PRINT_ROW = f"from orbiter.cli.terminal import print_row; print_row(*{ROW})"


def test_cells_of_a_row_are_never_broken() -> None:
    first, *others = ROW
    assert screen_of(on_a_terminal("-c", PRINT_ROW)) == [first, *(f"  {cell}" for cell in others)]
    short = PRINT_ROW.replace("0" * 64, "0")
    assert screen_of(on_a_terminal("-c", short)) == ["debian-base-0.1.0  sha256:0  105.2 MB"]
    piped = subprocess.run([sys.executable, "-c", PRINT_ROW], capture_output=True, check=True)
    assert piped.stdout.decode() == "  ".join(ROW) + "\n"


def test_lines_stay_whole_in_a_pipe() -> None:
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"    hint: go to sleep at {ADDRESS}\n" in result.stderr
    assert f"hint: {'look ' * 30}\n" in result.stderr


def test_an_error_of_a_command_fits_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("attrs\n")
    (tmp_path / "images.toml").write_text("")
    shown = on_a_terminal("-m", "orbiter", "import", "requirements.txt", folder=tmp_path, code=2)
    lines = lines_of(shown)
    assert max(map(len, lines)) <= COLUMNS
    assert any(line.startswith("  ") for line in lines)


def test_commands_write_lines_to_stderr_through_the_terminal_module() -> None:
    faults = []
    for path in CLI.glob("*.py"):
        if path.stem == "terminal":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            is_echo = ast.unparse(call.func) == "click.echo" and bool(call.args)
            if is_echo and keywords.get("err") == "True":
                faults.append(f"{path.name}:{call.lineno}")
    assert not faults
