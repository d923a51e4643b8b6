"""What a requirement of each manager looks like, and which package it asks for."""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from orbiter.config.image_set import ImageSet

_APT_NAME = r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]"
"""Debian policy 5.6.1, but for a last ``-``, which tells apt to remove the package."""
_APT = re.compile(rf"({_APT_NAME})(?:=(?:\d+:)?[0-9][0-9A-Za-z.+~-]*)?")

_CONDA = re.compile(
    r"(?:[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"(?: *[<>=!~(][^\[\]{}:/@]*| +[0-9*][^\s\[\]{}:/@]*(?: +[^\s\[\]{}:/@]+)?)?(?: *\[[^\[\]]*\])?"
)
"""A MatchSpec, roughly: conda itself reads it when it is locked, which takes a library that is slow to import."""
_ADDRESS = re.compile(r"://|[\[,]\s*url\s*=")

_PIP_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PLAIN_PIP = re.compile(rf"({_PIP_NAME})(?:(?:[<>=!]=|[<>])[0-9]+(?:\.[0-9]+)*)?")
"""Most requirements are as simple as this; to read the others takes a library that takes longer to import than all
the rest of ``orbiter lock --check``."""

_NPM_NAME = r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*"
_NUMBER = r"(?:\d+|[xX*])"
_VERSION = rf"v?{_NUMBER}(?:\.{_NUMBER}){{0,2}}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_COMPARATOR = rf"(?:(?:~>?|\^|[<>]=?|=) *)?{_VERSION}"
_RANGE = rf"{_COMPARATOR}(?: - {_VERSION}| +{_COMPARATOR})*"
_NPM = re.compile(rf"({_NPM_NAME})(?:@(?:{_RANGE}(?: *\|\| *{_RANGE})*|[A-Za-z][0-9A-Za-z._-]*))?")
"""Ranges of node-semver or a tag such as ``latest``; no ``file:``, Git or http addresses and no aliases."""


class Syntax(msgspec.Struct, frozen=True, kw_only=True):
    """How one manager's requirements are written.

    ``name`` gives the name of the package that a requirement asks for, in normal form, or None when the text
    is no requirement; ``package`` does so for a bare name; ``hints`` go by what is found in a wrong one.
    """

    expected: str
    name: Callable[[str], str | None]
    package: Callable[[str], str | None]
    hints: Mapping[str, str]

    def hint(self, text: str) -> str:
        """What to do about a text that is no requirement."""
        return next(hint for pattern, hint in self.hints.items() if re.search(pattern, text))


def _apk_name(text: str) -> str | None:
    from resolvers.apk.requirement import REQUIREMENT  # seldom needed

    found = REQUIREMENT.fullmatch(text)
    return found["name"] if found else None


def _apt_name(text: str) -> str | None:
    found = _APT.fullmatch(text)
    return found[1] if found else None


def _conda_name(text: str) -> str | None:
    found = _CONDA.fullmatch(text)
    return found[1].lower() if found and not _ADDRESS.search(text) else None


def _npm_name(text: str) -> str | None:
    found = _NPM.fullmatch(text)
    return found[1] if found else None


def _npm_package(text: str) -> str | None:
    return text if re.fullmatch(_NPM_NAME, text) else None


def _pip_name(text: str) -> str | None:
    if plain := _PLAIN_PIP.fullmatch(text):
        return _normal(plain[1])
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    return None if requirement.url else _normal(requirement.name)


def _pip_package(text: str) -> str | None:
    return _normal(text) if re.fullmatch(_PIP_NAME, text) else None


def _normal(name: str) -> str:
    """PEP 503's normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


SYNTAXES: Mapping[str, Syntax] = {
    "apk": Syntax(
        expected="an Alpine package: name, or name and version with =, ~, >, >=, < or <=",
        name=_apk_name,
        package=_apk_name,
        hints={
            "@": "repositories are those of the base image: write the name alone",
            r"==|=.*=": "one equals sign stands between name and version: name=version",
            r"\S\s+\S": "write one package an entry",
            "": "for example git, git=2.52.0-r0 or python3~3.12",
        },
    ),
    "apt": Syntax(
        expected="a Debian package: name or name=version",
        name=_apt_name,
        package=_apt_name,
        hints={
            r"[<>~]=|[<>]|==": "apt takes an exact version, name=version, or none",
            r"\S\s+\S": "write one package an entry",
            r"[A-Z]": "names of Debian packages are in lower case",
            "": "for example git, or git=1:2.47.3-0+deb13u1",
        },
    ),
    "conda": Syntax(
        expected="a conda package: a MatchSpec, without address",
        name=_conda_name,
        package=_conda_name,
        hints={
            r"://|^[./]|@|[\[,]\s*url\s*=": "a lock names packages of channels: write its name",
            r"^[A-Za-z][\w.-]*(?:\s+[A-Za-z][\w.-]*)+$": "write one package an entry",
            "": "for example numpy, numpy>=2,<3, python=3.12, blas=*=openblas or conda-forge::proj",
        },
    ),
    "pip": Syntax(
        expected="a PEP 508 requirement without URL or path",
        name=_pip_name,
        package=_pip_package,
        hints={
            r"^-": "options of pip belong into the configuration of the machine",
            r"://|^[./]|@": "a lock names files of the package index: name a package of the index",
            r"^[^=<>~!]+=[^=]": "an exact version takes two equals signs: name==version",
            r"^[\w.-]+\s+[\w.-]+": "write one package an entry",
            "": "for example numpy, numpy>=2 or dask[array]>=2025.1",
        },
    ),
    "npm": Syntax(
        expected="an npm package: name, @scope/name or name@range",
        name=_npm_name,
        package=_npm_package,
        hints={
            r"[:]|/.*/|^[./]|^[^@/]+/": "a lock names packages of the registry: write its name, not an address",
            r"^[^@]+[<>=~^]": "an @ stands between name and range: name@^1.2",
            r"^@?[^@\s]+\s+[^@\s]+$": "write one package an entry",
            "": "for example canvas, canvas@^3.1 or @types/node",
        },
    ),
}
"""Every manager whose requirements images.toml can hold."""

SOURCE_KEYS: Mapping[str, str] = {"pip": "pip-sdist", "npm": "npm-scripts"}
"""The key that names the packages of a manager which may run code of their own."""


def package_name(manager: str, requirement: str) -> str:
    """The name of the package that a requirement asks for; the requirement itself when it cannot be read."""
    return SYNTAXES[manager].name(requirement) or requirement


def sort_requirements(manager: str, requirements: Iterable[str]) -> tuple[str, ...]:
    """Requirements in their canonical order: by the name of the package, whatever its case."""
    return tuple(
        sorted(requirements, key=lambda each: (package_name(manager, each).casefold(), each))
    )


def direct_names(image_set: ImageSet) -> dict[tuple[str, str], frozenset[str]]:
    """The names that people asked for, by builder and manager, as the lock files spell them."""
    found: dict[tuple[str, str], set[str]] = {}
    for stage in image_set.stages:
        for manager, requirements in stage.requirements.items():
            names = found.setdefault((stage.builder, manager), set())
            names |= {package_name(manager, requirement) for requirement in requirements}
    return {key: frozenset(names) for key, names in found.items()}
