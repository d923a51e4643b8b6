"""How the process ends: with the right exit code, whatever a library does while the interpreter is taken down."""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

RATTLER = "rattler.rattler"
"""The module that is native code: once it solved, threads of it may still run, and crash an interpreter that ends."""


def surely(main: Callable[[], object]) -> None:
    """Run ``main`` and end the process with its exit code; returns, or raises, only where rattler was not used.

    The interpreter is not taken down then: what was registered with ``atexit`` runs, all output is written, and the
    system ends the process.
    """
    try:
        main()
    except SystemExit as error:
        if RATTLER in sys.modules:
            _end(_code(error))
        raise
    except BaseException:
        if RATTLER in sys.modules:
            sys.excepthook(*sys.exc_info())
            _end(1)
        raise
    if RATTLER in sys.modules:
        _end(0)


def _code(error: SystemExit) -> int:
    """The exit code as Python itself reads it."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201 - what Python does with a text
    return 1


def _end(code: int) -> NoReturn:
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(code)
