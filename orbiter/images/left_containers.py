"""Containers that Orbiter started and did not remove."""

from collections.abc import Iterable

import msgspec

from orbiter.docker.containers import is_own
from orbiter.docker.objects import STOPPED_STATES, LocalContainer
from orbiter.docker.owner import OwnerState, owner_state
from orbiter.images.list import OwnImages


class LeftContainer(msgspec.Struct, frozen=True, kw_only=True):
    """A container that nobody uses, and the state of the process that started it."""

    container: LocalContainer
    owner_state: OwnerState

    @property
    def is_running(self) -> bool:
        """Return whether the container runs although its owner was killed."""
        return self.container.state not in STOPPED_STATES


def left_containers(
    containers: Iterable[LocalContainer], own: OwnImages
) -> tuple[LeftContainer, ...]:
    """Return the containers of own images that are stopped or whose owner was killed.

    Those of a running owner stay, because the owner removes them itself.
    """
    started = (each for each in containers if own.has(each.started_tag) and is_own(each))
    found = (LeftContainer(container=each, owner_state=owner_state(each.owner)) for each in started)
    return tuple(each for each in found if _is_left(each))


def _is_left(found: LeftContainer) -> bool:
    if found.owner_state == "unknown":
        return not found.is_running
    return found.owner_state == "killed"
