"""Progress and errors of a build, read from the events that buildx prints."""

import base64
import json

import pytest

from orbiter.docker.bake_log import BakeLog
from orbiter.tasks import Report
from resolvers.errors import ExpectedError

STAGES = ("debian-core", "debian-base")
STARTED, COMPLETED = "2026-11-28T08:32:12.913459458Z", "2026-11-28T08:32:13.913459458Z"
Event = dict[str, list[dict[str, object]]]


def step(number: int, name: str, **fields: object) -> Event:
    return {"vertexes": [{"digest": f"sha256:{number}", "name": name, **fields}]}


def output(number: int, text: str, stream: int = 1) -> Event:
    data = base64.b64encode(text.encode()).decode()
    return {"logs": [{"vertex": f"sha256:{number}", "stream": stream, "data": data}]}


APT = (
    "[debian-core stage-0 2/4] RUN --network=none --mount=type=bind,target=/lock <<'APT' (set -eu)"
)
COPY = "[linux/amd64 debian-base stage-0 2/2] COPY --from=debian-core --chown=1:2 /opt/env /opt/env"
FAILURE = 'process "/bin/sh -c set -eu" did not complete successfully: exit code: 100'
SEVERAL = (
    step(1, "[internal] load local bake definitions", started=STARTED),
    step(3, "[context debian:1@sha256:00] load metadata for debian:1@sha256:00", started=STARTED),
    step(7, APT),
    step(7, APT, started=STARTED),
    output(7, "Setting up"),
    output(7, " curl\n\n"),
    step(8, COPY, started=STARTED),
    output(7, "E: it broke", stream=2),
    step(8, COPY, started=STARTED, completed=COMPLETED, error="context canceled"),
    step(7, APT, started=STARTED, completed=COMPLETED, error=FAILURE),
)
ALONE = (
    step(4, "[stage-0 3/4] RUN --network=none <<'PIP' (set -eu...)", started=STARTED),
    output(4, "Resolved 3 packages\n"),
    step(
        4,
        "[stage-0 3/4] RUN --network=none <<'PIP' (set -eu...)",
        started=STARTED,
        completed=COMPLETED,
    ),
)


@pytest.fixture(params=[None, 2], ids=["one line per event", "indented"])
def indent(request: pytest.FixtureRequest) -> int | None:
    """Return the indent of events: none as in buildx 0.29, or 2 as in 0.13."""
    return request.param  # type: ignore[no-any-return]  # pytest does not type it


def read(
    events: tuple[Event, ...], targets: tuple[str, ...], indent: int | None = None, end: str = ""
) -> tuple[BakeLog, list[str]]:
    """Return the log after these events and a last plain text, and the lines that it reported."""
    lines: list[str] = []

    def start_task(stage: str) -> Report:
        return lambda line: lines.append(f"{stage}: {line}")

    log = BakeLog(start_task, STAGES, targets)
    text = "\n".join([*(json.dumps(event, indent=indent) for event in events), end])
    for line in text.splitlines():
        log(line)
    return log, lines


def test_lines_are_reported_by_stage_and_step(indent: int | None) -> None:
    _, lines = read(SEVERAL, STAGES, indent)
    assert lines == [
        "debian-core: waiting",
        "debian-core: building: apt",
        "debian-core: building: apt: Setting up curl",
        "debian-base: waiting",
        "debian-base: building",
        "debian-core: building: apt: E: it broke",
    ]


def test_the_only_stage_of_a_build_is_named_too(indent: int | None) -> None:
    log, lines = read(ALONE, ("debian-base",), indent)
    log.finish()
    assert lines == [
        "debian-base: waiting",
        "debian-base: building: pip",
        "debian-base: building: pip: Resolved 3 packages",
        "debian-base: done",
        "debian-base: ",
    ]


def test_a_failure_names_stage_and_step_with_the_last_lines(indent: int | None) -> None:
    log, _ = read(SEVERAL, STAGES, indent, end="Dockerfile:3\nERROR: failed to solve: process")
    assert log.failure().message == (
        "building debian-core failed at 'apt':\n  Setting up curl\n  E: it broke"
    )


