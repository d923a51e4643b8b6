"""Installs a stage's npm packages from fetched tarballs on this machine, as a build does."""

import os
from pathlib import Path

from orbiter.fetch.fetch import fetch
from orbiter.fetch.sources import FetchSettings
from orbiter.store.artifact_list import LockedFile, listed_source
from orbiter.store.store import Store
from resolvers import process
from resolvers.npm import manager as npm
from resolvers.npm import program
from resolvers.types.packages import LockFiles
from tests.support.npm_cases import AMD64


def install_offline(files: LockFiles, groups: tuple[str, ...], folder: Path) -> Path:
    """Install a stage's packages from fetched tarballs, as a build does; return the folder.

    Runs the npm of this machine with the network off, as far as npm itself has such a setting.
    """
    tarballs, project = folder / "tarballs", folder / "project"
    store = Store(folder / "store")
    pins = npm.select(files, AMD64, groups)
    locked = [
        LockedFile(
            path=f"npm/{pin.artifact.file}",
            hash=pin.artifact.hash,
            source=listed_source("npm", pin.artifact.source),
        )
        for pin in pins
    ]
    fetch(locked, store, FetchSettings())
    tarballs.mkdir()
    project.mkdir()
    for pin in pins:
        os.link(store.path(pin.artifact.hash), tarballs / pin.artifact.file)
    for name, text in npm.stage_files(files, groups, str(tarballs)).items():
        (project / name).write_text(text, encoding="utf-8")
    options = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    command = [*program.command(), "ci", *options, f"--cache={folder / 'cache'}"]
    process.run(command, cwd=project, name="npm")
    return project
