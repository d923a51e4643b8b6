"""Open what TARGET on the command line names, wherever the image is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbiter.archive.registry import SCHEME
from orbiter.audit.image import AuditedImage, not_an_image
from orbiter.audit.layouts import Archive, Folder, has_layout, read_layout
from orbiter.audit.registry import download_image
from orbiter.docker.save import save_image
from orbiter.tasks import Report
from resolvers.errors import ExpectedError


@contextmanager
def open_image(target: str, platform: str, scratch: Path, report: Report) -> Iterator[AuditedImage]:
    """Yield the image that ``target`` names, for a platform, "" if it has only one.

    ``target`` is ``oci://registry/name:tag``, a folder with an OCI layout, a tar file, or the tag
    of an image in the engine. ``scratch`` gets the files of an image that is not on this machine's
    disk. Raises ExpectedError if there is no such image.
    """
    path = Path(target)
    if target.startswith(SCHEME):
        yield download_image(target, platform, scratch, report)
    elif path.is_dir():
        if not has_layout(path):
            raise not_an_image(target, "the folder has no OCI layout")
        yield read_layout(target, Folder(path), platform)
    elif path.is_file():
        yield read_layout(target, Archive(path), platform)
    else:
        yield _saved(target, platform, scratch, report)


def _saved(tag: str, platform: str, scratch: Path, report: Report) -> AuditedImage:
    """Return an image of the engine."""
    report(f"saving {tag} from the engine")
    archive = scratch / "saved.tar"
    if not save_image(tag, archive):
        raise ExpectedError(
            f"{tag} is neither an image of the engine nor a file or folder",
            "name its whole tag, such as example/notebooks:debian-base-0.1.0; orbiter images lists "
            f"the tags\n  for an image in a registry, write {SCHEME}registry/name:tag",
        )
    return read_layout(tag, Archive(archive), platform)
