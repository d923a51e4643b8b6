"""The error for requirements that cannot be met, the same for all engines."""

import re
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.index.index_file import version_of
from resolvers.pip import constraints, markers, provided
from resolvers.pip.index_proxy import IndexProxy
from resolvers.pip.near_names import near_names
from resolvers.pip.pyproject import PROJECT
from resolvers.types.request import Request

NOT_IN_NAME = re.compile(r"[^\w.-]+")
RANGES = re.compile(r"all of:((?: [\w.-]+[<>=~!][^ ]*){2,})")
"""uv lists each range of versions that it excludes."""


def unsolvable(request: Request, explanation: str, proxy: IndexProxy) -> ExpectedError:
    """Return the error for an engine's explanation.

    It lists the groups, upgrades and conda packages behind the names in the explanation.
    """
    # Users do not know the project that Orbiter writes for the engine.
    text = explanation.replace(f"{PROJECT}:", "").replace(f"{PROJECT} (0)", "the image")
    text = RANGES.sub(_first_range, text.replace(PROJECT, "the image"))
    names = names_in(text)
    if missing := _missing_names(request, names, proxy):
        return _missing_packages(request, missing, text)
    from_conda = provided.describe(request, names)
    lines = [
        "the pip requirements cannot be met together:",
        text,
        *_requirement_lines(request, names),
        *_upgrade_lines(request),
        *_constraint_lines(request, names),
        *_unsupported_lines(request, names, proxy),
        *from_conda,
    ]
    hint = "loosen or drop one of these requirements"
    if from_conda:
        hint += ", or request another version from conda"
    return UnsolvableError("\n".join(lines), hint)


def names_in(text: str) -> set[NormalizedName]:
    """Return the words of a text that may be names of packages."""
    return {canonicalize_name(word.strip(".")) for word in NOT_IN_NAME.split(text)}


def _first_range(match: "re.Match[str]") -> str:
    first, *others = match[1].split()
    return f"{first} (and {len(others)} more ranges)"


def _missing_names(
    request: Request, names: set[NormalizedName], proxy: IndexProxy
) -> list[NormalizedName]:
    """Return the names that the index does not have: all required ones, and any in ``names``."""
    required = set()
    for requirement in _requirements(request):
        marker = str(requirement.marker or "")
        if any(markers.applies(marker, target) for target in request.targets):
            name = canonicalize_name(requirement.name)
            required.add(name)
            proxy.files(name)  # the engine stops at the first one
    return sorted((names | required) & proxy.missing)


def _requirements(request: Request) -> list[Requirement]:
    return [Requirement(text) for group in request.groups for text in group.requirements]


def _missing_packages(request: Request, missing: list[NormalizedName], text: str) -> ExpectedError:
    """Return the error for packages that the index does not have."""
    if named := [name for name in missing if name in request.pip.sources]:
        return _missing_on_named_index(request, named[0])
    names = ", ".join(f"'{name}'" for name in missing)
    required = list(_requirement_lines(request, set(missing)))
    # Without such a line, only another package requires it, which the explanation shows.
    lines = [f"the package index has no package {names}:", *(required or [text])]
    near = [f"'{near}' instead of '{name}'" for name in missing for near in near_names(name)]
    hint = "correct the name, or check the index in PIP_INDEX_URL or pip's configuration files"
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    return UnsolvableError("\n".join(lines), hint)


def _missing_on_named_index(request: Request, name: NormalizedName) -> ExpectedError:
    """Return the error for a package that its index in images.toml does not have."""
    index = request.pip.sources[name]
    lines = [f"the index '{index}' has no package '{name}':", *_requirement_lines(request, {name})]
    return UnsolvableError(
        "\n".join(lines),
        f"correct the name, or the url of [index.{index}] in images.toml; a private index may need "
        "credentials in ~/.netrc",
    )


def _requirement_lines(request: Request, names: set[NormalizedName]) -> Iterator[str]:
    for group in request.groups:
        for requirement in sorted(set(group.requirements)):
            if canonicalize_name(Requirement(requirement).name) in names:
                yield f"  '{requirement}' is required by '{group.name}'"


def _constraint_lines(request: Request, names: set[NormalizedName]) -> Iterator[str]:
    """Yield a line for each constraint and each override of the names."""
    for override in request.pip.overrides:
        if canonicalize_name(Requirement(override).name) in names:
            yield f"  '{override}' is an override in images.toml"
    for constraint in constraints.applicable(request):
        if canonicalize_name(constraint.requirement.name) in names:
            yield f"  '{constraint.text}' is a constraint in {constraint.file}"


def _upgrade_lines(request: Request) -> Iterator[str]:
    for name, version in request.upgrade.packages.items():
        if version:
            yield f"  '{name}=={version}' is requested as an upgrade"


def _has_fitting_versions(request: Request, name: NormalizedName, proxy: IndexProxy) -> bool:
    """Return whether each requirement of the groups for a package has a version that it allows."""
    specifiers = [
        requirement.specifier
        for requirement in _requirements(request)
        if canonicalize_name(requirement.name) == name
    ]
    versions = [version for file in proxy.files(name) if (version := version_of(file))]
    return bool(specifiers) and all(any(each.filter(versions)) for each in specifiers)


def _unsupported_lines(
    request: Request, names: set[NormalizedName], proxy: IndexProxy
) -> Iterator[str]:
    """Yield a line for each project with versions that do not support the image's Python."""
    for name in sorted(names & proxy.unsupported.keys()):
        if _has_fitting_versions(request, name, proxy):
            continue
        required = {version_of(file.name): file.requires_python for file in proxy.unsupported[name]}
        versions = sorted(version for version in required if version)
        if not versions:
            continue
        newest, others = versions[-1], len(versions) - 1
        more = f", like {others} older ones," if others else ""
        yield (
            f"  '{name}' {newest}{more} does not support the image's Python "
            f"{request.targets[0].python}: it requires {required[newest]}"
        )
