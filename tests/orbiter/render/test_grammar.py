"""The grammar accepts every Dockerfile that Orbiter renders, and no other form of it."""

import re

import pytest
from hypothesis import given, settings

from orbiter.config.image_set import CondaSettings
from orbiter.config.runtime import Runtime
from orbiter.render.dockerfile import render
from orbiter.render.grammar import violation
from orbiter.render.model import Plan
from orbiter.render.stage_rules import stage_rules
from tests.support.plans import (
    AMD64,
    ARM,
    alpine,
    conda,
    from_packages,
    plan,
    with_downloads,
    with_settings,
)
from tests.support.runtimes import runtimes


@pytest.mark.parametrize(
    "reviewed",
    [
        alpine(AMD64, ARM),
        plan(AMD64, ARM),
        plan(AMD64, network=True),
        from_packages(AMD64, ARM),
        conda(CondaSettings(installer="rattler"), AMD64, ARM),
        with_settings(AMD64, ARM),
        with_downloads(AMD64, ARM),
    ],
    ids=[
        "alpine",
        "several platforms",
        "network",
        "made of packages",
        "conda",
        "settings",
        "downloads",
    ],
)
def test_every_dockerfile_matches_the_grammar(reviewed: Plan) -> None:
    files = render(reviewed)
    for stage_plan in reviewed.stages:
        stage = stage_plan.stage
        text = files[f"{stage.name}/Dockerfile"]
        assert violation(text, stage_rules(reviewed, stage)) == ""


@settings(deadline=None, max_examples=40)
@given(runtimes)
def test_no_setting_leaves_its_instruction(runtime: Runtime) -> None:
    reviewed = with_settings(AMD64, core=runtime)
    files = render(reviewed)
    plain = render(plan(AMD64))
    for stage_plan in reviewed.stages:
        path = f"{stage_plan.stage.name}/Dockerfile"
        assert violation(files[path], stage_rules(reviewed, stage_plan.stage)) == ""
        # The scripts are those of an image without settings, apart from the folders.
        assert scripts(files[path]) == scripts(plain[path])
    found, usual = (keywords(each["debian-core/Dockerfile"]) for each in (files, plain))
    assert found.count("ENV") == len(runtime.env) + 1
    assert found.count("EXPOSE") == bool(runtime.expose)
    for keyword in ("FROM", "RUN", "COPY", "LABEL", "USER", "WORKDIR", "CMD"):
        assert found.count(keyword) == usual.count(keyword)


def keywords(dockerfile: str) -> list[str]:
    return [line.split(" ")[0] for line in dockerfile.splitlines()]


def scripts(dockerfile: str) -> list[str]:
    """Return the steps of a Dockerfile, without the commands that create folders."""
    steps = re.findall(r"(?ms)^RUN .*? <<'([A-Z]+)'\n(.*?)^\1$", dockerfile)
    return [re.sub(r'(?m)^test -e ".*\n', "", step) for _, step in steps]


FOREIGN = (
    'ENV B="x"',
    "ENV A=x y",
    'ENV A="$(x)"',
    'ENV A="x" B="y"',
    'LABEL org.example.other="x"',
    "EXPOSE 80",
    "EXPOSE ${PORT}/tcp",
    "VOLUME /data",
    'VOLUME ["$x"]',
    "STOPSIGNAL $x",
    "HEALTHCHECK CMD curl x",
    "USER $x",
    "WORKDIR $x/a",
    "WORKDIR /a b",
    "ENTRYPOINT start.sh",
    "SHELL []",
    "ONBUILD RUN x",
)
OWN = (
    'ENV A="x"',
    'LABEL org.example.team="x"',
    "EXPOSE 80/tcp",
    'VOLUME ["/data"]',
    "STOPSIGNAL SIGINT",
    "HEALTHCHECK NONE",
    'HEALTHCHECK --retries=3 CMD ["x"]',
    "USER root",
    "WORKDIR /a",
)


@pytest.mark.parametrize("line", FOREIGN)
def test_the_grammar_refuses_other_forms_of_settings(line: str) -> None:
    reviewed = with_settings(AMD64)
    core = reviewed.stages[0].stage
    text = render(reviewed)["debian-core/Dockerfile"]
    assert violation(f"{text}{line}\n", stage_rules(reviewed, core))


@pytest.mark.parametrize("line", OWN)
def test_the_grammar_accepts_settings_only_where_images_toml_has_them(line: str) -> None:
    for reviewed, refused in ((with_settings(AMD64), False), (plan(AMD64), True)):
        text = render(reviewed)["debian-core/Dockerfile"]
        reason = violation(f"{text}{line}\n", stage_rules(reviewed, reviewed.stages[0].stage))
        assert bool(reason) == refused, reason


OTHER_STARTS = {
    "no label": ('LABEL org.orbiter.stage="debian-base"\n', ""),
    "label of another stage": ('stage="debian-base"', 'stage="debian-core"'),
    "second label": ("USER 0\n", 'USER 0\nLABEL org.orbiter.stage="debian-core"\n'),
    "the same label again": ("USER 0\n", 'USER 0\nLABEL org.orbiter.stage="debian-base"\n'),
    "label among others": ("\nLABEL ", '\nLABEL org.orbiter.stage="debian-core" '),
    "label after a step": (
        'LABEL org.orbiter.stage="debian-base"\nARG',
        'USER 0\nLABEL org.orbiter.stage="debian-base"\nARG',
    ),
    "another stage": ("FROM debian-core AS", "FROM debian-base-build AS"),
    "another name": ("AS debian-base\n", "AS debian-core\n"),
    "second stage": ("USER 0\n", "USER 0\nFROM debian-core AS debian-base\n"),
    "stage before": ("FROM debian-core", "FROM debian-base-build AS x\nFROM debian-core"),
    "other folder": ("/opt/env /opt/env", "/opt/env /opt"),
    "other owner": ("--chown=1000:100", "--chown=0:0"),
    "other source": ("--from=debian-base-build", "--from=debian-core"),
    "linked copy": ("COPY --from", "COPY --link --from"),
    "time that is not a number": ("EPOCH=946684800", "EPOCH=$(date)"),
    "other argument": ("ARG SOURCE_DATE_EPOCH", "ARG HTTP_PROXY"),
}
"""Edits of the start of a Dockerfile, and of its copy."""


@pytest.mark.parametrize("name", OTHER_STARTS)
def test_a_dockerfile_cannot_be_of_another_stage(name: str) -> None:
    old, new = OTHER_STARTS[name]
    reviewed = plan(AMD64)
    base = reviewed.stages[-1].stage
    text = render(reviewed)["debian-base/Dockerfile"]
    assert old in text
    assert violation(text.replace(old, new, 1), stage_rules(reviewed, base))


def test_a_dockerfile_without_instructions_is_refused() -> None:
    reviewed = plan(AMD64)
    base = reviewed.stages[-1].stage
    reason = violation("# nothing\n", stage_rules(reviewed, base))
    assert reason == "'FROM debian-core AS debian-base' is missing"


def test_a_stage_without_a_build_stage_copies_nothing() -> None:
    reviewed = plan(AMD64)
    core = reviewed.stages[0].stage
    text = render(reviewed)["debian-core/Dockerfile"]
    copy = "COPY --from=debian-base-build --chown=1000:100 /opt/env /opt/env"
    assert violation(f"{text}{copy}\n", stage_rules(reviewed, core))
