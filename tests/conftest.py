"""Every test gets caches of its own; tests of an engine or an index skip, with the reason, where there is none."""

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how long something takes is no matter of a test


@cache
def _no_engine() -> str:
    from orbiter.docker.client import available

    return available()


@cache
def _no_index() -> str:
    from resolvers.errors import ExpectedError
    from resolvers.index import index

    try:
        return (
            ""
            if index.configured().files("packaging")
            else "the package index does not know 'packaging'"
        )
    except ExpectedError as error:
        return error.message


REASONS = {"engine": _no_engine, "index": _no_index}


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    for mark, reason_of in REASONS.items():
        if request.node.get_closest_marker(mark) and (reason := reason_of()):
            if os.environ.get("ORBITER_TEST_NO_SKIP"):
                pytest.fail(f"needs the {mark}: {reason}")
            pytest.skip(f"needs the {mark}: {reason}")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache root for each test, so that no test sees what another one fetched."""
    root = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(root))
    return root
