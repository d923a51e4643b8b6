"""The settings of containers that follow from Dockerfiles, and differences from them."""

from typing import Any

import pytest

from orbiter.audit.configuration import configuration_findings, expected_settings
from orbiter.audit.image import ImageConfig
from orbiter.render.derived import derive
from tests.support.lock_sets import small

ROOT = f"sha256:{'1' * 64}"
DOCKERFILE = r"""FROM core AS base
LABEL org.orbiter.stage="base"
ARG SOURCE_DATE_EPOCH=946684800
USER 0

ENV PATH=/opt/env/bin:${PATH} \
    HOME=/home/jovyan
ENV QUOTED="a \"word\" of \$5 in ${HOME}"

RUN --network=none --mount=type=tmpfs,target=/tmp <<'STEP'
set -eu
ENTRYPOINT ["/bin/of-a-script"]
STEP

LABEL title="A \"title\"" \
      version="1"
EXPOSE 8888/tcp 9999/udp
VOLUME ["/data"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1m30s --retries=3 CMD ["curl", "-f", "localhost"]
USER 1000
WORKDIR ${HOME}/work
ENTRYPOINT ["/usr/bin/tini", "-s", "--"]
CMD ["bash"]
"""
SETTINGS: dict[str, Any] = {
    "Cmd": ["bash"],
    "Entrypoint": ["/usr/bin/tini", "-s", "--"],
    "Env": [
        "PATH=/opt/env/bin:/usr/bin",
        "LANG=C",
        "HOME=/home/jovyan",
        'QUOTED=a "word" of $5 in /home/jovyan',
    ],
    "ExposedPorts": {"80/tcp": {}, "8888/tcp": {}, "9999/udp": {}},
    "Healthcheck": {
        "Interval": 90_000_000_000,
        "Retries": 3,
        "Test": ["CMD", "curl", "-f", "localhost"],
    },
    "Labels": {
        "of": "base",
        "title": 'A "title"',
        "version": "1",
        "org.orbiter.lockset": ROOT,
        "org.opencontainers.image.revision": ROOT,
    },
    "StopSignal": "SIGINT",
    "User": "1000",
    "Volumes": {"/data": {}},
    "WorkingDir": "/home/jovyan/work",
}
BASE = {
    "Env": ["PATH=/usr/bin", "LANG=C"],
    "Labels": {"of": "base"},
    "ExposedPorts": {"80/tcp": {}},
    "Hostname": "left out",
}


def test_settings_follow_from_the_base_and_the_dockerfiles() -> None:
    assert expected_settings(BASE, [DOCKERFILE], ROOT) == SETTINGS


def test_real_dockerfiles_give_all_settings() -> None:
    derived = derive(small())
    names = ["debian", "debian-core", "debian-base"]
    texts = [text for name in names if (text := derived.files.get(f"{name}/Dockerfile"))]
    found = expected_settings(None, texts, small().root)
    assert found["Env"][0] == f"PATH=/opt/env/bin:{expected_settings(None, [], ROOT)['Env'][0][5:]}"
    assert found["User"] == "1000"
    assert found["WorkingDir"] == "/home/jovyan"
    assert found["Labels"]["org.orbiter.lockset"] == small().root


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Entrypoint", ["/bin/sh", "-c"]),
        ("Cmd", None),
        ("User", "0"),
        ("Env", [*SETTINGS["Env"], "LD_PRELOAD=/tmp/x.so"]),
        ("Labels", SETTINGS["Labels"] | {"title": "another"}),
        ("OnBuild", ["RUN true"]),
    ],
)
def test_another_setting_is_a_finding(name: str, value: Any) -> None:
    config = ImageConfig(created="2000-01-01T00:00:00Z", config=SETTINGS | {name: value})
    (finding,) = configuration_findings(config, SETTINGS, 946684800)
    assert (finding.path, finding.verdict) == (name, "changed")


def test_another_time_is_a_finding() -> None:
    config = ImageConfig(created="2001-01-01T00:00:00Z", config=SETTINGS)
    (finding,) = configuration_findings(config, SETTINGS, 946684800)
    assert finding.path == "created"
