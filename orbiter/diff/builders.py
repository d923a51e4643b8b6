"""Where the builders of one release differ: packages that several of them have, at different versions. Pure.

What is the same package:

- A Python distribution, whether pip or conda brings it, by its name in PEP 503's form. conda's name for a package that
  needs Python mostly is the distribution's; where a pip lock stands on conda's packages, that lock names them.
- Python itself.
- A package of npm that images.toml asks for. What those need comes in several versions within one builder.

Packages of apk and apt never are: each distribution has names and versions of its own.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from packaging.utils import canonicalize_name

from orbiter.config.image_set import Builder, ImageSet
from orbiter.config.requirements import direct_names
from orbiter.config.stage_graph import builder_stages
from orbiter.diff.versions import key
from orbiter.lockset.inputs import inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts, LockSet
from orbiter.lockset.targets import targets
from resolvers.managers import MANAGERS
from resolvers.npm import lock_file
from resolvers.pip import pyproject
from resolvers.types import LockFiles, Target

Name = tuple[str, str]
"""A package's name, and by whose rules it is one: pip's for all that is of Python, or npm's."""
Found = Iterator[tuple[Name, str]]
"""Packages and their versions."""
PYTHON: Name = ("python", "pip")
NEEDS_PYTHON = {"python", "python_abi"}


class BuilderDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One package: its versions by builder, and whether images.toml asks for it by name in any of them."""

    name: str
    versions: Mapping[str, tuple[str, ...]]
    direct: bool


def builder_differences(lock_set: LockSet) -> tuple[BuilderDifference, ...]:
    """The packages that more than one builder has and that are not at the same versions in all of these, by name.

    Parts that are not locked as images.toml asks are left out.
    """
    image_set = lock_set.image_set
    if len(image_set.builders) == 1:
        return ()
    found: dict[Name, dict[str, tuple[str, ...]]] = {}
    for builder in image_set.builders.values():
        for name, versions in _packages(image_set, builder, lock_set).items():
            found.setdefault(name, {})[builder.name] = tuple(sorted(versions))
    asked = _asked(image_set)
    return tuple(
        BuilderDifference(name=name, versions=versions, direct=(name, rules) in asked)
        for (name, rules), versions in sorted(found.items())
        if len({_normal(rules, each) for each in versions.values()}) > 1
    )


def _normal(rules: str, versions: tuple[str, ...]) -> frozenset[object]:
    """The versions as they compare: to pip 1.0 and 1.0.0 are one. What is no version there stands for itself."""
    return frozenset((key("pip", each) if rules == "pip" else None) or each for each in versions)


def _asked(image_set: ImageSet) -> set[Name]:
    """What images.toml asks for by name. Python belongs to it: its series is a matter of images.toml."""
    found = {PYTHON}
    for (_, manager), names in direct_names(image_set).items():
        if manager == "npm":
            found |= {(name, "npm") for name in names}
        elif manager in READERS:
            found |= {(canonicalize_name(name), "pip") for name in names}
    return found


def _packages(image_set: ImageSet, builder: Builder, lock_set: LockSet) -> dict[Name, set[str]]:
    """The versions of a builder's packages that can be compared; of a name that both know pip's lock knows better."""
    facts = lock_set.manifest.builders.get(builder.name, BuilderFacts())
    bases = lock_set.manifest.bases.get(builder.base, {})
    stages = tuple(stage.name for stage in builder_stages(image_set, builder.name))
    # While no part says which Python there is, it is a guess.
    found = {PYTHON: {facts.python}} if lock_set.is_complete and facts.python else {}
    for manager, read in READERS.items():
        files = locked_files(lock_set, builder.name, manager)
        if files and inputs_digest(image_set, builder, manager, facts, bases) == facts.inputs.get(
            manager, ""
        ):
            found |= _collected(read(files, targets(image_set, facts), stages))
    return found


def _collected(pairs: Found) -> dict[Name, set[str]]:
    found: dict[Name, set[str]] = {}
    for name, version in pairs:
        found.setdefault(name, set()).add(version)
    return found


def _of_conda(files: LockFiles, _at: tuple[Target, ...], _stages: tuple[str, ...]) -> Found:
    """Only what needs Python is taken for a distribution: ``graphviz`` is a program to conda, and a module to pip."""
    for package in MANAGERS["conda"].read(files):
        if package.name == "python" or not NEEDS_PYTHON.isdisjoint(package.requires):
            yield (canonicalize_name(package.name), "pip"), package.version


def _of_pip(files: LockFiles, at: tuple[Target, ...], stages: tuple[str, ...]) -> Found:
    """What pip installs on any platform, and the distributions that it finds there from conda."""
    for target in at:
        for pin in MANAGERS["pip"].select(files, target, stages):
            yield (pin.name, "pip"), pin.version
    provided = pyproject.provided_anywhere(files)
    for package in MANAGERS["pip"].read(files) if provided else ():
        if package.name in provided:
            yield (package.name, "pip"), package.version


def _of_npm(files: LockFiles, _at: tuple[Target, ...], _stages: tuple[str, ...]) -> Found:
    tree = lock_file.parse(files)
    for name in {name for names in tree.groups.values() for name in names}:
        yield (name, "npm"), tree.entries[f"node_modules/{name}"]["version"]


READERS: Mapping[str, Callable[[LockFiles, tuple[Target, ...], tuple[str, ...]], Found]] = {
    "conda": _of_conda,
    "pip": _of_pip,
    "npm": _of_npm,
}
