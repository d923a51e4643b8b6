"""Reads every byte of a lock set's files in the store; a fetch only looks at their sizes."""

from collections.abc import Sequence

import msgspec

from orbiter.fetch.base_image import image_files
from orbiter.fetch.fill import artifacts, base_images
from orbiter.fetch.progress import ProgressCounter, format_progress, run_parallel
from orbiter.lockset.model import LockSet
from orbiter.store.artifact_list import LockedFile
from orbiter.store.download import HashMismatchError
from orbiter.store.store import Store
from orbiter.tasks import StartTask


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a lock set in the store: the number of intact ones, a line for each other."""

    intact: int
    corrupted: tuple[str, ...]


def verify_store(lock_set: LockSet, platforms: Sequence[str], start_task: StartTask) -> StoreReport:
    """Hash a lock set's files that are in the store; move corrupted ones aside.

    Missing files do not count, because the fetch that follows looks for them.
    """
    store = Store()
    files = artifacts(lock_set, platforms)
    corrupted = []
    for image in base_images(lock_set, platforms):
        if store.has(image.digest):
            try:
                files += image_files(image, store)
            except HashMismatchError as error:
                corrupted.append(error.message)
    present = {file.hash: file for file in files if store.has(file.hash)}
    report = start_task("verifying")
    counter = ProgressCounter(
        {file: file.size for file in present.values()},
        lambda progress: report(format_progress(progress)),
    )
    problems = run_parallel(lambda file: _problem(file, store, counter), present.values())
    report("")
    corrupted += sorted(filter(None, problems))
    return StoreReport(intact=problems.count(""), corrupted=tuple(corrupted))


def _problem(file: LockedFile, store: Store, counter: ProgressCounter) -> str:
    """Return the problem of a corrupted file; an intact one has none."""
    problem = ""
    try:
        store.verify(file.hash, file.path)
    except HashMismatchError as error:
        problem = error.message
    counter.finish(file, file.size)
    return problem
