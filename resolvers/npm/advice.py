"""Warnings about npm's lock: deprecated packages."""

from collections.abc import Iterator, Mapping

from resolvers.npm import pins
from resolvers.npm.lock_file import JsonObject
from resolvers.npm.pins import NpmPin
from resolvers.types.request import LockWarning, Request


def deprecations(
    request: Request, lock: JsonObject, messages: Mapping[NpmPin, str]
) -> Iterator[LockWarning]:
    """Yield a warning for each deprecated package of a lock.

    ``messages`` are those that npm read in this run. npm reads nothing about pins that it keeps, so
    their earlier warnings count.
    """
    earlier = {(warning.package, warning.text): warning for warning in request.warnings}
    for pin in sorted(pins.pins(lock)):
        start = f"version {pin.version} is deprecated: "
        if pin in messages:
            yield LockWarning(pin.name, start + " ".join(messages[pin].split()))
            continue
        for (name, text), warning in earlier.items():
            if name == pin.name and text.startswith(start):
                yield warning
