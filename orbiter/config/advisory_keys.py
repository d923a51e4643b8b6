"""The keys of images.toml about security advisories.

They are part of the types in ``schema``, which explains their ``Meta``. They affect neither lock
sets nor images, because advisories appear after a release was locked.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

AdvisoryId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]*$",
        description="The id of the advisory, such as that of a CVE.",
        examples=["CVE-2024-29415"],
        extra={"expected": "the id of an advisory, such as CVE-2024-29415"},
    ),
]
AdvisedName = Annotated[
    str,
    Meta(
        pattern=r"^(\S+)?$",
        description="The package, as reports name it. The default is all packages.",
        examples=["ip"],
        extra={"expected": "the name of a package"},
    ),
]
Reason = Annotated[
    str,
    Meta(
        pattern=r"\S",
        description="The reason why the advisory does not matter, for reports.",
        examples=["no image calls isPublic"],
        extra={"expected": "a reason"},
    ),
]
Until = Annotated[
    date,
    Meta(
        description="The last day on which the decision counts. Then somebody decides again.",
        examples=["2027-01-31"],
        extra={"example": "2027-01-31"},
    ),
]


class IgnoredAdvisory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision that an advisory does not matter for a package, or for all packages."""

    id: AdvisoryId
    package: AdvisedName = ""
    reason: Reason
    until: Until


IgnoredAdvisories = Annotated[
    tuple[IgnoredAdvisory, ...],
    Meta(
        description="Decisions about security advisories that do not matter for these images, for "
        "`orbiter audit --vulnerabilities` and `orbiter diff-locks --vulnerabilities`.",
        examples=[[{"id": "CVE-2024-29415", "reason": "no image calls it", "until": "2027-01-31"}]],
    ),
]
