"""Errors for the failures that apk's script reports."""

import pytest

from resolvers.apk.failures import failure

# What apk 3.0.8 printed for a closed port on loopback, and for a host that does not exist.
REFUSED = """\
WARNING: updating and opening http://127.0.0.1:9/alpine/v3.23/main/x86_64/APKINDEX.tar.gz: Connection refused
WARNING: updating and opening http://127.0.0.1:9/alpine/v3.23/community/x86_64/APKINDEX.tar.gz: Connection refused
2 unavailable, 0 stale; 0 distinct packages available
"""  # noqa: E501 - apk's own lines
UNKNOWN_HOST = """\
WARNING: updating and opening http://mirror.invalid/alpine/v3.23/main/x86_64/APKINDEX.tar.gz: DNS: name does not exist
1 unavailable, 0 stale; 0 distinct packages available
"""  # noqa: E501 - apk's own lines
# What apk 2 printed: https://github.com/gliderlabs/docker-alpine/issues/264
APK_2 = """\
fetch http://mirror.invalid/alpine/v3.5/main/x86_64/APKINDEX.tar.gz
WARNING: Ignoring http://mirror.invalid/alpine/v3.5/main/x86_64/APKINDEX.tar.gz: temporary error (try again later)
"""  # noqa: E501 - apk's own lines


@pytest.mark.parametrize(
    ("output", "beginning"),
    [
        (
            REFUSED,
            "http://127.0.0.1:9/alpine/v3.23/main/x86_64/APKINDEX.tar.gz did not respond: "
            "Connection refused",
        ),
        (
            UNKNOWN_HOST,
            "http://mirror.invalid/alpine/v3.23/main/x86_64/APKINDEX.tar.gz did not respond: "
            "DNS: name does not exist",
        ),
        (
            APK_2,
            "http://mirror.invalid/alpine/v3.5/main/x86_64/APKINDEX.tar.gz did not respond: "
            "temporary error (try again later)",
        ),
    ],
)
def test_a_mirror_that_does_not_respond_is_one_line_with_the_origin_of_its_address(
    output: str, beginning: str
) -> None:
    error = failure("failed update", (), "linux/amd64", {"failed update": output})
    origin = "(the address comes from /etc/apk/repositories of the base image)"
    assert error.message == f"{beginning} {origin}"
    assert "online" in error.hint


@pytest.mark.parametrize("reason", ["UNTRUSTED signature", "HTTP 404: Not Found"])
def test_another_failure_of_an_update_keeps_the_words_of_apk(reason: str) -> None:
    output = f"WARNING: updating and opening http://mirror.invalid/main/APKINDEX.tar.gz: {reason}"
    error = failure("failed update", (), "linux/amd64", {"failed update": output})
    assert error.message == f"apk update failed on linux/amd64\n  {output}"
