"""The keys of images.toml that concern all images, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from orbiter.config.name_keys import REPOSITORY
from orbiter.config.platforms import PLATFORM_ALIASES

# A semantic version: https://semver.org
_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIER = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
Version = Annotated[
    str,
    Meta(
        pattern=rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?$",
        description="The release: one semantic version for all images. Build metadata (+…) is not "
        "allowed, because a tag cannot contain it.",
        examples=["0.1.0"],
        extra={"expected": "a semantic version without build metadata"},
    ),
]
Repository = Annotated[
    str,
    Meta(
        pattern=f"^{REPOSITORY}$",
        description="The Docker repository. Tags are <repository>:<builder>-<image>-<version>.",
        examples=["example/notebooks"],
        extra={"expected": "a Docker repository in lowercase, without a tag or digest"},
    ),
]
Maintainer = Annotated[
    str,
    Meta(
        description="The person responsible for the images, added to them as a label.",
        examples=["Ada Lovelace <ada@example.org>"],
    ),
]
Source = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/@]+(/\S*)?$",
        description="The address of this image set's source code, added to the images as a label.",
        examples=["https://git.example.org/team/notebooks"],
        extra={"expected": "an http or https URL without credentials"},
    ),
]
Templates = Annotated[
    str,
    Meta(
        description="A folder relative to images.toml whose Dockerfile.j2 extends Orbiter's "
        "template of the Dockerfiles.",
        examples=["templates"],
    ),
]
Platform = Annotated[
    Literal["linux/amd64", "linux/arm64"], Meta(extra={"aliases": PLATFORM_ALIASES})
]
Platforms = Annotated[
    tuple[Platform, ...],
    Meta(
        min_length=1,
        description="The platforms that the images are built for.",
        examples=[["linux/amd64", "linux/arm64"]],
    ),
]
UserName = Annotated[
    str,
    Meta(
        pattern="^(?!root$)[a-z_][a-z0-9_-]{0,31}$",
        description="The login name.",
        examples=["jovyan"],
        extra={
            "expected": "a login name other than root: up to 32 of a-z, 0-9, '_' and '-', "
            "starting with a letter"
        },
    ),
]
_MAX_ID = 2**31 - 1
"""The largest user and group ID that Docker accepts."""
Uid = Annotated[int, Meta(ge=1, le=_MAX_ID, description="The user ID.", examples=[1000])]
Gid = Annotated[int, Meta(ge=0, le=_MAX_ID, description="The group ID.", examples=[100])]


class User(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The notebook user inside the images."""

    name: UserName = "jovyan"
    uid: Uid = 1000
    gid: Gid = 100
