"""The command to run next for a release. Pure."""

from collections.abc import Collection
from pathlib import Path

import msgspec

from orbiter.lockset.git_files import CommitStatus

NO_ENGINE = "start the Docker engine, or set DOCKER_HOST: a release is built with it"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A command and the reason for it.

    The command is "" if there is nothing to do, or nothing that a command does.
    """

    command: str
    reason: str


def next_step(
    *,
    lock: str,
    is_released: bool,
    git: CommitStatus,
    built: Collection[str],
    pushed: Collection[str],
    path: Path,
) -> Step:
    """Return the first step that the release still lacks, in the order of the tutorial.

    ``built`` and ``pushed`` are the states of its images.
    """
    return _locking(lock, path, is_released=is_released) or (
        _committing(git) or (_publishing(pushed) if is_released else _releasing(built))
    )


def _locking(lock: str, path: Path, *, is_released: bool) -> Step | None:
    if lock == "missing":
        return Step(command="orbiter lock", reason="the release is not locked")
    if lock == "broken":
        return Step(command="orbiter lock --check", reason="the lock set is broken")
    if lock == "stale" and is_released:
        reason = f"{path} was released and cannot change, but images.toml has changed"
        return Step(command="orbiter bump auto", reason=reason)
    if lock == "stale":
        return Step(command="orbiter lock", reason="the lock set is stale")
    return None


def _committing(git: CommitStatus) -> Step | None:
    if git.state == "ignored":
        return Step(command=git.command, reason="git ignores files that a clone needs")
    if git.state == "changed":
        reason = "git has not committed everything that a clone needs"
        return Step(command=git.command, reason=reason)
    return None


def _releasing(built: Collection[str]) -> Step:
    if {"missing", "stale"} & {*built}:
        return Step(command="orbiter build", reason="the Docker engine lacks fresh images")
    if "unknown" in built:
        return Step(command="", reason=NO_ENGINE)
    return Step(command="orbiter release", reason="the digests of the images are not recorded")


def _publishing(pushed: Collection[str]) -> Step:
    if "missing" in pushed:
        return Step(command="orbiter push", reason="the registry lacks images")
    if "other" in pushed:
        reason = "a tag names another image in the registry"
        return Step(command="orbiter bump auto", reason=reason)
    if {"unknown", "not checked"} & {*pushed}:
        reason = "whether the images are pushed was not checked"
        return Step(command="orbiter status --remote", reason=reason)
    return Step(command="", reason="nothing is left to do for this release")
