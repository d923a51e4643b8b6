"""Check that the build folder of a lock set follows from its lock files. Pure.

A lock set may come from anybody, and its digests only show that it is complete. So every text in
``build/`` is derived again from the lock files, which people review, and compared. If other
templates rendered the Dockerfiles, they must match the grammar of what Orbiter can render.
"""

import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from orbiter.lockset.downloads import all_downloads, known_paths, problems
from orbiter.lockset.inputs import LOCK_FILES, lock_file_paths, locked_files, unlocked_parts
from orbiter.lockset.model import BUILD, MANIFEST, SNAPSHOT, BuilderFacts, LockSet, LockSetError
from orbiter.lockset.own_files import content_problem, kept_files, template_text
from orbiter.lockset.targets import targets
from orbiter.render.bake_file import bake_file
from orbiter.render.dockerfile import render, render_commands, script_names
from orbiter.render.grammar import violation
from orbiter.render.lists import stage_lists, to_json
from orbiter.render.model import Plan, StagePlan
from orbiter.render.plan import plan
from orbiter.render.stage_rules import stage_rules
from orbiter.render.version import template_version
from resolvers.errors import ExpectedError

BAKE_FILE = "docker-bake.json"
DOCKERFILE = "Dockerfile"
RELOCK = "restore it from git, or run orbiter lock, which renders build/ from the lock files again"

UNPROVEN = (
    "another version of Orbiter rendered build/, and the commands in these files could not be "
    "compared with the lock files"
)
REVIEW = "read these files before you trust the lock set, or lock the release again"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A file that does not follow from the lock files.

    ``expected`` is the derived text, or None if the file should not exist or its text is not known.
    ``found`` is None if the file is missing. ``problem`` says what is wrong.
    """

    path: str
    expected: str | None = None
    found: str | None = None
    problem: str


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a lock set that a build reads, derived from its lock files.

    ``files`` are the checked texts of the build folder. ``same_templates`` says that this version
    of Orbiter renders the same Dockerfiles. ``unproven`` are the paths of the Dockerfiles and
    scripts that it renders differently. Their commands may be anything, so a person must read them.
    """

    plan: Plan
    files: Mapping[str, str]
    same_templates: bool
    unproven: tuple[str, ...]

    @property
    def warning(self) -> str:
        """Return a warning that lists the unproven files; empty if there are none."""
        if not self.unproven:
            return ""
        return "".join((UNPROVEN, ":", *(f"\n  {path}" for path in self.unproven)))


def has_current_templates(lock_set: LockSet) -> bool:
    """Return whether this version of Orbiter rendered the build folder of a lock set."""
    return lock_set.manifest.templates == template_version()


def derive(lock_set: LockSet) -> Derived:
    """Return the checked build folder of a complete lock set.

    Raises LockSetError with the first file that does not follow from the lock files.
    """
    derived_plan, differences = _examine(lock_set)
    if differences:
        first, *others = differences
        more = f" (and {len(others)} more)" if others else ""
        raise LockSetError(f"{first.path}: {first.problem}{more}", RELOCK)
    if derived_plan is None:
        raise LockSetError("the lock set is partial", "run orbiter lock without --only")
    return Derived(
        plan=derived_plan,
        files=_build_files(lock_set),
        same_templates=has_current_templates(lock_set),
        unproven=_unproven(lock_set, derived_plan),
    )


def underivable(lock_set: LockSet) -> tuple[Difference, ...]:
    """Return every file of a lock set that does not follow from its lock files.

    Raises LockSetError if the lock files themselves are malformed.
    """
    _, differences = _examine(lock_set)
    return differences


def _examine(lock_set: LockSet) -> tuple[Plan | None, tuple[Difference, ...]]:
    """Return the plan of a lock set, or None if it is partial, and all differences."""
    foreign = _foreign_files(lock_set)
    manifest = lock_set.manifest
    if unlocked_parts(lock_set.image_set, manifest.bases, manifest.builders):
        problem = "a partial lock set has no build folder"
        paths = (f"{BUILD}/{name}" for name in _build_files(lock_set))
        built = (_unexpected(lock_set, path, problem) for path in paths)
        return None, (*foreign, *built)
    derived_plan = _plan(lock_set)
    compare = _rendered_differences if has_current_templates(lock_set) else _older_differences
    return derived_plan, (*foreign, *compare(lock_set, derived_plan))


def plan_of(lock_set: LockSet) -> Plan:
    """Return the plan of a completely locked lock set, made from its lock files alone."""
    image_set, manifest = lock_set.image_set, lock_set.manifest
    locks = {
        builder: {
            manager: files
            for manager in LOCK_FILES
            if (files := locked_files(lock_set, builder, manager))
        }
        for builder in image_set.builders
    }
    facts = manifest.builders
    return plan(
        image_set,
        epoch=manifest.source_date_epoch,
        bases=manifest.bases,
        locks=locks,
        targets={
            name: targets(image_set, facts.get(name, BuilderFacts())) for name in image_set.builders
        },
        facts=facts,
        installers=manifest.installers,
        template=template_text(image_set, lock_set.files),
        downloads=all_downloads(lock_set.files, image_set.builders),
    )


def _plan(lock_set: LockSet) -> Plan:
    try:
        return plan_of(lock_set)
    except ExpectedError:
        raise
    # The lock files may have any content, and their readers expect what the managers write.
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        problem = f"the lock files are malformed: {type(error).__name__}: {error}"
        raise LockSetError(problem, "restore them from git, or run orbiter lock") from error


def _build_files(lock_set: LockSet) -> dict[str, str]:
    return lock_set.builder_files(BUILD)


