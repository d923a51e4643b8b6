"""The image that is audited: its configuration, and layers that can be read one after the other."""

import io
import re
from pathlib import Path
from typing import Annotated, Any

import msgspec

from orbiter.assembly.raw_image import platform_of
from resolvers.errors import ExpectedError

LARGEST_DOCUMENT = 64 * 1024**2
"""Bytes of a manifest or a configuration; larger ones are refused."""
Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class LocalBlob(msgspec.Struct, frozen=True):
    """``size`` bytes at ``offset`` of a file on this machine.

    ``digest`` is the one that the image has for them, "" if it has none.
    """

    path: Path
    offset: int
    size: int
    digest: str = ""

    def open(self) -> io.BufferedReader:
        """Open the blob as a file of its own."""
        return io.BufferedReader(_Window(self), 1 << 16)

    def read(self) -> bytes:
        """Return all bytes of a document. Raises ExpectedError if it is too large."""
        if self.size > LARGEST_DOCUMENT:
            raise not_an_image(self.path.name, f"{self.digest} has {self.size} bytes")
        with self.open() as file:
            return file.read()


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, blob: LocalBlob) -> None:
        self._file = blob.path.open("rb")
        self._start, self._size, self._position = blob.offset, blob.size, 0
        self._file.seek(self._start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        self._file.seek(self._start + self._position)
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(0, self._size - self._position))
        count = self._file.readinto(memoryview(buffer)[:wanted])
        self._position += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class ImageLayer(msgspec.Struct, frozen=True):
    """A layer: the digest of its tar file, as the configuration has it, and its blob."""

    diff_id: str
    blob: LocalBlob


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: tuple[Digest, ...] = ()


class HistoryLine(msgspec.Struct, frozen=True):
    """A line of the history of an image."""

    created_by: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True):
    """The configuration of an image; ``config`` are the settings of its containers."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str | None = None
    config: dict[str, Any] | None = None
    history: tuple[HistoryLine, ...] | None = None
    rootfs: _RootFs = _RootFs()

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image."""
        labels = (self.config or {}).get("Labels") or {}
        return {str(name): str(value) for name, value in labels.items()}

    @property
    def platform(self) -> str:
        """The platform of the image: ``linux/amd64``."""
        fields = {"os": self.os, "architecture": self.architecture, "variant": self.variant}
        return platform_of(fields)


class AuditedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of one platform.

    ``name`` is as people wrote it. ``digest`` is that of its manifest, "" if it has none.
    """

    name: str
    digest: str
    config_digest: str
    config: ImageConfig
    layers: tuple[ImageLayer, ...]

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the layers' tar files, the lowest layer first."""
        return tuple(layer.diff_id for layer in self.layers)


def read_config(content: bytes, name: str) -> ImageConfig:
    """Read the configuration of an image. Raises ExpectedError."""
    try:
        return msgspec.json.decode(content, type=ImageConfig)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise not_an_image(name, f"its configuration: {error}") from None


def image_layers(name: str, config: ImageConfig, blobs: list[LocalBlob]) -> tuple[ImageLayer, ...]:
    """Return the layers of an image. Raises ExpectedError if the configuration has others."""
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(blobs):
        reason = f"it has {len(blobs)} layers, but its configuration lists {len(diff_ids)}"
        raise not_an_image(name, reason)
    return tuple(ImageLayer(*pair) for pair in zip(diff_ids, blobs, strict=True))


def not_an_image(name: str, reason: str) -> ExpectedError:
    """Return the error for something that is not an image."""
    shown = reason.encode("ascii", "backslashreplace").decode()
    hint = "name an image of the engine, an OCI layout, an archive, or oci://registry/name:tag"
    return ExpectedError(f"{name} is not an image: {shown}", hint)
