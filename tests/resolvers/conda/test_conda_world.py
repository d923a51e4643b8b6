"""A real channel over HTTP, in two snapshots; the environment holds their addresses."""

import os

import pytest
from msgspec.structs import replace

from resolvers.conda import manager as conda
from resolvers.conda.python_names import provided_distributions
from resolvers.types.packages import LockFiles
from resolvers.types.request import NOTE, Request, Upgrade
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


def request_from(snapshot: int, previous: LockFiles | None = None) -> Request:
    return request(os.environ[VARIABLES[snapshot - 1]], base(*LIST), previous=previous or {})


def builds(files: LockFiles) -> dict[str, tuple[str, str]]:
    return {package.name: (package.version, package.build) for package in conda.read(files)}


def changed(old: LockFiles, new: LockFiles) -> set[str]:
    before = builds(old)
    return {name for name, build in builds(new).items() if before.get(name, build) != build}


def test_a_newer_snapshot_changes_only_upgraded_packages() -> None:
    old = conda.resolve(request_from(1))
    assert conda.resolve(request_from(1)) == old
    newest = changed(old, conda.resolve(request_from(2)))
    assert {"numpy", "pandas", "python", "pyyaml", "tqdm"} <= newest
    same = conda.resolve(request_from(2, old))
    assert changed(old, same) == set()
    for name in ("numpy", "python", "pyyaml", "tqdm"):  # of two only the build changes
        one = conda.resolve(replace(request_from(2, same), upgrade=Upgrade(packages={name: ""})))
        assert changed(same, one) == {name}
    assert (
        changed(
            old, conda.resolve(replace(request_from(2, same), upgrade=Upgrade(everything=True)))
        )
        == newest
    )


def test_other_necessary_changes_are_reported() -> None:
    old = conda.resolve(request_from(2, conda.resolve(request_from(1))))
    lines: list[str] = []
    new = conda.resolve(
        replace(
            request_from(2, old), upgrade=Upgrade(packages={"notebook": ""}), progress=lines.append
        )
    )
    assert changed(old, new) == {"notebook", "jupyterlab"}
    assert [
        line
        for line in lines
        if line.startswith(NOTE) and "jupyterlab" in line and "notebook" in line
    ]


def test_distributions_of_real_packages() -> None:
    files = conda.resolve(request_from(1))
    found = {each.name: each for each in provided_distributions(files, AMD64, (base().name,))}
    assert found["matplotlib"].package == "matplotlib-base"
    assert found["fastjsonschema"].package == "python-fastjsonschema"
    assert found["numpy"].version == builds(files)["numpy"][0]
