"""The keys of a stage in images.toml about its packages, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated

from msgspec import Meta, Struct

from orbiter.config.command_keys import Command
from orbiter.config.name_keys import NAME

IndexName = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The only index that the package comes from, declared as [index.NAME].",
        examples=["pytorch-cpu"],
        extra={"expected": "the name of an index in images.toml"},
    ),
]
PipRequirementText = Annotated[
    str,
    Meta(
        description="A PEP 508 requirement without a URL.",
        examples=["torch>=2.4"],
        extra={"expected": "a PEP 508 requirement"},
    ),
]
ApkList = Annotated[
    tuple[str, ...],
    Meta(
        description="Alpine packages: name, name=version, name~version, name>version or name@tag. "
        "Only for the builder alpine.",
        examples=[["python3~3.12", "tini"]],
    ),
]
AptList = Annotated[
    tuple[str, ...],
    Meta(
        description="Debian packages: name, name=version or name=1.2.* for any version that begins "
        "so. Not for the builder alpine.",
        examples=[["python3=3.13.*", "git"]],
    ),
]
Recommends = Annotated[
    bool,
    Meta(
        description="Whether apt also installs what the packages of the stage recommend.",
        examples=[True],
    ),
]
Debconf = Annotated[
    tuple[str, ...],
    Meta(
        description="Answers to questions of Debian packages, set before the packages of the stage "
        "are installed: package question type value. Not for passwords.",
        examples=[["locales locales/default_environment_locale select C.UTF-8"]],
    ),
]
CondaList = Annotated[
    tuple[str, ...],
    Meta(
        description="conda packages, as MatchSpecs or as addresses of files. Only for the builder "
        "micromamba.",
        examples=[["python=3.13", "numpy>=2,<3"]],
    ),
]
NpmList = Annotated[
    tuple[str, ...],
    Meta(
        description="npm packages: name, name@range, alias@npm:name@range, or name@ADDRESS for a "
        "tarball.",
        examples=[["vega-lite", "canvas@^3.1"]],
    ),
]
PipSdistList = Annotated[
    tuple[str, ...],
    Meta(
        description="Python packages that may be built from an sdist.",
        examples=[["some-package"]],
    ),
]
NpmScriptsList = Annotated[
    tuple[str, ...],
    Meta(
        description="npm packages whose install scripts may run.",
        examples=[["canvas"]],
    ),
]
Normalize = Annotated[
    tuple[Command, ...],
    Meta(
        description="Shell commands that run right after the Debian packages of the stage are "
        "installed. They remove or rewrite files that package scripts write differently each time.",
        examples=[["rm -f /etc/example.id"]],
    ),
]


class PipRequirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python package from an index of its own. No other package comes from there."""

    requirement: PipRequirementText
    index: IndexName


PipList = Annotated[
    tuple[str | PipRequirement, ...],
    Meta(
        description="Python packages: PEP 508 requirements without a URL, or tables with a "
        "requirement and its index.",
        examples=[["jupyterlab", {"requirement": "torch", "index": "pytorch-cpu"}]],
    ),
]
