"""The only module that starts programs."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from socket import socket
from threading import Lock, Thread
from typing import NoReturn

from resolvers.errors import ExpectedError, ProgramError
from resolvers.redaction import program_line

OUTPUT_TAIL = 40
"""Number of lines of a failed program's output that its error message shows."""
GRACE_PERIOD = 5.0
"""Seconds between SIGTERM and SIGKILL."""
POLL_INTERVAL = 0.02
"""Seconds between two checks whether terminated programs have ended."""

_logger = logging.getLogger(__name__)


GUARD = """
while read -r action group; do
  others=
  for known in $groups; do [ "$known" = "$group" ] || others="$others $known"; done
  groups=$others
  [ "$action" = ended ] || groups="$groups $group"
done
for group in $groups; do kill -s TERM -- "-$group"; done
"""
"""Shell script that terminates the programs of a process that was killed with SIGKILL.

It reads the process groups of programs that started and ended, until its input closes.
"""


class _RunningPrograms:
    """The programs that this process has started and not yet collected. Thread-safe."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[str]] = set()
        self._terminating = False
        self._guard: subprocess.Popen[bytes] | None = None
        self._guard_lock = Lock()

    def prepare(self) -> None:
        """Start the guard, which ends the programs if this process is killed."""
        with self._guard_lock:
            self._guard = self._guard or _start_guard()

    def add(self, process: "subprocess.Popen[str]") -> None:
        """Add a program; terminate it if it started while all others were being terminated."""
        self._processes.add(process)
        self._tell_guard("started", process)
        if self._terminating:
            _terminate([process])

    def discard(self, process: "subprocess.Popen[str]") -> None:
        """Remove a program that has ended."""
        self._processes.discard(process)
        self._tell_guard("ended", process)

    def terminate(self) -> Thread:
        """Terminate all programs, and those that are added later; the thread ends with them."""
        self._terminating = True
        # A signal handler must not wait: the code that it interrupted may hold a lock.
        thread = Thread(target=_terminate, args=(tuple(self._processes),), daemon=True)
        thread.start()
        return thread

    def _tell_guard(self, action: str, process: "subprocess.Popen[str]") -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        with self._guard_lock, suppress(OSError):  # somebody may have killed the guard
            self._guard.stdin.write(f"{action} {process.pid}\n".encode())


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
    _logger.info("%s", program_line(command))
    _running.prepare()
    process = _start(command, cwd, env, undecodable)
    _running.add(process)
    try:
        output, errors = _communicate(process, stdin, on_line)
    except BaseException:
        _terminate([process])
        process.wait()
        raise
    finally:
        _running.discard(process)
    if process.returncode != 0:
        # Most programs explain a failure on standard error; some print it on standard output.
        raise _failure(name or Path(command[0]).name, process.returncode, errors + output)
    return output


def serve(command: Sequence[str], connection: socket, errors: Path) -> None:
    """Start a program whose standard input and output are a connection, and do not wait for it.

    The program ends when the other side closes the connection, which the end of this process also
    does. So signals do not end it, and code that cleans up after a signal can use the connection.
    ``errors`` is the file to which standard error is added.
    """
    _logger.info("%s", program_line(command))
    with errors.open("ab") as file:
        # It runs in a session of its own, so Ctrl-C does not reach it.
        program = subprocess.Popen(
            command,
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            stderr=file,
            start_new_session=True,
        )
    Thread(target=program.wait, daemon=True).start()


def replace_process(command: Sequence[str | Path]) -> NoReturn:
    """Replace this process by a program, which takes over its terminal and its exit code."""
    _logger.info("%s", program_line(command))
    words = [str(word) for word in command]
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores SIGPIPE, and the program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(words[0], words)


def terminate_all() -> Thread:
    """Terminate every program that is running or about to start, without waiting for them.

    Programs run in sessions of their own, so Ctrl-C does not reach them. The returned thread ends
    when all of them have ended.
    """
    return _running.terminate()


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


def _start_guard() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["/bin/sh", "-c", GUARD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # it must read each line at once
        start_new_session=True,
    )


def _terminate(processes: "Sequence[subprocess.Popen[str]]") -> None:
    """End programs with everything that they started: by SIGKILL after the grace period."""
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_PERIOD
    while any(map(_is_running, processes)) and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL)
    for process in processes:
        _signal_group(process, signal.SIGKILL)


def _is_running(process: "subprocess.Popen[str]") -> bool:
    """Return whether a program or another process of its group runs."""
    process.poll()  # a process that nobody has waited for still counts as a member of its group
    return _signal_group(process, 0)


def _signal_group(process: "subprocess.Popen[str]", number: int) -> bool:
    """Send a signal to the process group of a program; return False if it has ended."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _failure(name: str, code: int, output: str) -> ProgramError:
    lines = output.strip().splitlines()[-OUTPUT_TAIL:]
    tail = "\n".join(f"  {line}" for line in lines)
    return ProgramError(f"{name} failed with exit code {code}\n{tail}".rstrip(), output=output)
