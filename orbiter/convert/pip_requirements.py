"""The pip requirements of an image as lines of a requirements file, which environment.yml has."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement

from orbiter.config.image_set import ImageSet
from orbiter.config.indexes import package_indexes
from orbiter.config.projects import is_path
from orbiter.config.requirements import package_name


def requirement_lines(
    image_set: ImageSet, builder: str, requirements: Iterable[str]
) -> Iterator[str]:
    """Yield a line for each index that the requirements name, and one for each requirement.

    pip has no option for the index of a single package, so the comment names its packages.
    """
    requirements = tuple(requirements)
    addresses = image_set.indexes or {}
    for name, packages in _by_index(image_set, builder, requirements).items():
        yield f"--extra-index-url {addresses[name]}  # {', '.join(packages)}"
    for requirement in requirements:
        yield _line(requirement)


def _by_index(
    image_set: ImageSet, builder: str, requirements: Iterable[str]
) -> Mapping[str, list[str]]:
    """Return the packages among the requirements that have an index, by its name."""
    indexes = package_indexes(image_set, builder)
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        name = package_name("pip", requirement)
        if name in indexes:
            found.setdefault(indexes[name], []).append(name)
    return dict(sorted(found.items()))


def _line(text: str) -> str:
    """Return a requirement as pip reads it: the path of a folder has no name before it."""
    if "@" not in text:
        return text
    requirement = Requirement(text)
    if not is_path(requirement.url or ""):
        return text
    line = requirement.url or ""
    if requirement.extras:
        line += f"[{','.join(sorted(requirement.extras))}]"
    if requirement.marker:
        line += f" ; {requirement.marker}"
    return line
