"""The syntax of each manager's requirements, and the names of the packages in them."""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from orbiter.config import npm_syntax
from orbiter.config.image_set import ImageSet
from resolvers.conda.address import is_address, parse_address

_APT_NAME = r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]"
"""A name as in Debian policy 5.6.1, except a final ``-``: apt would remove that package."""
_APT = re.compile(rf"({_APT_NAME})(?:=(?:\d+:)?[0-9][0-9A-Za-z.+~-]*\*?|/[a-z][a-z0-9.-]*)?")

_CONDA = re.compile(
    r"(?:[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"(?: *[<>=!~(][^\[\]{}:/@]*| +[0-9*][^\s\[\]{}:/@]*(?: +[^\s\[\]{}:/@]+)?)?"
    r"(?:(?<! ) *+\[[^\[\]]*\])?"
)
"""Roughly a MatchSpec. Locking parses it exactly, with a library that is slow to import."""
_ADDRESS = re.compile(r"://|[\[,]\s*url\s*=")

_PIP_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PLAIN_PIP = re.compile(rf"({_PIP_NAME})(?:(?:[<>=!]=|[<>])[0-9]+(?:\.[0-9]+)*)?")
"""The most common requirements. All others need a library whose import takes longer than the rest
of ``orbiter lock --check``."""


class Syntax(msgspec.Struct, frozen=True, kw_only=True):
    """The syntax of one manager's requirements.

    ``name`` returns the normalized package name of a requirement, or None for an invalid one;
    ``package`` does the same for a package name without a version. ``hints`` maps a pattern found
    in an invalid requirement to the remedy; the first match counts.
    """

    expected: str
    name: Callable[[str], str | None]
    package: Callable[[str], str | None]
    hints: Mapping[str, str]

    def hint(self, text: str) -> str:
        """Return the remedy for an invalid requirement."""
        return next(hint for pattern, hint in self.hints.items() if re.search(pattern, text))


def _apk_name(text: str) -> str | None:
    from resolvers.apk.requirement import REQUIREMENT  # only images with apk need it

    match = REQUIREMENT.fullmatch(text)
    return match["name"] if match else None


def _apt_name(text: str) -> str | None:
    match = _APT.fullmatch(text)
    return match[1] if match else None


def _conda_name(text: str) -> str | None:
    if is_address(text):
        address = parse_address(text)
        # orbiter.config.conda_addresses reports a mistake without repeating a password.
        return address.name if address else text
    match = _CONDA.fullmatch(text)
    return match[1].lower() if match and not _ADDRESS.search(text) else None


def _pip_name(text: str) -> str | None:
    # Avoid the import below for as long as possible: see _PLAIN_PIP.
    if plain := _PLAIN_PIP.fullmatch(text):
        return _normalize(plain[1])
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    # orbiter.config.direct_references checks the address, which only a pip list may have.
    return _normalize(requirement.name)


def _pip_package(text: str) -> str | None:
    return _normalize(text) if re.fullmatch(_PIP_NAME, text) else None


def _normalize(name: str) -> str:
    """Return a name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


SYNTAXES: Mapping[str, Syntax] = {
    "apk": Syntax(
        expected="an Alpine package: name, name@tag, or name and version with =, ~, >, >=, < or <=",
        name=_apk_name,
        package=_apk_name,
        hints={
            "@": "write name@tag, or name@tag=version, with the tag of an [apk-repository.NAME]",
            r"==|=.*=": "write one equals sign between name and version: name=version",
            r"\S\s+\S": "write one package per entry",
            "": "for example git, git=2.52.0-r0 or python3~3.12",
        },
    ),
    "apt": Syntax(
        expected="a Debian package: name, name=version, name=1.2.* or name/suite",
        name=_apt_name,
        package=_apt_name,
        hints={
            r"[<>~]=|[<>]|==": "apt accepts a version, name=version, or its beginning, name=1.2.*",
            r"\S\s+\S": "write one package per entry",
            r"[A-Z]": "Debian package names are lowercase",
            "": "for example git, or git=1:2.47.3-0+deb13u1",
        },
    ),
    "conda": Syntax(
        expected="a conda package: a MatchSpec, or the address of a file",
        name=_conda_name,
        package=_conda_name,
        hints={
            r"://|^[./]|@|[\[,]\s*url\s*=": "write the package name, or the complete address of "
            "its file: https://host/name-1.0-0.conda",
            r"^[A-Za-z][\w.-]*(?:\s+[A-Za-z][\w.-]*)+$": "write one package per entry",
            "": "for example numpy, numpy>=2,<3, python=3.12, blas=*=openblas or conda-forge::proj",
        },
    ),
    "pip": Syntax(
        expected="a PEP 508 requirement",
        name=_pip_name,
        package=_pip_package,
        hints={
            r"^-": "set pip options in the configuration of the machine",
            r"://|^[./]|@": "write the name of the package before its address: name @ https://…",
            r"^[^=<>~!]+=[^=]": "write two equals signs for an exact version: name==version",
            r"^[\w.-]+\s+[\w.-]+": "write one package per entry",
            "": "for example numpy, numpy>=2 or dask[array]>=2025.1",
        },
    ),
    "npm": Syntax(
        expected=npm_syntax.EXPECTED,
        name=npm_syntax.installed_name,
        package=npm_syntax.package,
        hints=npm_syntax.HINTS,
    ),
}
"""The syntax by manager, for every manager that images.toml supports."""

SOURCE_KEYS: Mapping[str, str] = {"pip": "pip-sdist", "npm": "npm-scripts"}
"""The key that lists a manager's packages that may run code of their own during the build."""


def package_name(manager: str, requirement: str) -> str:
    """Return the package name of a requirement; an invalid requirement is returned unchanged."""
    return SYNTAXES[manager].name(requirement) or requirement


def locked_name(manager: str, requirement: str) -> str:
    """Return the name that locks have for the package of a requirement.

    It differs from the name of the requirement for an alias of npm.
    """
    if manager == "npm":
        return npm_syntax.locked_name(requirement) or requirement
    return package_name(manager, requirement)


def has_address(manager: str, requirement: str) -> bool:
    """Return whether a requirement names the address of its package instead of a range."""
    if manager == "conda":
        return parse_address(requirement) is not None
    if manager == "npm":
        return npm_syntax.has_address(requirement)
    return manager == "pip" and "@" in requirement.partition(";")[0]


def sort_requirements(manager: str, requirements: Iterable[str]) -> tuple[str, ...]:
    """Return requirements in canonical order: by package name, ignoring case."""

    def key(requirement: str) -> tuple[str, str]:
        return package_name(manager, requirement).casefold(), requirement

    return tuple(sorted(requirements, key=key))


def direct_names(image_set: ImageSet) -> dict[tuple[str, str], frozenset[str]]:
    """Return the package names in images.toml by builder and manager, spelled as in the locks."""
    direct: dict[tuple[str, str], set[str]] = {}
    for stage in image_set.stages:
        for manager, requirements in stage.requirements.items():
            names = direct.setdefault((stage.builder, manager), set())
            names |= {locked_name(manager, requirement) for requirement in requirements}
    return {key: frozenset(names) for key, names in direct.items()}
