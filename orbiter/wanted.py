"""What a file of another tool asks for, in Orbiter's words."""

from collections.abc import Mapping

import msgspec

from orbiter.toml_edit import Entry


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a file that is not carried over, without any secret, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into one stage's lists, by manager and as written, and the channels of conda that it comes from."""

    requirements: Mapping[str, tuple[Entry, ...]]
    channels: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
