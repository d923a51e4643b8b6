"""The resolved image set as TOML, as every lock set keeps it."""

import msgspec

from orbiter.config.image_set import ImageSet
from resolvers.errors import ExpectedError


def dump(image_set: ImageSet) -> str:
    """Return the image set as canonical TOML; ``load`` reads it back."""
    return msgspec.toml.encode(image_set, order="sorted").decode()


def load(text: str) -> ImageSet:
    """Return the image set that ``dump`` wrote.

    Raises ExpectedError if the text is not a snapshot.
    """
    try:
        return msgspec.toml.decode(text, type=ImageSet)
    # Absurd numbers and depths raise errors other than DecodeError.
    except (ValueError, RecursionError) as error:
        raise ExpectedError(
            f"images.toml of the lock set cannot be read: {error}",
            "restore the lock set from git, or lock again",
        ) from None
