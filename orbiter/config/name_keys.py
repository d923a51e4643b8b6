"""The names that several keys of images.toml have.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated

from msgspec import Meta

# Names become parts of image tags and stage names, so they are stricter than TOML keys.
NAME = "[a-z0-9][a-z0-9-]*"
# A repository name: https://github.com/distribution/reference
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]+)?"
REPOSITORY = rf"({_REGISTRY}/)?{_COMPONENT}(/{_COMPONENT})*"
Name = Annotated[str, Meta(pattern=f"^{NAME}$", extra={"expected": "a name of a-z, 0-9 and '-'"})]
