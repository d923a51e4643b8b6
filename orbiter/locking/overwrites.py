"""Refuses packages of conda and pip that replace each other's files in an image."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from orbiter.config.builders import overwrites
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.config.indexes import used_indexes
from orbiter.config.stage_graph import ancestors, builder_stages
from resolvers.errors import ExpectedError
from resolvers.managers import MANAGERS
from resolvers.overwrites import FileList, Overlap, PackageFiles, overlaps, winner
from resolvers.types.packages import LockFiles, Pin
from resolvers.types.request import NOTE, LockWarning, Target

MANAGERS_OF_ENV = ("conda", "pip")
"""The managers whose packages share ``/opt/env``, in the order in which a stage installs them."""
SHOWN = 5
"""Number of packages, or of paths, that a message lists."""

_Step = Mapping[str, tuple[Pin, ...]]
"""The packages that one stage installs itself, by manager."""
_Files = Mapping[str, Mapping[Pin, FileList | ExpectedError]]
"""The files of packages by manager. A package that is compiled in the build is left out."""


def check_overwrites(
    image_set: ImageSet,
    builder: Builder,
    locks: Mapping[str, LockFiles],
    targets: tuple[Target, ...],
    progress: Callable[[str], None],
) -> dict[str, list[LockWarning]]:
    """Raise ExpectedError if two packages of a stage install the same file differently.

    ``locks`` are lock files by manager. Files with the same content are allowed, and packages in
    ``pip-overwrites`` and ``conda-overwrites`` may replace files. Returns warnings by manager:
    about packages whose files cannot be read, and names in these keys that are not locked.
    """
    installed = [
        _steps(image_set, stage, locks, target)
        for stage in builder_stages(image_set, builder.name)
        for target in targets
    ]
    files = _read_files(installed, used_indexes(image_set, builder.name))
    allowed = overwrites(builder)
    problems: dict[str, Overlap] = {}
    for steps in installed:
        for overlap in overlaps(_with_files(steps, files)):
            if problem := _problem(overlap, winner(overlap, allowed)):
                problems.setdefault(problem, overlap)
    if problems:
        raise _error(builder.name, problems)
    return {
        manager: [*_unread(by_pin, progress), *_not_locked(manager, by_pin, allowed)]
        for manager, by_pin in files.items()
    }


def _not_locked(
    manager: str, files: Iterable[Pin], allowed: Mapping[str, tuple[str, ...]]
) -> Iterator[LockWarning]:
    locked = {pin.name for pin in files}
    for name in allowed.get(manager, ()):
        if locked and name not in locked:
            yield LockWarning(
                package=name,
                text=f"{manager}-overwrites has no effect, because no such package is locked",
                hint=f"correct the name in {manager}-overwrites, or remove it",
            )


def _unread(
    files: Mapping[Pin, FileList | ExpectedError], progress: Callable[[str], None]
) -> Iterator[LockWarning]:
    """Yield a warning about the packages of a manager whose files are not known."""
    errors = {pin: error for pin, error in files.items() if isinstance(error, ExpectedError)}
    if not errors:
        return
    names = sorted({pin.name for pin in errors})
    first = min(errors)
    # The lock set keeps the warning, and the reason may contain the address of an index.
    progress(f"{NOTE}{errors[first].message}")
    shown = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        shown += f" and {len(names) - SHOWN} more"
    yield LockWarning(
        package=first.name,
        text="Orbiter cannot read which files these packages install, so it did not check "
        f"whether they overwrite files of others: {shown}",
        hint="check that this machine can download these packages, then lock again with "
        f"--upgrade-package {first.name}",
    )


def _steps(
    image_set: ImageSet, stage: Stage, locks: Mapping[str, LockFiles], target: Target
) -> list[_Step]:
    """Return what each stage adds to a stage's ``/opt/env``, in the order of the build."""
    inherited = ancestors(image_set, stage, MANAGERS_OF_ENV[0])
    seen: set[Pin] = set()
    steps: list[_Step] = []
    for each in builder_stages(image_set, stage.builder):
        if each.name not in (stage.name, *inherited):
            continue
        names = (each.name, *ancestors(image_set, each, MANAGERS_OF_ENV[0]))
        step: dict[str, tuple[Pin, ...]] = {}
        for manager in MANAGERS_OF_ENV:
            pins = MANAGERS[manager].select(locks.get(manager, {}), target, names)
            step[manager] = tuple(pin for pin in pins if pin not in seen)
            seen.update(pins)
        steps.append(step)
    return steps


def _read_files(installed: Iterable[list[_Step]], indexes: Mapping[str, str]) -> _Files:
    """Return the files of all packages, each read once; ``indexes`` are those of images.toml."""
    from resolvers.conda import file_lists as of_conda
    from resolvers.pip import file_lists as of_pip

    pins: dict[str, dict[Pin, None]] = {manager: {} for manager in MANAGERS_OF_ENV}
    for steps in installed:
        for step in steps:
            for manager, added in step.items():
                pins[manager] |= dict.fromkeys(added)
    return {
        "conda": of_conda.file_lists(pins["conda"]),
        "pip": of_pip.file_lists(pins["pip"], indexes),
    }


def _with_files(steps: list[_Step], files: _Files) -> Iterator[PackageFiles]:
    position = 0
    for step in steps:
        for manager, pins in step.items():
            position += 1
            for pin in pins:
                file_list = files[manager].get(pin)
                if isinstance(file_list, Mapping):
                    yield PackageFiles(
                        manager=manager,
                        name=pin.name,
                        version=pin.version,
                        files=file_list,
                        position=position,
                    )


def _problem(overlap: Overlap, chosen: PackageFiles | None) -> str:
    """Return why an overlap is refused, or ""."""
    first, second = overlap.first, overlap.second
    paths = ", ".join(overlap.paths[:SHOWN])
    text = f"{first} and {second} install different files at {paths}"
    if (more := len(overlap.paths) - SHOWN) > 0:
        text += f" and {more} more"
    if chosen is None:
        return text
    other = first if chosen is second else second
    if chosen.position < other.position:
        return f"{text}, and {chosen.name} cannot win, because a later step installs {other.name}"
    return ""


def _error(builder: str, problems: Mapping[str, Overlap]) -> ExpectedError:
    shown = list(problems)[:SHOWN]
    lines = [f"builder {builder}: packages would overwrite each other's files", *shown]
    if hidden := len(problems) - len(shown):
        lines.append(f"and {hidden} more pairs of packages")
    last = next(iter(problems.values())).second
    return ExpectedError(
        "\n  ".join(lines),
        "remove one of each pair, or name the package whose files win in "
        f'[builder.{builder}], such as {last.manager}-overwrites = ["{last.name}"]',
    )
