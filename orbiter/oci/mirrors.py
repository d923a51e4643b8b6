"""The repositories to read base images from: the mirrors of the network profile first."""

from orbiter.oci.reference import Reference, parse_reference
from orbiter.oci.registry import Credentials, Repository, address, anonymous, repositories
from resolvers.net import profile


def sources(
    reference: str, *, mirrors: tuple[str, ...] = (), credentials: Credentials = anonymous
) -> tuple[Repository, ...]:
    """Return the repositories to try for a base image, in order.

    ``mirrors`` and ``credentials`` are as in ``orbiter.oci.registry.repositories``.
    """
    parsed = parse_reference(reference)
    others = repositories(reference, mirrors=mirrors, credentials=credentials)
    mirror = profile.values_below("registries").get(parsed.registry)
    return (_mirrored(mirror, parsed, credentials), *others) if mirror else others


def _mirrored(mirror: str, image: Reference, credentials: Credentials) -> Repository:
    """Return the repository of an image on a mirror: ``registry.example.org/hub``."""
    registry, _, folder = mirror.partition("/")
    name = f"{folder}/{image.repository}" if folder else image.repository
    return Repository(address(registry), name, registry, credentials)
