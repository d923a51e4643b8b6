"""Targets, requests and stored lock files, shared by the tests of pip and its engines."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resolvers import uv_program
from resolvers.pip import manager as pip
from resolvers.pip import pip_tools, poetry
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Target, Upgrade
from tests.support.paths import TESTS
from tests.support.wheel_index import WheelIndex, wheel_index

AMD64 = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
ARM64 = Target(platform="linux/arm64", python="3.13.5", glibc="2.41")
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
PIP_COMPILE_CHECK = Path(__file__).with_name("pip_compile_check.py")
DATA = TESTS / "data" / "pip"


def data(engine: str) -> dict[str, str]:
    """Return the stored lock files of an engine, locked as of NEW_YEAR for both targets.

    Group core requires attrs; group base-build requires docopt (an sdist), jinja2 and tqdm.
    """
    return {path.name: path.read_text(encoding="utf-8") for path in (DATA / engine).iterdir()}


def request(
    engine: str,
    *requirements: str,
    previous: LockFiles | None = None,
    upgrade: Upgrade = Upgrade(),  # noqa: B008 (it is immutable)
    as_of: datetime | None = NEW_YEAR,
    sources: tuple[str, ...] = (),
    targets: tuple[Target, ...] = (AMD64, ARM64),
) -> Request:
    group = Group(name="base-build", requirements=requirements, sources=sources)
    return Request(
        groups=(Group(name="core"), group),
        targets=targets,
        engine=engine,
        previous=previous or {},
        upgrade=upgrade,
        as_of=as_of,
    )


def versions(files: LockFiles) -> Mapping[str, str]:
    return {package.name: package.version for package in pip.read(files)}


def written(files: LockFiles, folder: Path) -> Path:
    """Write the files into the folder, and return it."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def assert_portable(files: LockFiles) -> None:
    """Check that the files contain no address and no local path, and end with one newline."""
    for name, text in files.items():
        assert "://" not in text, name
        assert str(Path.cwd()) not in text, name
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name


def keep_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install Poetry and pip-tools now, before a test configures an index that lacks them."""
    for engine in (poetry, pip_tools):
        python = engine.interpreter(lambda _line: None)
        monkeypatch.setattr(engine, "interpreter", lambda _progress, python=python: python)


@contextmanager
def only_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    """Configure an empty index as the only one of pip until the block ends."""
    keep_interpreters(monkeypatch)
    with wheel_index() as served:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        yield served


def check_lock(engine: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the engine's own check of the lock in a folder."""
    if engine == "poetry":
        python = poetry.interpreter(lambda _line: None)
        command = [python, "-m", "poetry", "check", "--lock", "--no-interaction"]
    elif engine == "uv":
        options = ["--check", "--offline", "--no-config", "--python", sys.executable]
        command = [uv_program.program(), "lock", *options]
    else:
        python = pip_tools.interpreter(lambda _line: None)
        command = [sys.executable, str(PIP_COMPILE_CHECK), str(folder), python]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
