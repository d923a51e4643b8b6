"""Decoding by msgspec in several threads."""

from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def thread_safe_decoding(struct: type[S]) -> type[S]:
    """Let several threads decode into a type: decorate the type with this.

    msgspec inspects a type at its first use, and crashes if two threads do so at the same time.
    This decorator makes the inspection happen while the module is imported.
    """
    msgspec.json.Decoder(struct)
    return struct
