"""Remove requirements from images.toml. Pure."""

from collections.abc import Callable

from orbiter.config.mistakes import suggest
from orbiter.config.requirements import SYNTAXES
from orbiter.diff.requirement_chains import RequirementChains
from orbiter.edit import changes
from orbiter.edit.changes import Edited, RequirementChange
from orbiter.edit.images_file import ImagesFile, StageRequirement, shown
from orbiter.edit.stages import EditTarget
from orbiter.lockfiles.types import Lock, PackageEntry
from resolvers.errors import ExpectedError

SHOWN = 3
"""Number of packages that an error lists as requiring another one."""


def remove(
    images_file: ImagesFile,
    names: tuple[str, ...],
    targets: tuple[EditTarget, ...] = (),
    manager: str = "",
    read_lock: Callable[[], Lock | None] = lambda: None,
) -> Edited:
    """Return images.toml without the requirements for packages.

    ``targets`` limits the images. ``read_lock`` returns the lock, if there is one, in which an
    error looks up who requires a package. Raises ExpectedError for a package that no list names, or
    that several name.
    """
    chosen = {stage for target in targets for stage in target.stages}
    found: list[StageRequirement] = []
    for name in dict.fromkeys(names):
        for target in targets or (None,):
            found += _found(images_file, name, target, manager, read_lock)
    for entry in found:
        if chosen:
            changes.refuse_shared(images_file, entry, chosen)
    unique = {entry.path: entry for entry in found}.values()
    done = tuple(_change(images_file, entry) for entry in unique)
    return changes.finish(images_file, changes.without(images_file.text, unique), done)


def _found(
    images_file: ImagesFile,
    name: str,
    target: EditTarget | None,
    manager: str,
    read_lock: Callable[[], Lock | None],
) -> list[StageRequirement]:
    """Return the only place of a package's requirement in an image, or in images.toml."""
    entries = [
        entry
        for entry in images_file.entries
        if (target is None or entry.stage in target.stages)
        and manager in {"", entry.manager}
        and SYNTAXES[entry.manager].package(name) == entry.name
    ]
    if not entries:
        raise _not_listed(images_file, name, target, manager, read_lock)
    places = {entry.path: entry for entry in entries}
    if len(places) > 1:
        listed = "".join(f"\n  {entry.list}: {entry.text}" for entry in places.values())
        raise ExpectedError(
            f"'{name}' is in several lists of {images_file.path}:{listed}",
            "choose with --image NAME or --manager NAME",
        )
    return list(places.values())


def _change(images_file: ImagesFile, entry: StageRequirement) -> RequirementChange:
    return RequirementChange(
        stages=changes.stages_of(images_file, entry),
        builder=entry.builder,
        manager=entry.manager,
        place=entry.list,
        old=entry.text,
    )


def _not_listed(
    images_file: ImagesFile,
    name: str,
    target: EditTarget | None,
    manager: str,
    read_lock: Callable[[], Lock | None],
) -> ExpectedError:
    """Return the error for a package that no list names."""
    problem = f"{shown(name)} is not in {_described(images_file, target, manager)}"
    elsewhere = [
        entry
        for entry in images_file.entries
        if SYNTAXES[entry.manager].package(name) == entry.name
    ]
    if elsewhere:
        listed = ", ".join(dict.fromkeys(entry.list for entry in elsewhere))
        return ExpectedError(problem, f"it is in {listed}")
    locked = read_lock()
    if locked and (reason := required_by(locked, name, target)):
        return ExpectedError(f"{problem}: {reason}", "remove what requires it")
    known = {entry.name for entry in images_file.entries}
    return ExpectedError(
        problem, suggest(name, known, f"{images_file.path} lists the requirements")
    )


def _described(images_file: ImagesFile, target: EditTarget | None, manager: str) -> str:
    """Return ``the pip requirements of debian-base in images.toml``."""
    words = ["the", manager, "requirements"]
    if target:
        words.append(f"of {target.stage.name}")
    return " ".join(filter(None, [*words, f"in {images_file.path}"]))


def required_by(locked: Lock, name: str, target: EditTarget | None = None) -> str:
    """Return who requires a package: ``required by pandas (jupyterlab > pandas > numpy)``."""
    chains = RequirementChains()
    found: dict[str, None] = {}
    for scope, packages in locked.packages.items():
        if target is None or scope.environment in target.stages:
            matching = [package for package in packages if _is_named(package, name)]
            chain = chains.chain(packages, matching)
            if len(chain) > 1:
                found[_with_chain(chain[:-1])] = None
    return f"it is required by {', '.join(list(found)[:SHOWN])}" if found else ""


def _with_chain(chain: tuple[str, ...]) -> str:
    """Return the last package of a chain, and the chain if it has others."""
    return f"{chain[-1]} ({' > '.join(chain)})" if len(chain) > 1 else chain[0]


def _is_named(package: PackageEntry, name: str) -> bool:
    syntax = SYNTAXES.get(package.manager)
    return syntax is not None and syntax.package(name) == package.name
