"""End the process with the right exit code, even if rattler would crash the interpreter."""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

RATTLER = "rattler.rattler"
"""rattler's native module.

After a solve, its threads may still run, and crash the interpreter while it finalizes.
"""


def run_and_exit(main: Callable[[], object]) -> None:
    """Run ``main`` and end the process with its exit code.

    If rattler was not imported, returns or raises like ``main``, and the interpreter ends as usual.
    If it was imported, the process ends without finalizing the interpreter, after the ``atexit``
    functions have run and all output is written.
    """
    try:
        main()
    except SystemExit as error:
        if RATTLER in sys.modules:
            _end_process(_exit_code(error))
        raise
    except BaseException:
        if RATTLER in sys.modules:
            sys.excepthook(*sys.exc_info())
            _end_process(1)
        raise
    if RATTLER in sys.modules:
        _end_process(0)


def _exit_code(error: SystemExit) -> int:
    """Return the exit code that Python itself would use."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201 - Python prints any other value
    return 1


def _end_process(code: int) -> NoReturn:
    _run_atexit_functions()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the stream is closed, or its reader has ended
            stream.flush()
    os._exit(code)


def _run_atexit_functions() -> None:
    # os._exit skips these functions, and atexit has no public way to run them. CPython's own tests
    # call this private function too.
    atexit._run_exitfuncs()
