"""New connections for each test: sessions keep the certificates and proxies of their start."""

from collections.abc import Iterator

import pytest

from resolvers.net import http
from tests.support.loopback import Server, serving


@pytest.fixture
def new_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the connections of other tests, and do not wait before a retry."""
    monkeypatch.setattr(http, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(http, "_session", http._Session())


@pytest.fixture
def server(new_session: None) -> Iterator[Server]:  # noqa: ARG001 - the order of fixtures
    with serving() as server:
        yield server
