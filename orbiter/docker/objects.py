"""Images and containers of the Docker engine, as its API describes them.

Fields: https://docs.docker.com/reference/api/engine/ (ImageList, ContainerList).
"""

from collections.abc import Mapping

import msgspec

STARTED = "org.orbiter.started"
"""Label of the containers that Orbiter started, and of the images that repo2docker built for them.

Its value is the tag of Orbiter's image.
"""
OWNER = "org.orbiter.owner"
"""Label of the containers that Orbiter started; its value is the one of ``owner.owner``."""
REPO2DOCKER = "orbiter-repo2docker-"
"""Beginning of the names of these images and of their containers; their owner follows."""
LOCKSET = "org.orbiter.lockset"
"""Label of the images that Orbiter built; its value is the root digest of the lock set."""
REVISION = "org.opencontainers.image.revision"
"""Label with the same value, which other tools read."""
STOPPED_STATES = frozenset({"created", "dead", "exited"})


class LocalImage(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A local image; ``size`` is in bytes and includes layers that other images share."""

    id: str
    size: int
    repo_tags: tuple[str, ...] | None = None
    labels: Mapping[str, str] | None = None

    @property
    def repo2docker_name(self) -> str:
        """Return the name that repo2docker gave the image; empty for other images.

        An image that somebody made from a container inherits its label, but has another name.
        """
        names = self.repo_tags or ()
        found = (name for name in names if name.rpartition("/")[2].startswith(REPO2DOCKER))
        return next(found, "") if self.started_tag else ""

    @property
    def repo2docker_owner(self) -> str:
        """Return the owner in the name that repo2docker gave the image; empty for other images."""
        name = self.repo2docker_name.rpartition("/")[2]
        return name.removeprefix(REPO2DOCKER).partition(":")[0]

    @property
    def started_tag(self) -> str:
        """Return the tag in the label ``STARTED``; empty without the label."""
        return (self.labels or {}).get(STARTED, "")


class LocalContainer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A local container; ``image`` is an image ID, ``size`` the bytes that it wrote."""

    id: str
    image: str = msgspec.field(name="ImageID")
    state: str
    names: tuple[str, ...] | None = None
    size: int = msgspec.field(name="SizeRw", default=0)
    labels: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Return the container's name without Docker's leading slash."""
        return self.names[0].removeprefix("/") if self.names else self.id[:12]

    @property
    def started_tag(self) -> str:
        """Return the tag in the label ``STARTED``; empty without the label.

        A container of an image that somebody made from such a container inherits the label.
        """
        return (self.labels or {}).get(STARTED, "")

    @property
    def owner(self) -> str:
        """Return the value of the label ``OWNER``; empty without the label."""
        return (self.labels or {}).get(OWNER, "")
