"""The Python that pip's packages are for."""

import pytest

from resolvers.apt.lock_file import AptPlatform
from resolvers.distro.python import SYSTEM, first_version

NONE = AptPlatform(apt="3.0.3")
DISTRIBUTION = AptPlatform(apt="3.0.3", python="3.13.5", interpreter=SYSTEM)
OWN = AptPlatform(apt="3.0.3", python="3.13.2", interpreter="/usr/local/bin/python3")


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
def test_the_first_python_on_path(platform: AptPlatform, locked: set[str], expected: str) -> None:
    assert first_version([platform], locked) == expected
