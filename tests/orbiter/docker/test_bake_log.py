"""What people see of a build, from lines that buildx prints."""

from collections.abc import Callable

import pytest

from orbiter.docker.bake_log import BakeLog

STAGES = ("debian-core", "debian-base")
SEVERAL = """
#1 [internal] load local bake definitions
#3 [context debian:1@sha256:00] load metadata for debian:1@sha256:00
#7 [debian-core stage-0 2/4] RUN --network=none --mount=type=bind,target=/lock <<'APT' (set -eu...)
#7 0.512 Setting up curl
#7 0.613
#8 [linux/amd64 debian-base stage-0 2/2] COPY --from=debian-core --chown=1:2 /opt/env /opt/env
#7 0.900 E: it broke
#8 CANCELED
#7 ERROR: process "/bin/sh -c set -eu" did not complete successfully: exit code: 100
"""
ALONE = """
#4 [stage-0 3/4] RUN --network=none <<'PIP' (set -eu...)
#4 1.0 Resolved 3 packages
#4 DONE 2.0s
"""


def follow(text: str, targets: tuple[str, ...]) -> tuple[BakeLog, list[str]]:
    told: list[str] = []

    def begin(stage: str) -> Callable[[str], None]:
        return lambda line: told.append(f"{stage}: {line}")

    log = BakeLog(begin, STAGES, targets)
    for line in text.strip().splitlines():
        log(line)
    return log, told


def test_lines_are_told_by_stage_and_step() -> None:
    _, told = follow(SEVERAL, STAGES)
    assert told == [
        "debian-core: apt",
        "debian-core: apt: Setting up curl",
        "debian-base: COPY /opt/env /opt/env",
        "debian-core: apt: E: it broke",
    ]


def test_a_stage_that_is_built_alone_is_named_too() -> None:
    log, told = follow(ALONE, ("debian-base",))
    log.finish()
    assert told == ["debian-base: pip", "debian-base: pip: Resolved 3 packages", "debian-base: "]


def test_a_failure_names_stage_and_step_with_the_last_lines() -> None:
    log, _ = follow(SEVERAL, STAGES)
    error = log.failure(SEVERAL)
    assert (
        error.message == "building debian-core failed at 'apt':\n  Setting up curl\n  E: it broke"
    )


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        (
            "ERROR: docker exporter is not supported for the docker driver",
            "--driver docker-container",
        ),
        ("#9 0.1 exec /bin/sh: exec format error", "--builder"),
        ("write /x: no space left on device", "docker buildx prune"),
        ('ERROR: no builder "b" found', "docker buildx ls"),
        ("something else", ""),
    ],
)
def test_a_failure_outside_of_any_step_shows_the_end_and_a_remedy(output: str, hint: str) -> None:
    error = follow(SEVERAL, STAGES)[0].failure(output)
    assert output in error.message
    assert hint in error.hint
    assert bool(error.hint) == bool(hint)