def _foreign_files(lock_set: LockSet) -> Iterator[Difference]:
    """Yield what is neither a lock file nor in the build folder, and unused base images."""
    image_set = lock_set.image_set
    known = {SNAPSHOT, *kept_files(image_set), *known_paths(image_set), *lock_file_paths(image_set)}
    for path in sorted(lock_set.files.keys() - known):
        if not path.startswith(f"{BUILD}/"):
            yield _unexpected(lock_set, path, "Orbiter writes no such file")
    for path, file in sorted(kept_files(lock_set.image_set).items()):
        if problem := content_problem(lock_set, path, file):
            yield Difference(path=path, found=lock_set.files.get(path), problem=problem)
    for path, problem in problems(lock_set):
        yield Difference(path=path, found=lock_set.files.get(path), problem=problem)
    used = {builder.base for builder in lock_set.image_set.builders.values()}
    for reference in sorted(lock_set.manifest.bases.keys() - used):
        # A build would fetch it.
        yield Difference(path=MANIFEST, problem=f"no builder uses the base image {reference}")


def _unexpected(lock_set: LockSet, path: str, problem: str) -> Difference:
    return Difference(path=path, found=lock_set.files[path], problem=problem)


def _rendered_differences(lock_set: LockSet, derived_plan: Plan) -> Iterator[Difference]:
    """Yield the differences from what the same templates render."""
    found = _build_files(lock_set)
    expected = render(derived_plan)
    yield from _differences(expected, found, optional=())
    for stage_plan in derived_plan.stages:
        # The texts follow from the lock files, which could still break out of an instruction.
        yield from _grammar_differences(derived_plan, stage_plan, expected)


def _differences(
    expected: Mapping[str, str], found: Mapping[str, str], *, optional: Collection[str]
) -> Iterator[Difference]:
    for name in sorted(expected.keys() | found.keys()):
        before, now = expected.get(name), found.get(name)
        if before == now or (now is None and name in optional):
            continue
        problem = "it differs from what the lock files give"
        if now is None:
            problem = "it is missing"
        elif before is None:
            problem = "the lock files give no such file"
        yield Difference(path=f"{BUILD}/{name}", expected=before, found=now, problem=problem)


def _older_differences(lock_set: LockSet, derived_plan: Plan) -> Iterator[Difference]:
    """Yield the differences of a build folder that other templates rendered.

    Lists are compared as usual. Dockerfiles must match the grammar. The scripts of a stage may have
    any text, because they only run in the steps of the Dockerfile.
    """
    found = _build_files(lock_set)
    lists: dict[str, str] = {}
    unknown: set[str] = set()
    for stage_plan in derived_plan.stages:
        stage = stage_plan.stage.name
        texts = {**stage_lists(derived_plan, stage_plan), **stage_plan.files}
        lists |= {f"{stage}/{name}": text for name, text in texts.items()}
        scripts = script_names(derived_plan, stage_plan)
        unknown |= {f"{stage}/{name}" for name in (DOCKERFILE, *scripts)}
    unknown.add(BAKE_FILE)
    compared = {name: text for name, text in found.items() if name not in unknown}
    # A newer Orbiter may write additional lists, which older Dockerfiles do not read.
    yield from _differences(lists, compared, optional=_additional(lists))
    yield from _bake_file_differences(derived_plan, found.get(BAKE_FILE))
    for stage_plan in derived_plan.stages:
        yield from _grammar_differences(derived_plan, stage_plan, found)


def _unproven(lock_set: LockSet, derived_plan: Plan) -> tuple[str, ...]:
    """Return the paths of the files that only the templates of another version can prove."""
    if has_current_templates(lock_set):
        return ()
    found = _build_files(lock_set)
    return tuple(
        f"{BUILD}/{name}"
        for name, text in sorted(render_commands(derived_plan).items())
        if name in found and found[name] != text
    )


def _additional(names: Collection[str]) -> set[str]:
    """Return the lists that an older lock set may lack."""
    needed = re.compile(r"[^/]+/(?:artifacts|packages)-[^/]+")
    return {name for name in names if not needed.fullmatch(name)}


def _bake_file_differences(derived_plan: Plan, found: str | None) -> Iterator[Difference]:
    """Yield the bake file if it is not that of the plan."""
    if found is None:
        yield Difference(path=f"{BUILD}/{BAKE_FILE}", problem="it is missing")
        return
    expected = to_json(bake_file(derived_plan))
    if found != expected:
        problem = "it differs from what the lock files give"
        path = f"{BUILD}/{BAKE_FILE}"
        yield Difference(path=path, expected=expected, found=found, problem=problem)


def _grammar_differences(
    derived_plan: Plan, stage_plan: StagePlan, files: Mapping[str, str]
) -> Iterator[Difference]:
    name = f"{stage_plan.stage.name}/{DOCKERFILE}"
    text = files.get(name)
    if text is None:
        yield Difference(path=f"{BUILD}/{name}", problem="it is missing")
        return
    reason = violation(text, stage_rules(derived_plan, stage_plan.stage))
    if reason:
        yield Difference(path=f"{BUILD}/{name}", found=text, problem=reason)


def check_own_template(own_plan: Plan, files: Mapping[str, str]) -> None:
    """Check the Dockerfiles that an own template changes, if there is one.

    Raises ExpectedError for an instruction that Orbiter never renders.
    """
    template = own_plan.image_set.template
    if not template:
        return
    for stage in own_plan.image_set.stages:
        reason = violation(files[f"{stage.name}/{DOCKERFILE}"], stage_rules(own_plan, stage))
        if reason:
            problem = f"{template.source} adds text to the Dockerfile of {stage.name} that Orbiter"
            hint = "use step for commands, and the keys of images.toml for settings"
            raise ExpectedError(f"{problem} refuses: {reason}", hint)
