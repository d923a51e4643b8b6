"""Fixtures of the tests that use rattler."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _wait_for_rattler() -> Iterator[None]:
    """Wait for rattler's threads, which can crash an interpreter that ends too early.

    See orbiter/cli/exit.py.
    """
    yield
    time.sleep(0.3)
