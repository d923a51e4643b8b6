"""Images of the engine as files on this machine."""

from pathlib import Path

from orbiter.docker.client import connect, sdk_errors


def save_image(tag: str, archive: Path) -> bool:
    """Write an image of the engine to a new archive; return False if there is no such image."""
    from docker.errors import ImageNotFound

    with sdk_errors(f"saving {tag}"):
        try:
            image = connect().images.get(tag)
        except ImageNotFound:
            return False
        with archive.open("xb") as file:
            for chunk in image.save():
                file.write(chunk)
    return True


def image_digests(tag: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the id of an image of the engine, and the digests of its layers' tar files.

    The id is the digest of its configuration, or with containerd's store that of its manifest.
    Returns None if there is no such image.
    """
    from docker.errors import ImageNotFound

    with sdk_errors(f"looking for {tag}"):
        try:
            image = connect().images.get(tag)
        except ImageNotFound:
            return None
        layers = (image.attrs.get("RootFS") or {}).get("Layers") or ()
        return str(image.id), tuple(str(layer) for layer in layers)
