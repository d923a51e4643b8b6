"""The state of each stage, from the steps that BuildKit announces, starts and completes."""

import pytest

from orbiter.docker.stage_progress import StageProgress
from orbiter.tasks import Report


class Lines(list[str]):
    """Keeps what each stage reports."""

    def start_task(self, stage: str) -> Report:
        return lambda line: self.append(f"{stage}: {line}")


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def progress(lines: Lines) -> StageProgress:
    return StageProgress(lines.start_task)


def test_a_stage_is_built_and_exported(lines: Lines, progress: StageProgress) -> None:
    progress.announce("core", "1")
    progress.announce("core", "2")
    progress.start("core", "apt")
    progress.output("core", "apt: Setting up curl")
    progress.complete("core", "1")
    progress.start("core", "pip")
    progress.complete("core", "2")
    progress.start_export("core", "3")
    progress.complete("core", "3")
    progress.finish()
    assert lines == [
        "core: waiting",
        "core: building: apt",
        "core: building: apt: Setting up curl",
        "core: building",
        "core: building: pip",
        "core: done",
        "core: exporting",
        "core: done",
        "core: ",
    ]


def test_a_stage_whose_steps_are_all_in_the_cache(lines: Lines, progress: StageProgress) -> None:
    for step in ("1", "2"):
        progress.announce("core", step)
    for step in ("1", "2"):
        progress.complete("core", step)
    assert lines == ["core: waiting", "core: cached"]


def test_stages_are_independent(lines: Lines, progress: StageProgress) -> None:
    progress.announce("core", "1")
    progress.announce("geo", "2")
    progress.start("core", "")
    progress.complete("geo", "2")
    progress.finish()
    assert lines == [
        "core: waiting",
        "geo: waiting",
        "core: building",
        "geo: cached",
        "core: ",
        "geo: ",
    ]
