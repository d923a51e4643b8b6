"""Runs the tests of images in parallel, each in a container of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import msgspec

from orbiter.config.image_tests import FOLDER, ImageTests
from orbiter.docker.offline_run import Ended, OfflineCommand, processors, run_offline
from orbiter.image_tests.files import NOTEBOOK_RUNNER, VOLUME, pack
from orbiter.image_tests.results import ImageResults, Kind, Result
from orbiter.image_tests.run_notebook import NO_NBCLIENT
from orbiter.tasks import Report
from resolvers.errors import ExpectedError

MAX_JOBS = 4
"""Number of tests that run at the same time, on a Docker engine with as many processors."""
NOT_FOUND = 127
"""Exit code of a shell that does not find a program."""
NBCLIENT_HINT = "add nbclient, or jupyterlab, which contains it, to the pip or conda packages"
KERNEL_HINT = "add the kernel of the notebook, such as ipykernel, to the packages"
READ_ONLY = "Read-only file system"
READ_ONLY_HINT = "tests can write to their folder, to the home folder, /tmp and /var/tmp only"
CELL = "cell "
"""Beginning of the line in which ``run_notebook`` reports an error."""


class ImageToTest(msgspec.Struct, frozen=True, kw_only=True):
    """An image to test: the name of its stage, and its tag, platform and content in the engine."""

    image: str
    release: str
    tag: str
    platform: str
    id: str
    tests: ImageTests


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """One test."""

    image: ImageToTest
    name: str
    kind: Kind
    files: bytes


def run_tests(
    images: Sequence[ImageToTest], root: Path, report: Report
) -> tuple[ImageResults, ...]:
    """Run the tests of images, without a network; return their results in the same order.

    ``root`` is the folder of images.toml. If the user interrupts, all containers are removed.
    """
    jobs = [job for image in images for job in _jobs(image, root)]
    stop = Event()
    with _executor(stop) as executor:
        futures = [executor.submit(_run, job, stop) for job in jobs]
        results = list(_finished(futures, report))
    return tuple(
        ImageResults(
            image=image.image,
            release=image.release,
            platform=image.platform,
            id=image.id,
            results=tuple(
                result for job, result in zip(jobs, results, strict=True) if job.image is image
            ),
        )
        for image in images
    )


def _jobs(image: ImageToTest, root: Path) -> Iterator[_Job]:
    files = pack(image.tests, root)
    for command in image.tests.commands:
        yield _Job(image=image, name=command, kind="command", files=files)
    for notebook in image.tests.notebooks:
        yield _Job(image=image, name=notebook, kind="notebook", files=files)


@contextmanager
def _executor(stop: Event) -> Iterator[ThreadPoolExecutor]:
    """Yield an executor; at the end of the block, also by an error, nothing of it runs."""
    executor = ThreadPoolExecutor(max_workers=min(MAX_JOBS, processors()))
    try:
        yield executor
    finally:
        stop.set()
        with suppress(KeyboardInterrupt):  # a second Ctrl-C must not leave containers behind
            executor.shutdown(cancel_futures=True)
        executor.shutdown()


def _finished(futures: Sequence[Future[Result]], report: Report) -> Iterator[Result]:
    for number, future in enumerate(futures):
        report(f"{number} of {len(futures)} tests ended")
        yield future.result()


def _run(job: _Job, stop: Event) -> Result:
    if stop.is_set():
        raise ExpectedError("interrupted")
    image = job.image
    ended = run_offline(
        OfflineCommand(
            tag=image.tag,
            platform=image.platform,
            words=_words(job),
            volume=VOLUME,
            files=job.files,
            folder=FOLDER,
            limit=image.tests.timeout,
        ),
        stop,
    )
    return _result(job, ended)


def _words(job: _Job) -> tuple[str, ...]:
    if job.kind == "command":
        return ("/bin/sh", "-c", job.name)
    return ("/bin/sh", "-c", f'exec python3 {NOTEBOOK_RUNNER} "$0"', f"{FOLDER}/{job.name}")


def _result(job: _Job, ended: Ended) -> Result:
    found = Result(name=job.name, kind=job.kind, verdict="passed", seconds=round(ended.seconds, 3))
    if ended.exit_code == 0:
        return found
    if ended.exit_code is None:
        limit = f"killed after {job.image.tests.timeout:g} s"
        return msgspec.structs.replace(
            found, verdict="timeout", reason=limit, output=ended.output, hint="raise verify-timeout"
        )
    reason, hint = f"exit code {ended.exit_code}", ""
    if READ_ONLY in ended.output:
        hint = READ_ONLY_HINT
    if job.kind == "notebook":
        reason, hint = _notebook_problem(ended, reason)
    return msgspec.structs.replace(
        found, verdict="failed", reason=reason, hint=hint, output=ended.output
    )


def _notebook_problem(ended: Ended, reason: str) -> tuple[str, str]:
    """Return why a notebook failed, and the remedy if there is one."""
    if ended.exit_code == NOT_FOUND:
        return "the image has no python3 to run notebooks with", NBCLIENT_HINT
    if ended.exit_code == NO_NBCLIENT:
        return "the image has no nbclient to run notebooks with", NBCLIENT_HINT
    found = [
        line for line in ended.output.splitlines() if line.startswith((CELL, "the notebook: "))
    ]
    reason = found[-1] if found else reason
    return reason, KERNEL_HINT if "NoSuchKernel" in reason else ""
