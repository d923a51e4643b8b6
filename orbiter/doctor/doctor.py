"""All checks of a machine and of a project: ``orbiter doctor``."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from orbiter.config.image_set import ImageSet
from orbiter.doctor import files, indexes, machine, mirrors, network, registries
from orbiter.doctor.check import Asks, Check, run_checks
from orbiter.doctor.clock import compare_clocks
from orbiter.doctor.repository import check_git
from orbiter.doctor.result import Diagnosis, Outcome, failed
from orbiter.lockset.folder import LOCKS
from orbiter.tasks import StartTask
from resolvers.errors import ExpectedError
from resolvers.net import server_dates

STATUS = "see the complete error: orbiter status"


def diagnose_machine(
    image_set: ImageSet | None, mistake: ExpectedError | None, start_task: StartTask
) -> Diagnosis:
    """Run all checks; ``image_set`` is None outside of a project, or with a ``mistake`` in it."""
    clock = Check("clock", lambda _asks: compare_clocks(server_dates.differences()))
    checks = run_checks(_checks(image_set, mistake), report=start_task("doctor"), last=(clock,))
    return Diagnosis(release=image_set.version if image_set else "", checks=checks)


def _checks(image_set: ImageSet | None, mistake: ExpectedError | None) -> Iterator[Check]:
    if mistake:
        outcome = failed(mistake.message.splitlines()[0], STATUS)
        yield Check("image set", lambda _asks: outcome)
    yield Check("Docker engine", machine.check_engine)
    yield Check("buildx", machine.check_buildx)
    if image_set:
        platforms = image_set.platforms
        yield Check("platforms", lambda _asks: machine.check_platforms(platforms))
        yield Check("git", partial(_check_git, image_set.version))
    yield Check("cache folder", machine.check_cache)
    yield Check("Docker's disk", machine.check_engine_disk)
    yield Check("proxies", network.check_proxies)
    yield Check("certificates", network.check_certificates)
    yield from _planned("pip index", lambda: indexes.pip_checks(image_set))
    yield from _planned("npm registry", lambda: indexes.npm_checks(image_set))
    if image_set:
        yield from _planned("conda channel", lambda: indexes.conda_checks(image_set))
        yield from registries.registry_checks(image_set)
        yield from mirrors.source_checks(image_set)
        yield from _planned("mirrors", lambda: mirrors.mirror_checks(image_set))
        yield from files.download_checks(image_set)
    yield Check("archive", files.check_archive)


def _planned(name: str, plan: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield planned checks; a check that fails if the configuration cannot be read."""
    try:
        yield from tuple(plan())
    except ExpectedError as error:
        yield _failing(name, error)


def _failing(name: str, error: ExpectedError) -> Check:
    def fail(_asks: Asks) -> Outcome:
        raise error

    return Check(name, fail)


def _check_git(release: str, _asks: Asks) -> Outcome:
    return check_git(Path(LOCKS), release)
