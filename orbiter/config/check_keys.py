"""The keys of images.toml about checks of locked packages.

They are part of the types in ``schema``, which explains their ``Meta``. They affect neither lock
sets nor images, because people also decide about them after a release was locked.
"""

from typing import Annotated

from msgspec import Meta, Struct

RuleId = Annotated[
    str,
    Meta(
        pattern="^[a-z]+(-[a-z]+)*$",
        description="The id of a rule.",
        examples=["sdist-only"],
        extra={"expected": "the id of a rule, such as sdist-only"},
    ),
]
HostPattern = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9*][A-Za-z0-9.*-]*$",
        description="A host without scheme and port, or a pattern such as *.example.org.",
        examples=["*.example.org"],
        extra={"expected": "a host, such as packages.example.org or *.example.org"},
    ),
]
KnownName = Annotated[
    str,
    Meta(
        pattern=r"^\S+$",
        description="The name of a package, as the lock file has it.",
        examples=["is-object"],
        extra={"expected": "the name of a package"},
    ),
]


class LintTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Settings of `orbiter lint`, in addition to its options."""

    ignore: Annotated[
        tuple[RuleId, ...],
        Meta(
            description="Rules whose findings are not reported.",
            examples=[["sdist-only"]],
        ),
    ] = ()
    allowed_hosts: Annotated[
        tuple[HostPattern, ...],
        Meta(
            description="The only hosts that lock files may name. The default is any host.",
            examples=[["*.example.org"]],
        ),
    ] = ()
    known_names: Annotated[
        tuple[KnownName, ...],
        Meta(
            description="Packages that are what they should be, even if their names look like "
            "those of others.",
            examples=[["is-object"]],
        ),
    ] = ()


DeniedLicence = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9*][A-Za-z0-9.+*-]*( WITH [A-Za-z0-9.+*-]+)?$",
        description="An SPDX identifier, a pattern such as AGPL-*, or unknown.",
        examples=["AGPL-*"],
        extra={"expected": "an SPDX identifier such as GPL-3.0-only, or a pattern such as AGPL-*"},
    ),
]
Expression = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9(][A-Za-z0-9.+() -]*$",
        description="The licence as an SPDX expression.",
        examples=["BSD-3-Clause"],
        extra={"expected": "an SPDX expression such as BSD-3-Clause"},
    ),
]
LicenceReason = Annotated[
    str,
    Meta(
        pattern=r"\S",
        description="How the licence is known, for reports.",
        examples=["the file LICENSE of its sdist"],
        extra={"expected": "a reason"},
    ),
]


class KnownLicence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The licence of a package whose metadata does not have it."""

    package: KnownName
    licence: Expression
    reason: LicenceReason


class LicencesTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `orbiter licences`, in addition to its options."""

    deny: Annotated[
        tuple[DeniedLicence, ...],
        Meta(
            description="Licences that no package may need. `unknown` stands for packages without "
            "a known licence.",
            examples=[["AGPL-*", "SSPL-1.0"]],
        ),
    ] = ()
    known: Annotated[
        tuple[KnownLicence, ...],
        Meta(
            description="The licences of packages whose metadata does not have them.",
            examples=[[{"package": "example", "licence": "MIT", "reason": "its README"}]],
        ),
    ] = ()


Licences = Annotated[
    LicencesTable,
    Meta(
        description="Settings of `orbiter licences`. They affect neither lock sets nor images.",
        examples=[{"deny": ["AGPL-*"]}],
    ),
]
Lint = Annotated[
    LintTable,
    Meta(
        description="Settings of `orbiter lint`. They affect neither lock sets nor images.",
        examples=[{"ignore": ["sdist-only"]}],
    ),
]
RequireAudit = Annotated[
    bool,
    Meta(
        description="`orbiter push`, `orbiter build --push` and `orbiter release` audit images "
        "first, and refuse those with findings.",
        examples=[True],
    ),
]
