"""The result of a build: an image for all its platforms, under its tag."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from orbiter.assembly.image import AssembledImage
from orbiter.lockset.record import RecordedBuilder


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """A built image.

    ``digest`` is that of its manifest, or of its ``index`` if it has several platforms. ``builder``
    has the versions that made it. ``file`` is its archive in the output folder, if there is one.
    ``pushed`` says that this build pushed the image, not an earlier one.
    """

    stage: str
    tag: str
    digest: str
    images: tuple[AssembledImage, ...]
    index: bytes | None = None
    builder: RecordedBuilder
    file: Path | None = None
    pushed: bool = False

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms of the images."""
        return tuple(image.platform for image in self.images)


Approve = Callable[[tuple[BuiltImage, ...]], bool]
"""Checks the built images; False keeps them from being loaded, pushed or copied."""
