"""The keys of images.toml about indexes, registries and repositories, as people write them.

They are part of the types in ``schema``, which explains their ``Meta``.
"""

from typing import Annotated

from msgspec import Meta, Struct

from orbiter.config.name_keys import NAME

# The suite and a component of an apt repository. A folder without suites ends with a slash.
SUITE = r"[A-Za-z0-9][A-Za-z0-9._/-]*|/|\./"
# The file name of a key of apk, which becomes a path.
KEY_NAME = "[A-Za-z0-9][A-Za-z0-9@._-]*"
COMPONENT = "[A-Za-z0-9][A-Za-z0-9._/-]*"
IndexUrl = Annotated[
    str,
    Meta(
        description="The address of the simple pages of a Python package index: https, and "
        "without credentials.",
        examples=["https://download.pytorch.org/whl/cpu"],
        extra={"expected": "an https address without credentials"},
    ),
]
NpmScope = Annotated[
    str,
    Meta(
        description="The scope, which is the start of package names.",
        examples=["@lab"],
        extra={"expected": "a scope such as @lab"},
    ),
]
NpmRegistryUrl = Annotated[
    str,
    Meta(
        description="The address of an npm registry: https, and without credentials.",
        examples=["https://npm.example.org/"],
        extra={"expected": "an https address without credentials"},
    ),
]
RepositoryUrl = Annotated[
    str,
    Meta(
        description="The address of a package repository, without credentials. For apt, the "
        "default is a mirror of the base.",
        examples=["https://packages.example.org/debian"],
        extra={"expected": "an http or https address without credentials"},
    ),
]
RepositorySuite = Annotated[
    str,
    Meta(
        pattern=f"^({SUITE})$",
        description="The suite, or a folder with a slash at its end.",
        examples=["trixie-backports"],
        extra={"expected": "the name of a suite, or a folder with a slash at its end"},
    ),
]
Component = Annotated[
    str, Meta(pattern=f"^{COMPONENT}$", extra={"expected": "the name of a component"})
]
Components = Annotated[
    tuple[Component, ...],
    Meta(description='The components; ["main"] by default.', examples=[["main"]]),
]
KeyFile = Annotated[
    str,
    Meta(
        description="The public key that signs the repository, relative to images.toml.",
        examples=["keys/example.asc"],
    ),
]
ApkRepositoryUrl = Annotated[
    str,
    Meta(
        description="The address of a repository of Alpine packages, which contains the folders of "
        "the architectures, without credentials.",
        examples=["https://packages.example.org/v3.23/lab"],
        extra={"expected": "an http or https address without credentials"},
    ),
]
Tag = Annotated[
    str,
    Meta(
        pattern=f"^{NAME}$",
        description="The tag of requirements for its packages, name@tag; by default, the name of "
        "the repository.",
        examples=["lab"],
        extra={"expected": "a tag of a-z, 0-9 and '-'"},
    ),
]
Fingerprint = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Fa-f]{4} *){10}$|^[0-9A-Fa-f]{64}$",
        description="The fingerprint of a key that the base trusts and that signs the repository.",
        examples=["4CB50190207B4758A3F73A796ED0E7B82643E131"],
        extra={"expected": "the 40 or 64 hexadecimal digits of a fingerprint"},
    ),
]


class IndexTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python package index for the packages that name it."""

    url: IndexUrl


class NpmRegistryTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An npm registry for all packages of a scope."""

    scope: NpmScope
    url: NpmRegistryUrl


class AptRepositoryTable(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """A repository of Debian packages for the builders that name it."""

    url: RepositoryUrl = ""
    suite: RepositorySuite
    components: Components = ()
    key_file: KeyFile = ""
    fingerprint: Fingerprint = ""


class ApkRepositoryTable(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"
):
    """A repository of Alpine packages, for the requirements with its tag."""

    url: ApkRepositoryUrl
    key_file: KeyFile
    tag: Tag = ""