def test_a_silent_step_that_fails_shows_the_error_of_buildkit() -> None:
    events = (
        step(7, APT, started=STARTED),
        step(7, APT, started=STARTED, completed=COMPLETED, error=FAILURE),
    )
    assert read(events, STAGES)[0].failure().message == (
        f"building debian-core failed at 'apt':\n  {FAILURE}"
    )


def test_a_shared_step_belongs_to_the_first_stage_that_starts_it() -> None:
    events = (
        step(7, APT, started=STARTED),
        step(7, APT.replace("debian-core", "debian-base"), started=STARTED),
        output(7, "Setting up curl\n"),
    )
    assert read(events, STAGES)[1] == [
        "debian-core: waiting",
        "debian-core: building: apt",
        "debian-core: building: apt: Setting up curl",
    ]


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("[debian-base] exporting to oci image format", STAGES),
        ("exporting to oci image format", ("debian-base",)),
    ],
)
def test_an_image_is_exporting_after_its_steps(name: str, targets: tuple[str, ...]) -> None:
    events = (
        step(8, COPY),
        step(8, COPY, started=STARTED, completed=COMPLETED, cached=True),
        step(9, name, started=STARTED),
        step(9, name, started=STARTED, completed=COMPLETED),
    )
    assert read(events, targets)[1] == [
        "debian-base: waiting",
        "debian-base: cached",
        "debian-base: exporting",
        "debian-base: done",
    ]


def test_of_a_progress_bar_only_the_last_state_is_reported() -> None:
    events = (step(7, APT, started=STARTED), output(7, "10 %\r 50 %\r100 %\r\n"))
    assert read(events, STAGES)[1][2:] == ["debian-core: building: apt: 100 %"]


@pytest.mark.parametrize(
    ("end", "hint"),
    [
        (
            "ERROR: OCI exporter is not supported for the docker driver",
            "--driver docker-container",
        ),
        ("exec /bin/sh: exec format error", "--builder"),
        ("write /x: no space left on device", "docker buildx prune"),
        ('ERROR: no builder "b" found', "docker buildx ls"),
        ("ERROR: invalid progress mode rawjson", "buildx 0.13"),
        ("something else", ""),
        ("{ text that is not an event", ""),
    ],
)
def test_a_failure_outside_of_any_step_shows_the_end_and_a_remedy(end: str, hint: str) -> None:
    error = read(SEVERAL[:3], STAGES, end=end)[0].failure()
    assert error.message.startswith("docker buildx bake failed:\n")
    assert end in error.message
    assert hint in error.hint
    assert bool(error.hint) == bool(hint)


def test_the_output_of_a_failed_step_decides_the_remedy() -> None:
    events = (*SEVERAL[:4], output(7, "exec /bin/sh: exec format error\n"), SEVERAL[-1])
    assert "--platform" in read(events, STAGES)[0].failure().hint


@pytest.mark.parametrize(
    "line",
    [
        "npm error gyp ERR! stack Error: getaddrinfo EAI_AGAIN nodejs.org",
        "npm error code ENOTCACHED",
        "curl: (6) Could not resolve host: example.org",
        "wget: unable to resolve host address 'example.org'",
        "wget: bad address 'example.org'",
        "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in "
        "name resolution",
        "fatal: unable to access 'https://example.org/a/': Could not resolve host: example.org",
        "connect: Network is unreachable",
    ],
)
@pytest.mark.parametrize("script", ["NPM", "POSTBUILD"])
def test_a_step_that_wanted_the_network_names_the_reason(line: str, script: str) -> None:
    def failure(network: str, text: str) -> ExpectedError:
        name = f"[debian-core stage-0 2/4] RUN --network={network} <<'{script}' (set -eu)"
        events = (
            step(7, name, started=STARTED),
            output(7, f"{text}\n" + "one more line\n" * 30),
            step(7, name, started=STARTED, completed=COMPLETED, error=FAILURE),
        )
        log, _ = read(events, ("debian-core",))
        return log.failure()

    hint = failure("none", line).hint
    assert hint.startswith("the network is off during builds")
    assert ("npm-scripts" in hint) == (script == "NPM")
    assert failure("default", line).hint == ""
    assert failure("none", "E: it broke").hint == ""
