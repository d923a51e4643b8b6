"""Errors that a user can fix."""


class ExpectedError(Exception):
    """An error that a user can fix; shown as ``error:`` and ``hint:``, never as a traceback.

    ``message`` says what is wrong and where (file, key, package). ``hint`` says how to fix it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_problem(error: OSError | ValueError) -> str:
    """Return why a file cannot be read or written, without the number and the path of Python."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return str(getattr(error, "strerror", None) or error)


class ProgramError(ExpectedError):
    """A program ended with an exit code other than 0; ``output`` is everything that it printed."""

    def __init__(self, message: str, hint: str = "", *, output: str = "") -> None:
        super().__init__(message, hint)
        self.output = output


class UnsolvableError(ExpectedError):
    """No set of packages meets the requirements; ``message`` is the engine's explanation."""


class DiskError(ExpectedError):
    """A folder cannot be written, because its disk is full or read-only; trying again is futile."""
