"""The image of one platform, as assembly writes it."""

from pathlib import Path

import msgspec

from orbiter.oci.registry import sha256


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One layer.

    ``diff_id`` is the digest of its tar file. ``digest`` and ``size`` (bytes) are those of the
    compressed file at ``path``.
    """

    diff_id: str
    digest: str
    size: int
    media_type: str
    path: Path


class AssembledImage(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest, the configuration and the layers of an image, the lowest layer first."""

    platform: str
    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return sha256(self.manifest)

    @property
    def config_digest(self) -> str:
        """The digest of the configuration."""
        return sha256(self.config)
