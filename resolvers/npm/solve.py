"""Steps of a solve with npm: making a lock, and dropping pins that were published too late."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.npm import pins
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
from resolvers.types import Request


class Solve(NamedTuple):
    """One request's session of npm and package.json.

    ``deprecated`` collects the messages of the registry about deprecated versions.
    """

    session: Session
    request: Request
    package_json: JsonObject
    deprecated: dict[NpmPin, str]

    def lock(self, start: JsonObject, exact: Mapping[str, str] = {}) -> JsonObject:
        """Return the lock that npm makes from package.json and a lock to start from.

        ``exact`` are versions to require in addition. Raises UnsolvableError, and ExpectedError
        for packages that do not come from a registry.
        """
        package_json = with_exact(self.package_json, exact)
        try:
            text = self.session.lock(to_json(package_json), to_json(start) if start else "")
        except UnsolvableError as error:
            raise self._with_requirements(error) from None
        lock = parse({LOCK: text}).lock
        entries = lock["packages"]
        for path, entry in entries.items():
            if not path:
                continue
            if message := entry.get("deprecated"):
                pin = NpmPin(package_name(path, entry), entry["version"])
                self.deprecated[pin] = str(message)
            _check_entry(path, entry)
        return lock | {"packages": {path: _lasting(entry) for path, entry in entries.items()}}

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


def _check_entry(path: str, entry: LockEntry) -> None:
    if "resolved" in entry or entry.get("link"):
        package = f"{package_name(path, entry)} {entry.get('version', '')} ({path})"
        raise ExpectedError(
            f"npm: {package} does not come from a registry",
            "require a version that a registry has; git repositories, links and other addresses "
            "cannot be locked",
        )
    artifact(path, entry)  # raises an error if there is no hash


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
