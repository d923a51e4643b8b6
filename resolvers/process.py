"""The one door for programs: everything that Orbiter starts is started here."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import NoReturn

from resolvers.errors import ExpectedError, ProgramError

_RUNNING: set["subprocess.Popen[str]"] = set()
_ending = Event()
OUTPUT_TAIL = 40
"""Lines of a failed program's output that its error message shows."""


def find(program: str, hint: str = "") -> str:
    """The path of a program on PATH; raises ExpectedError with the hint when there is none."""
    path = shutil.which(program)
    if path is None:
        raise ExpectedError(f"the program '{program}' was not found on PATH", hint)
    return path


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    on_line: Callable[[str], None] | None = None,
    name: str = "",
    undecodable: str = "replace",
) -> str:
    """Run a program to its end and give its standard output.

    ``env`` is added to this process's environment. Standard error is collected and, line by line as it
    comes, given to ``on_line``. ``undecodable`` says what becomes of bytes that are no UTF-8, in the words of
    ``bytes.decode``. Raises ProgramError, titled with ``name``, when the exit code is not 0, and
    ends the whole process group when this process is interrupted.
    """
    process = _start(command, cwd, env, undecodable)
    _RUNNING.add(process)
    if _ending.is_set():  # it was started in the moment in which all were ended
        _end(process)
    try:
        output, errors = _communicate(process, stdin, on_line)
    except BaseException:
        _end(process)
        raise
    finally:
        _RUNNING.discard(process)
    if process.returncode != 0:
        raise _failure(name or Path(command[0]).name, process.returncode, errors + output)
    return output


def become(command: Sequence[str | Path]) -> NoReturn:
    """Let a program take the place of this process: the terminal is its own, and its exit code the one that is seen."""
    words = [str(word) for word in command]
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
    os.execvp(words[0], words)


def end_all() -> None:
    """End every program that is running or about to: they have sessions of their own, which Ctrl-C does not reach."""
    _ending.set()
    for process in tuple(_RUNNING):
        _end(process)


def _start(
    command: Sequence[str | Path], cwd: Path | None, env: Mapping[str, str] | None, undecodable: str
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors=undecodable,
        start_new_session=True,
    )


def _communicate(
    process: "subprocess.Popen[str]", stdin: str | None, on_line: Callable[[str], None] | None
) -> tuple[str, str]:
    if on_line is None:
        return process.communicate(stdin)
    output: list[str] = []
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    reader = Thread(
        target=lambda out: output.append(out.read()), args=(process.stdout,), daemon=True
    )
    reader.start()
    if stdin:
        process.stdin.write(stdin)
    process.stdin.close()
    errors = []
    for line in process.stderr:
        errors.append(line)
        on_line(line.rstrip("\n"))
    reader.join()
    process.wait()
    return "".join(output), "".join(errors)


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _failure(name: str, code: int, output: str) -> ProgramError:
    lines = output.strip().splitlines()[-OUTPUT_TAIL:]
    text = "\n".join(f"  {line}" for line in lines)
    return ProgramError(f"{name} failed with exit code {code}\n{text}".rstrip(), output=output)
