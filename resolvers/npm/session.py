"""npm in a temporary folder, behind a proxy of its registries if possible."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.npm import failures, program, registry_proxy
from resolvers.npm.config import NpmConfig
from resolvers.npm.lock_file import LOCK, MANIFEST
from resolvers.npm.registry_proxy import RegistryProxy
from resolvers.scratch import temporary_folder

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
"""All settings that affect the lock, so that the user's own settings do not.

The registries are an exception: those of the user are used.
"""

UNSOLVABLE = re.compile(r"code (E404|ETARGET|ENOVERSIONS|ERESOLVE|EINVALID\w+|EOVERRIDE)\b")
HINTS = {
    "EOVERRIDE": "write the same range in the npm list and in npm-overrides, or a name with $ "
    'there, such as "$glob"',
}
"""Remedies for codes of errors."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """npm in a folder of its own.

    ``arguments`` select the registries: those of the user, or their ``proxy`` at the address
    ``root``.
    """

    folder: Path
    as_of: datetime | None
    config: NpmConfig
    arguments: tuple[str, ...] = ()
    proxy: RegistryProxy | None = None
    root: str = ""

    def lock(self, package_json: str, start: str) -> str:
        """Return the package-lock.json that npm makes; ``start`` is the previous one or "".

        Raises UnsolvableError, and ExpectedError if npm or a registry fails.
        """
        (self.folder / MANIFEST).write_text(package_json, "utf-8")
        lock = self.folder / LOCK
        if start:
            lock.write_text(start, "utf-8")
        else:
            lock.unlink(missing_ok=True)
        arguments = ["install"]
        for key, value in SETTINGS.items():
            arguments.append(f"--{key}={value}")
        if self.as_of:
            moment = self.as_of.astimezone(UTC)
            arguments.append(f"--before={moment:%Y-%m-%dT%H:%M:%SZ}")
        try:
            self._run(arguments)
        except ProgramError as error:
            raise self._explain(error) from None
        return lock.read_text("utf-8")

    def published(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Map names to versions to the time (ISO 8601) at which the registry received them."""
        unique = sorted(set(names))
        # Each call starts a process of Node, which needs a processor to itself.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return dict(zip(unique, pool.map(self._times, unique), strict=True))

    def _times(self, name: str) -> Mapping[str, str]:
        times = json.loads(self.view(name, "time") or "{}")
        return times if isinstance(times, dict) else {}

    def view(self, package: str, field: str) -> str:
        """Return a field of a registry's metadata as JSON; empty if the package lacks it."""
        words = ["view", package, field, "--json", "--prefer-offline", "--loglevel=error"]
        return self._run(words)

    def _run(self, arguments: list[str]) -> str:
        arguments = [*arguments, f"--prefix={self.folder}", *self.arguments]
        return program.run(arguments, cwd=self.folder)

    def _explain(self, error: ProgramError) -> ExpectedError:
        """Return the error with npm's explanation, or the proxy's error that caused it."""
        # npm only reports that a request failed. The proxy knows why.
        if self.proxy and self.proxy.errors:
            return self.proxy.errors[0]
        text = failures.explanation(error.output)
        if self.proxy:
            text = self.proxy.with_registry_addresses(text, self.root)
        if failed := failures.unreachable(text, self.config):
            return failed
        if unsolvable := UNSOLVABLE.search(text):
            hint = "list the versions with: npm view NAME versions time"
            return UnsolvableError(text, HINTS.get(unsolvable[1], hint))
        return ExpectedError(
            f"npm failed\n{text}", "check that npm can reach its registry: npm ping"
        )


@contextmanager
def open_session(
    requirements: Mapping[str, str],
    known: frozenset[str],
    as_of: datetime | None,
    registries: Mapping[str, str] = {},
) -> Iterator[Session]:
    """Open a session for packages required by name and range.

    ``known`` are the names that npm need not look up. ``registries`` maps scopes to addresses that
    replace those in npm's configuration. npm reads from a proxy of its registries,
    which fetches in advance. It reads from the registries themselves if its configuration has
    settings that the proxy does not support. It also does so if they do not answer the proxy,
    because npm's own error is then the better one.
    """
    with temporary_folder() as folder:
        config = program.config().with_registries(registries)
        arguments = tuple(f"--{scope}:registry={url}" for scope, url in registries.items())
        session = Session(folder=folder, as_of=as_of, config=config, arguments=arguments)
        proxy = RegistryProxy(config, requirements, known)
        if not (config.is_simple and proxy.reaches_registry()):
            # npm works in another folder, where it would not find the project's .npmrc.
            if config.project:
                # A link, because a copy of a token could outlive a run that is killed.
                (folder / ".npmrc").symlink_to(config.project)
            yield session
            return
        with registry_proxy.serve(proxy) as server:
            host = server.root.partition(":")[2]
            (folder / ".npmrc").write_text(f"{host}/:_authToken={server.secret}\n", "utf-8")
            keys = [f"{scope}:registry" if scope else "registry" for scope in config.registries]
            proxied = tuple(f"--{key}={server.root}/" for key in keys)
            # The proxy repeats failed requests itself.
            arguments = ("--fetch-retries=0", *proxied)
            yield replace(session, arguments=arguments, proxy=proxy, root=server.root)
