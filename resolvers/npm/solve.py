"""Steps of a solve with npm: making a lock, and dropping pins that were published too late."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.npm import pins
from resolvers.npm.direct import (
    DirectPackage,
    link_all,
    start_with_files,
    with_addresses,
    with_files,
)
from resolvers.npm.lock_file import (
    LOCK,
    JsonObject,
    LockEntry,
    artifact,
    package_name,
    parse,
    required_name,
    to_json,
)
from resolvers.npm.manifest import with_exact
from resolvers.npm.pins import NpmPin
from resolvers.npm.session import Session
from resolvers.types.request import Request


class Solve(NamedTuple):
    """One request's session of npm and package.json.

    ``direct`` are the packages with an address. ``deprecated`` collects the messages of the
    registry about deprecated versions.
    """

    session: Session
    request: Request
    package_json: JsonObject
    direct: tuple[DirectPackage, ...]
    deprecated: dict[NpmPin, str]

    def lock(self, start: JsonObject, exact: Mapping[str, str] = {}) -> JsonObject:
        """Return the lock that npm makes from package.json and a lock to start from.

        ``exact`` are versions to require in addition. Raises UnsolvableError, and ExpectedError
        for packages that do not come from a registry.
        """
        package_json = with_exact(self.package_json, exact)
        lock = with_addresses(self._run(package_json, start), self.direct)
        entries = lock["packages"]
        for path, entry in entries.items():
            if not path:
                continue
            if message := entry.get("deprecated"):
                pin = NpmPin(package_name(path, entry), entry["version"])
                self.deprecated[pin] = str(message)
            self._check_entry(path, entry)
        return lock | {"packages": {path: _lasting(entry) for path, entry in entries.items()}}

    def _run(self, package_json: JsonObject, start: JsonObject) -> JsonObject:
        """Return npm's own lock, with files for addresses."""
        local = to_json(with_files(package_json, self.direct))
        local_start = start_with_files(start, self.direct)
        link_all(self.direct, self.session.folder)
        try:
            text = self.session.lock(local, to_json(local_start) if local_start else "")
        except UnsolvableError as error:
            raise self._with_requirements(error) from None
        return parse({LOCK: text}).lock

    def _check_entry(self, path: str, entry: LockEntry) -> None:
        resolved = entry.get("resolved")
        addresses = {package.resolved for package in self.direct}
        if (resolved and resolved not in addresses) or entry.get("link"):
            name = package_name(path, entry)
            package = f"{name} {entry.get('version', '')} ({path})"
            raise ExpectedError(
                f"npm: {package} does not come from a registry",
                "require a version that a registry has, or list the package with its address in "
                f'npm and add {name} = "${name}" to npm-overrides',
            )
        artifact(path, entry)  # raises an error if there is no hash

    def _with_requirements(self, error: UnsolvableError) -> UnsolvableError:
        requirements = []
        for group in self.request.groups:
            for requirement in group.requirements:
                if required_name(requirement) in error.message:
                    requirements.append(f"{requirement} of stage '{group.name}'")
        title = f"npm cannot install {', '.join(requirements) or 'the requirements'}"
        return UnsolvableError(f"{title}\n{error.message}", error.hint)

    def without_late_pins(self, lock: JsonObject, as_of: datetime) -> JsonObject:
        """Return the lock without the pins published after a moment; npm itself would keep them."""
        # A lock made from nothing contains only versions from before as_of.
        early = pins.pins(self.lock({}))
        uncertain = pins.pins(lock) - early
        if uncertain:
            count = len(uncertain)
            self.request.progress(f"looking up when {count} pinned packages were published")
        times = self.session.published({pin.name for pin in uncertain})
        late = set()
        for pin in uncertain:
            published = times[pin.name].get(pin.version)
            if published is None or _parse_time(published) > as_of:
                late.add(pin)
        return pins.without(lock, lambda pin: pin in late)


def _lasting(entry: LockEntry) -> JsonObject:
    """Return an entry without the message that the registry's maintainers may change anytime."""
    return {key: value for key, value in entry.items() if key != "deprecated"}


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
