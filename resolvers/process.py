"""The only module that starts programs."""

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

OUTPUT_TAIL = 40
"""Number of lines of a failed program's output that its error message shows."""
GRACE_PERIOD = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class _RunningPrograms:
    """The programs that this process has started and not yet collected. Thread-safe."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[str]] = set()
        self._terminating = Event()

    def add(self, process: "subprocess.Popen[str]") -> None:
        """Add a program; terminate it if it started while all others were being terminated."""
        self._processes.add(process)
        if self._terminating.is_set():
            _terminate(process)

    def discard(self, process: "subprocess.Popen[str]") -> None:
        """Remove a program that has ended."""
        self._processes.discard(process)

    def terminate(self) -> None:
        """Terminate all programs, and those that are added later."""
        self._terminating.set()
        for process in tuple(self._processes):
            _terminate(process)


_running = _RunningPrograms()


def find(program: str, hint: str = "") -> str:
    """Return the path of a program on PATH; raises ExpectedError with the hint if it is missing."""
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
    """Run a program and return its standard output.

    ``env`` is added to this process's environment. ``on_line`` receives the lines of standard error
    as they arrive. ``undecodable`` is the error handler of ``bytes.decode`` for bytes that are not
    UTF-8. Raises ProgramError, which mentions ``name``, if the exit code is not 0. Terminates the
    program's whole process group if this process is interrupted.
    """
    process = _start(command, cwd, env, undecodable)
    _running.add(process)
    try:
        output, errors = _communicate(process, stdin, on_line)
    except BaseException:
        _terminate(process)
        raise
    finally:
        _running.discard(process)
    if process.returncode != 0:
        # Most programs explain a failure on standard error; some print it on standard output.
        raise _failure(name or Path(command[0]).name, process.returncode, errors + output)
    return output


def replace_process(command: Sequence[str | Path]) -> NoReturn:
    """Replace this process by a program, which takes over its terminal and its exit code."""
    words = [str(word) for word in command]
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores SIGPIPE, and the program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(words[0], words)


def terminate_all() -> None:
    """Terminate every program that is running or about to start.

    Programs run in sessions of their own, so Ctrl-C does not reach them.
    """
    _running.terminate()


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
        start_new_session=True,  # so that killpg reaches the programs that it starts itself
    )


def _communicate(
    process: "subprocess.Popen[str]", stdin: str | None, on_line: Callable[[str], None] | None
) -> tuple[str, str]:
    """Return standard output and standard error."""
    if on_line is None:
        return process.communicate(stdin)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    output: list[str] = []
    # Read both streams at the same time: a program blocks if one of its pipes is full.
    reader = Thread(
        target=lambda stream: output.append(stream.read()), args=(process.stdout,), daemon=True
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


def _terminate(process: "subprocess.Popen[str]") -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=GRACE_PERIOD)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _failure(name: str, code: int, output: str) -> ProgramError:
    lines = output.strip().splitlines()[-OUTPUT_TAIL:]
    tail = "\n".join(f"  {line}" for line in lines)
    return ProgramError(f"{name} failed with exit code {code}\n{tail}".rstrip(), output=output)
