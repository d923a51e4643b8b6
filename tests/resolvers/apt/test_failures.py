"""Errors for the failures that apt's script reports."""

from resolvers.apt.failures import failure
from resolvers.types import Group


def test_a_version_that_does_not_exist_is_reported_with_those_that_do() -> None:
    group = Group(name="debian-core", requirements=("curl=7.0", "git=1:2.47", "jq"))
    answer = {
        "versions": "curl 8.14.1-2\ncurl 8.14.1-3\ngit 1:2.47",
        "failed 0": "E: Version '7.0' for 'curl' was not found",
    }
    error = failure("failed 0", answer, groups=(group,), platform="linux/amd64", suite="")
    assert error.message.splitlines() == [
        "apt cannot install curl=7.0 for stage 'debian-core' on linux/amd64",
        "  E: Version '7.0' for 'curl' was not found",
        "  the index has curl in version 8.14.1-2, 8.14.1-3",
    ]
