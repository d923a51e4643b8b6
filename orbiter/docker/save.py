"""Images of the engine as files on this machine."""

from pathlib import Path

from orbiter.docker.client import sdk_errors
from orbiter.docker.local_images import find_image


def save_image(tag: str, archive: Path) -> bool:
    """Write an image of the engine to a new archive; return False if there is no such image."""
    image = find_image(tag)
    if image is None:
        return False
    with sdk_errors(f"saving {tag}"), archive.open("xb") as file:
        for chunk in image.save():
            file.write(chunk)
    return True
