import pytest

from resolvers.net.addresses import is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.1.2.3", True), ("::1", True), ("host.test", False), ("", False)],
)
def test_hosts_of_this_machine(host: str, *, expected: bool) -> None:
    assert is_loopback(host) == expected
