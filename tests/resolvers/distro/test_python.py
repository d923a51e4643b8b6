"""Which Python packages of pip are for."""

import pytest

from resolvers.apt.lock_file import LockedPlatform
from resolvers.distro.python import SYSTEM, version

NONE = LockedPlatform(apt="3.0.3")
DISTRIBUTION = LockedPlatform(apt="3.0.3", python="3.13.5", interpreter=SYSTEM)
OWN = LockedPlatform(apt="3.0.3", python="3.13.2", interpreter="/usr/local/bin/python3")


@pytest.mark.parametrize(
    ("platform", "locked", "expected"),
    [
        (NONE, set(), ""),
        (NONE, {"3.13.5"}, "3.13.5"),
        (NONE, {"3.9.2", "3.13.5"}, "3.13.5"),
        (DISTRIBUTION, set(), "3.13.5"),
        (DISTRIBUTION, {"3.13.6"}, "3.13.6"),
        (OWN, set(), "3.13.2"),
        (OWN, {"3.13.5"}, "3.13.2"),
    ],
)
def test_what_comes_first_on_path(
    platform: LockedPlatform, locked: set[str], expected: str
) -> None:
    assert version([platform], locked) == expected
