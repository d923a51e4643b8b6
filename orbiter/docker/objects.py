"""What the Docker engine of this machine has, as its API tells it. Pure.

Fields: https://docs.docker.com/reference/api/engine/ (ImageList, ContainerList).
"""

from collections.abc import Mapping

import msgspec

STARTED = "org.orbiter.started"
"""The label of containers that Orbiter started; its value is the tag of the image."""
LOCKSET = "org.orbiter.lockset"
"""The label of images that Orbiter built; its value is the root digest of the lock set."""
STOPPED = frozenset({"created", "dead", "exited"})


class LocalImage(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An image; ``size`` is in bytes, with the layers that it shares with others."""

    id: str
    size: int
    repo_tags: tuple[str, ...] | None = None
    labels: Mapping[str, str] | None = None


class LocalContainer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A container; ``image`` is the id of its image, ``size`` what it wrote, in bytes."""

    id: str
    image: str = msgspec.field(name="ImageID")
    state: str
    names: tuple[str, ...] | None = None
    size: int = msgspec.field(name="SizeRw", default=0)
    labels: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """As people write it."""
        return self.names[0].removeprefix("/") if self.names else self.id[:12]

    @property
    def started_of(self) -> str:
        """The tag that Orbiter started it of; empty where somebody else did."""
        return (self.labels or {}).get(STARTED, "")
