"""Skip tests if the engine, package index or browser is missing; give each test its own cache."""

import os
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # no test depends on time


@cache
def _engine_problem() -> str:
    from orbiter.docker.client import unavailable_reason

    return unavailable_reason()


@cache
def _index_problem() -> str:
    from resolvers.errors import ExpectedError
    from resolvers.index import index

    try:
        files = index.configured().files("packaging")
    except ExpectedError as error:
        return error.message
    return "" if files else "the package index does not have the project 'packaging'"


@cache
def _browser_problem() -> str:
    from tests.support.browser import problem

    return problem()


@cache
def _emulator_problem() -> str:
    from orbiter.docker.buildx import inspect_builder

    platforms = ", ".join(inspect_builder("").get("platforms", ()))
    return "" if "linux/arm64" in platforms else f"the engine runs only {platforms}"


PROBLEMS = {
    "engine": _engine_problem,
    "index": _index_problem,
    "emulator": _emulator_problem,
    "browser": _browser_problem,
}
"""For each marker, a function that returns the reason to skip its tests, or an empty string."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test before its fixtures start, because fixtures may need the engine too."""
    for mark, problem_of in PROBLEMS.items():
        if item.get_closest_marker(mark) and (problem := problem_of()):
            stop = pytest.fail if os.environ.get("ORBITER_TEST_NO_SKIP") else pytest.skip
            stop(f"needs the {mark}: {problem}")


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(autouse=True)
def _own_cache(_caches: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a new cache folder, so that a test does not see files that another test fetched."""
    # For thousands of tests, pytest's mktemp is slow: it reads the names of all earlier folders.
    root = Path(mkdtemp(dir=_caches))
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(root))
    return root


@pytest.fixture(autouse=True)
def _no_network_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore the network profile of this machine."""
    monkeypatch.setenv("ORBITER_CONFIG_FILE", os.devnull)
