"""conda against a real channel, served over HTTP in two snapshots whose addresses the environment names."""

import os
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from resolvers.conda import manager as conda
from resolvers.conda.python_names import distributions
from resolvers.types import NOTE, LockFiles, Request, Upgrade
from tests.support.conda_world import AMD64, base, request

LIST = (
    "python=3.12",
    "jupyterlab",
    "notebook",
    "numpy",
    "pandas",
    "matplotlib",
    "altair",
    "nbgitpuller",
    "pyyaml",
    "tqdm",
)
VARIABLES = ("ORBITER_WORLD_CONDA_1", "ORBITER_WORLD_CONDA_2")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not all(map(os.environ.get, VARIABLES)),
        reason=f"needs the addresses of two snapshots in {' and '.join(VARIABLES)}",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def _calm_end() -> Iterator[None]:
    yield
    time.sleep(0.3)  # see orbiter/cli/exit.py


def asking(snapshot: int, previous: LockFiles | None = None) -> Request:
    return request(os.environ[VARIABLES[snapshot - 1]], base(*LIST), previous=previous or {})


def builds(files: LockFiles) -> dict[str, tuple[str, str]]:
    return {package.name: (package.version, package.build) for package in conda.read(files)}


def moved(old: LockFiles, new: LockFiles) -> set[str]:
    before = builds(old)
    return {name for name, build in builds(new).items() if before.get(name, build) != build}


def test_a_newer_snapshot_moves_only_what_is_asked_for() -> None:
    old = conda.resolve(asking(1))
    assert conda.resolve(asking(1)) == old
    newest = moved(old, conda.resolve(asking(2)))
    assert {"numpy", "pandas", "python", "pyyaml", "tqdm"} <= newest
    same = conda.resolve(asking(2, old))
    assert moved(old, same) == set()
    for name in ("numpy", "python", "pyyaml", "tqdm"):  # of two there are higher builds only
        one = conda.resolve(replace(asking(2, same), upgrade=Upgrade(packages={name: ""})))
        assert moved(same, one) == {name}
    assert (
        moved(old, conda.resolve(replace(asking(2, same), upgrade=Upgrade(everything=True))))
        == newest
    )


def test_what_else_must_move_is_told() -> None:
    old = conda.resolve(asking(2, conda.resolve(asking(1))))
    said: list[str] = []
    new = conda.resolve(
        replace(asking(2, old), upgrade=Upgrade(packages={"notebook": ""}), progress=said.append)
    )
    assert moved(old, new) == {"notebook", "jupyterlab"}
    assert [
        line
        for line in said
        if line.startswith(NOTE) and "jupyterlab" in line and "notebook" in line
    ]


def test_real_packages_tell_their_distributions() -> None:
    files = conda.resolve(asking(1))
    found = {each.name: each for each in distributions(files, AMD64, (base().name,))}
    assert found["matplotlib"].package == "matplotlib-base"
    assert found["fastjsonschema"].package == "python-fastjsonschema"
    assert found["numpy"].version == builds(files)["numpy"][0]
