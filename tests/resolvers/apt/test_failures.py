"""Errors for the failures that apt's script reports."""

import pytest

from resolvers.apt.failures import failure
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group


def test_a_version_that_does_not_exist_is_reported_with_those_that_do() -> None:
    group = Group(name="debian-core", requirements=("curl=7.0", "git=1:2.47", "jq"))
    answer = {
        "versions": "curl 8.14.1-2\ncurl 8.14.1-3\ngit 1:2.47",
        "failed 0": "E: Version '7.0' for 'curl' was not found",
    }
    error = failure(
        "failed 0", answer, groups=(group,), platform="linux/amd64", options=SystemOptions(suite="")
    )
    assert error.message.splitlines() == [
        "apt cannot install curl=7.0 for stage 'debian-core' on linux/amd64",
        "  E: Version '7.0' for 'curl' was not found",
        "  the index has curl in version 8.14.1-2, 8.14.1-3",
    ]


# What apt 2.6.1 printed for a closed port on loopback, and for a host that does not exist.
REFUSED = """\
Ign:1 http://127.0.0.1:9/debian trixie InRelease
Ign:2 http://127.0.0.1:9/debian-security trixie-security InRelease
Err:1 http://127.0.0.1:9/debian trixie InRelease
  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
Err:2 http://127.0.0.1:9/debian-security trixie-security InRelease
  Unable to connect to 127.0.0.1:9:
Reading package lists...
E: Failed to fetch http://127.0.0.1:9/debian/dists/trixie/InRelease  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
E: Failed to fetch http://127.0.0.1:9/debian-security/dists/trixie-security/InRelease  Unable to connect to 127.0.0.1:9:
E: Some index files failed to download. They have been ignored, or old ones used instead.
"""  # noqa: E501 - apt's own lines
UNKNOWN_HOST = """\
Ign:1 http://mirror.invalid/debian trixie InRelease
Err:1 http://mirror.invalid/debian trixie InRelease
  Could not resolve 'mirror.invalid'
Reading package lists...
E: Failed to fetch http://mirror.invalid/debian/dists/trixie/InRelease  Could not resolve 'mirror.invalid'
E: Some index files failed to download. They have been ignored, or old ones used instead.
"""  # noqa: E501 - apt's own lines


@pytest.mark.parametrize(
    ("output", "suite", "message"),
    [
        (
            REFUSED,
            "",
            "http://127.0.0.1:9/debian/dists/trixie/InRelease did not respond: "
            "Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused) "
            "(the address comes from the apt sources of the base image)",
        ),
        (
            UNKNOWN_HOST,
            "trixie",
            "http://mirror.invalid/debian/dists/trixie/InRelease did not respond: "
            "Could not resolve 'mirror.invalid' "
            "(the address comes from the apt sources of debian:trixie-slim)",
        ),
    ],
)
def test_a_mirror_that_does_not_respond_is_one_line_with_the_origin_of_its_address(
    output: str, suite: str, message: str
) -> None:
    answer = {"failed update": output}
    error = failure(
        "failed update",
        answer,
        groups=(),
        platform="linux/amd64",
        options=SystemOptions(suite=suite),
    )
    assert error.message == message
    assert "online" in error.hint


def test_another_failure_of_an_update_keeps_the_words_of_apt() -> None:
    output = "E: The repository 'file:/srv/repo ./ Release' does not have a Release file.\n"
    answer = {"failed update": output}
    error = failure(
        "failed update", answer, groups=(), platform="linux/amd64", options=SystemOptions(suite="")
    )
    assert error.message == f"apt-get update failed on linux/amd64\n  {output.strip()}"
