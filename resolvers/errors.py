"""The errors that a person can do something about."""


class ExpectedError(Exception):
    """Something a person can put right; shown as ``error:`` and ``hint:``, never as a traceback.

    ``message`` says what is wrong and where (file, key, package); ``hint`` says what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ProgramError(ExpectedError):
    """A program that was started ended with a code other than 0; ``output`` is all that it wrote."""

    def __init__(self, message: str, hint: str = "", *, output: str = "") -> None:
        super().__init__(message, hint)
        self.output = output


class UnsolvableError(ExpectedError):
    """An engine found no set of packages that meets the requirements; the message is its explanation."""
