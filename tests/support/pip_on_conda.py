"""Requests for pip on top of conda, shared by its tests."""

import tomllib
from itertools import chain
from typing import Any

import msgspec
import pytest

from resolvers.pip import manager as pip
from resolvers.types.options import PipOptions, ProvidedDistribution
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Target, Upgrade
from tests.support.pip_cases import AMD64, ARM64, NEW_YEAR

ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv", "pip-tools"])
POETRY_AND_UV = pytest.mark.parametrize("engine", ["poetry", "uv"])
BOTH = (AMD64.platform, ARM64.platform)
STAGES = {"core": (), "a-build": ("core",), "b-build": ("a-build", "core"), "apart": ("core",)}
"""The parents of the stages, nearest first."""


def provided(
    group: str, name: str, version: str, package: str = "", platforms: tuple[str, ...] = BOTH
) -> tuple[ProvidedDistribution, ...]:
    """Return a distribution that conda provides, on each platform."""
    return tuple(
        ProvidedDistribution(
            group=group, platform=platform, name=name, version=version, package=package or name
        )
        for platform in platforms
    )


def request(
    engine: str, *conda: tuple[ProvidedDistribution, ...], **requirements: tuple[str, ...]
) -> Request:
    """Return a request with pip requirements by stage, whose names have ``_`` for ``-``."""
    by_stage = {name.replace("_", "-"): texts for name, texts in requirements.items()}
    groups = [
        Group(
            name=name,
            requirements=by_stage[name],
            parents=tuple(parent for parent in parents if parent in by_stage),
        )
        for name, parents in STAGES.items()
        if name in by_stage
    ]
    return Request(
        groups=tuple(groups),
        targets=(AMD64, ARM64),
        engine=engine,
        as_of=NEW_YEAR,
        pip=PipOptions(provided=tuple(chain(*conda)), parents=STAGES),
    )


def again(
    pip_request: Request,
    files: LockFiles,
    *conda: tuple[ProvidedDistribution, ...],
    upgrade: Upgrade | None = None,
) -> Request:
    """Return the request with previous files, and perhaps with other provided distributions."""
    provided = tuple(chain(*conda)) or pip_request.pip.provided
    changed = msgspec.structs.replace(
        pip_request, previous=files, as_of=None, upgrade=upgrade or Upgrade()
    )
    return with_options(changed, provided=provided)


def with_options(request: Request, **options: Any) -> Request:
    changed = msgspec.structs.replace(request.pip, **options)
    return msgspec.structs.replace(request, pip=changed)


def selected(files: LockFiles, target: Target, stage: str) -> list[str]:
    """Return the names that pip installs in a stage."""
    return [pin.name for pin in pip.select(files, target, (stage, *STAGES[stage]))]


def conda_tables(files: LockFiles) -> dict[str, object]:
    """Return the provided versions that pyproject.toml records, by group."""
    tool = tomllib.loads(files["pyproject.toml"])["tool"]
    tables = tool.get("orbiter", {}).get("conda", {})
    assert isinstance(tables, dict)
    return tables
