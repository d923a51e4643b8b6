"""Decides which results of the previous lock set stay valid."""

from collections.abc import Mapping
from datetime import datetime

from orbiter.config.builders import SYSTEM_MANAGERS, system_manager
from orbiter.config.image_set import Builder, ImageSet
from orbiter.locking.packages import locked_names
from orbiter.locking.work import LockRun, timestamp
from orbiter.lockset.inputs import inputs_digest
from orbiter.lockset.model import BuilderFacts, LockSet
from resolvers.types.packages import LockFiles


def kept_cutoff(image_set: ImageSet, previous: LockSet | None) -> datetime | None:
    """Return the cut-off that a user set for this release earlier, if any."""
    if previous is None or not previous.manifest.as_of:
        return None
    if previous.manifest.release != image_set.version:
        return None
    return datetime.fromisoformat(previous.manifest.cutoff)


def can_reuse(run: LockRun, builder: str, manager: str, files: LockFiles) -> bool:
    """Return whether lock files stay valid, given that their inputs are unchanged."""
    return not _may_be_deleted(run, manager) and not _should_move(run, builder, manager, files)


def _may_be_deleted(run: LockRun, manager: str) -> bool:
    """Return whether mirrors may have deleted locked files.

    A new release should not refer to files that no longer exist.
    """
    if run.previous is None or manager not in SYSTEM_MANAGERS:
        return False
    return run.previous.manifest.release != run.image_set.version


def _should_move(run: LockRun, builder: str, manager: str, files: LockFiles) -> bool:
    """Return whether an upgrade or a new cut-off concerns the pins."""
    upgrade = run.upgrade_of(builder, manager)
    if upgrade.everything:
        return True
    if upgrade.packages and upgrade.packages.keys() & locked_names(manager, files):
        return True
    # apk and apt cannot look back in time, so a cut-off does not concern them.
    if manager in SYSTEM_MANAGERS or run.options.as_of is None or run.previous is None:
        return False
    manifest = run.previous.manifest
    return not manifest.as_of or timestamp(run.options.as_of) != manifest.cutoff


def known_base_facts(
    run: LockRun, builder: Builder, bases: Mapping[str, str]
) -> BuilderFacts | None:
    """Return the previous facts about a builder's base, if they still hold.

    ``bases`` holds the digests of the builder's base image by platform.
    """
    known = run.previous_facts(builder.name)
    if known and run.includes(system_manager(builder.name)):
        return known if _is_same_base(run, builder, known, bases) else None
    return known


def _is_same_base(
    run: LockRun, builder: Builder, known: BuilderFacts, bases: Mapping[str, str]
) -> bool:
    """Return whether the base image and conda's inputs are unchanged.

    Facts that apk or apt determined do not outlive the last requirement for them.
    """
    if run.previous is None or run.options.upgrade.everything:
        return False
    if system_manager(builder.name) in known.inputs:
        return False
    if run.previous.manifest.bases.get(builder.base, {}) != run.bases.get(builder.base):
        return False
    conda_inputs = inputs_digest(run.image_set, builder, "conda", known, bases)
    return conda_inputs == known.inputs.get("conda", "")
