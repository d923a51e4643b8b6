"""Pushes a built image to its registry, from the files on this machine."""

from collections.abc import Sequence

from orbiter.assembly.blobs import Blobs
from orbiter.assembly.documents import OCI_CONFIG
from orbiter.assembly.image import AssembledImage
from orbiter.build.built_image import BuiltImage
from orbiter.docker import client
from orbiter.oci.push import BlobFile, ImageManifest, mount_sources, push_image
from orbiter.oci.reference import parse_reference
from orbiter.oci.registry import OCI_MANIFEST, repositories
from orbiter.tasks import Report


def push(
    image: BuiltImage, built: Sequence[BuiltImage], bases: Sequence[str], report: Report
) -> None:
    """Push an image; ``bases`` are base images, whose layers the registry may have.

    Raises ExpectedError with the reason and a remedy.
    """
    # Mirrors come first, but a push goes to the registry itself.
    repository = repositories(image.tag, credentials=client.credentials)[-1]
    blobs = Blobs()
    push_image(
        repository,
        parse_reference(image.tag).tag,
        [_manifest(each, blobs) for each in image.images],
        image.index,
        report=report,
        mounts=mount_sources(image.tag, (*bases, *(each.tag for each in built))),
    )


def _manifest(image: AssembledImage, blobs: Blobs) -> ImageManifest:
    config = BlobFile(
        image.config_digest, len(image.config), OCI_CONFIG, blobs.path(image.config_digest)
    )
    layers = [
        BlobFile(layer.digest, layer.size, layer.media_type, layer.path) for layer in image.layers
    ]
    return ImageManifest(image.digest, image.manifest, OCI_MANIFEST, (config, *layers))
