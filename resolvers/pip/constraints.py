"""Constraints: those of images.toml, and those in the constraint files of pip's configuration.

pip's configuration names them as ``constraint`` in pip.conf, or in PIP_CONSTRAINT.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError, read_problem
from resolvers.net import http, pip_config
from resolvers.pip import markers
from resolvers.redaction import redact
from resolvers.types.request import Request

COMMENT = re.compile(r"(^|\s)#.*")
CONTINUATION = re.compile(r"\\\r?\n")
NESTED = re.compile(r"(?:-c|--constraint|-r|--requirement)[=\s]\s*(\S+)")
HASH = re.compile(r"\s--hash[=\s]\S+")
HINT = "correct PIP_CONSTRAINT, or 'constraint' in pip's configuration files"


class Constraint(msgspec.Struct, frozen=True):
    """A constraint, and the file that contains it."""

    text: str
    file: str

    @property
    def requirement(self) -> Requirement:
        """The constraint, parsed."""
        return Requirement(self.text)


def applicable(request: Request) -> tuple[Constraint, ...]:
    """Return the constraints of images.toml, and those of this machine: see ``configured``."""
    return (
        *(Constraint(text, "images.toml") for text in request.pip.constraints),
        *configured(request),
    )


def configured(request: Request) -> tuple[Constraint, ...]:
    """Return this machine's constraints for any target, except on packages that conda provides.

    Raises ExpectedError for a file that cannot be read or parsed.
    """
    provided = {distribution.name for distribution in request.pip.provided}
    found = []
    for location in pip_config.settings().get("constraint", "").split():
        for constraint in _read(location, seen=set()):
            requirement = constraint.requirement
            marker = str(requirement.marker or "")
            applies = any(markers.applies(marker, target) for target in request.targets)
            if applies and canonicalize_name(requirement.name) not in provided:
                found.append(constraint)
    return tuple(found)


def specifiers(constraints: tuple[Constraint, ...]) -> Mapping[str, SpecifierSet]:
    """Map the normalised names to the versions that all constraints allow."""
    merged: dict[str, SpecifierSet] = {}
    for constraint in constraints:
        name = canonicalize_name(constraint.requirement.name)
        merged[name] = merged.get(name, SpecifierSet()) & constraint.requirement.specifier
    return merged


def _read(location: str, seen: set[str]) -> Iterator[Constraint]:
    if location in seen:
        return  # files may refer to each other
    seen.add(location)
    text = CONTINUATION.sub(" ", _text(location))
    for line in text.splitlines():
        content = COMMENT.sub("", line).strip()
        if nested := NESTED.fullmatch(content):
            yield from _read(_relative_to(location, nested[1]), seen)
        elif content and not content.startswith("-"):
            yield _parse(" ".join(HASH.sub("", content).split()), location)


def _text(location: str) -> str:
    if "://" in location:
        return http.get(location).content.decode("utf-8", "replace")
    try:
        return Path(location).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"cannot read the constraint file {location}: {read_problem(error)}", HINT
        ) from error


def _relative_to(location: str, nested: str) -> str:
    if "://" in nested or "://" in location:
        return http.join(location, nested)
    return str(Path(location).parent / nested)


def _parse(text: str, location: str) -> Constraint:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ExpectedError(f"{location}: '{text}' is not a constraint: {error}", HINT) from error
    if requirement.url:
        raise ExpectedError(f"{location}: the constraint '{text}' refers to a URL", HINT)
    return Constraint(text, redact(location))
