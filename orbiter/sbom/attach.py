"""Bills of materials beside the image that they describe, in its registry."""

from collections.abc import Mapping

from orbiter.docker.objects import LOCKSET
from orbiter.oci.artifact import ArtifactFile
from orbiter.oci.published import PublishedImage
from orbiter.oci.referrers import attach
from orbiter.oci.registry_errors import explained, image_name
from orbiter.sbom.formats import format_bill
from orbiter.sbom.model import Bill
from resolvers.errors import ExpectedError

MEDIA_TYPES: Mapping[str, str] = {
    "cyclonedx-1.6": "application/vnd.cyclonedx+json",
    "cyclonedx-1.7": "application/vnd.cyclonedx+json",
    "spdx-2.3": "application/spdx+json",
}
"""The media type of each format, which is also the type of the artifact."""


def attach_bill(bill: Bill, file_format: str, published: PublishedImage) -> bool:
    """Attach a bill to an image; return whether it was not attached before.

    Raises ExpectedError if the image was built from another lock set.
    """
    _check_lock_set(bill, published)
    media_type = MEDIA_TYPES[file_format]
    content = format_bill(bill, file_format).encode()
    file = ArtifactFile(media_type=media_type, content=content)
    with explained(published.repository, published.tag):
        return attach(published.repository, published.subject, media_type, [file])


def _check_lock_set(bill: Bill, published: PublishedImage) -> None:
    for labels in published.labels():
        found = labels.get(LOCKSET, "")
        if found != bill.root:
            origin = f"the lock set {found}" if found else "an unknown lock set"
            name = image_name(published.repository, published.tag)
            raise ExpectedError(
                f"{name} was built from {origin}, but locks/{bill.release} has {bill.root}",
                "restore the lock set from git, or push its images: orbiter push",
            )
