"""What images start, by their packages and their base image."""

import pytest
from msgspec import UNSET, UnsetType

from orbiter.config.runtime import Runtime
from orbiter.lockset.model import BuilderFacts
from orbiter.render.start import ACTIVATE, JUPYTERLAB, image_start

LAB, TINI, CONDA = ("pip", "jupyterlab"), ("apt", "tini"), ("conda", "python")
STACKS = BuilderFacts(entrypoint=("tini", "-g", "--", "start.sh"), command=("start-notebook.py",))
NOTHING = BuilderFacts()


@pytest.mark.parametrize(
    ("packages", "base", "entrypoint", "command"),
    [
        (set(), NOTHING, UNSET, ("bash",)),
        ({LAB}, NOTHING, UNSET, JUPYTERLAB),
        ({TINI}, NOTHING, ("/usr/bin/tini", "-s", "--"), ("bash",)),
        ({("apk", "tini")}, NOTHING, ("/sbin/tini", "-s", "--"), ("bash",)),
        ({CONDA}, NOTHING, (ACTIVATE,), ("bash",)),
        (
            {CONDA, ("conda", "tini")},
            NOTHING,
            ("/opt/env/bin/tini", "-s", "--", ACTIVATE),
            ("bash",),
        ),
        ({("npm", "tini"), ("pip", "tini")}, NOTHING, UNSET, ("bash",)),
    ],
)
def test_the_packages_decide_what_an_image_starts(
    packages: set[tuple[str, str]],
    base: BuilderFacts,
    entrypoint: tuple[str, ...] | UnsetType,
    command: tuple[str, ...],
) -> None:
    start = image_start(packages, base, "bash")
    assert (start.entrypoint, start.command) == (entrypoint, command)


def test_the_command_of_a_base_image_stays_unless_jupyterlab_is_locked() -> None:
    assert image_start(set(), STACKS, "bash").command == ("start-notebook.py",)
    assert image_start({TINI, CONDA}, STACKS, "bash").command == ("start-notebook.py",)
    assert image_start({LAB}, STACKS, "bash").command == JUPYTERLAB


def test_the_entrypoint_of_a_base_image_stays() -> None:
    assert image_start({LAB}, STACKS, "bash").entrypoint is UNSET
    # The base image has an init already.
    assert image_start({TINI}, STACKS, "bash").entrypoint is UNSET
    assert image_start({TINI, CONDA}, STACKS, "bash").entrypoint == (*STACKS.entrypoint, ACTIVATE)
    base = BuilderFacts(entrypoint=("/entry.sh",), command=("serve",))
    assert image_start({TINI, CONDA}, base, "bash").entrypoint == (
        *("/usr/bin/tini", "-s", "--"),
        "/entry.sh",
        ACTIVATE,
    )


@pytest.mark.parametrize("command", [("bash",), ("/bin/sh",), ("/bin/bash",)])
def test_a_shell_of_the_base_image_is_replaced_by_the_best_one(command: tuple[str, ...]) -> None:
    assert image_start(set(), BuilderFacts(command=command), "bash").command == ("bash",)
    assert image_start(set(), BuilderFacts(command=("bash", "-c", "true")), "sh").command == (
        "bash",
        "-c",
        "true",
    )


@pytest.mark.parametrize(
    ("packages", "own", "entrypoint"),
    [
        (set(), ("start.sh",), ("start.sh",)),
        ({TINI}, ("start.sh",), ("/usr/bin/tini", "-s", "--", "start.sh")),
        ({TINI}, ("tini", "-g", "--", "start.sh"), ("tini", "-g", "--", "start.sh")),
        ({TINI, CONDA}, ("start.sh",), ("/usr/bin/tini", "-s", "--", ACTIVATE, "start.sh")),
        ({CONDA}, ("tini", "--", "start.sh"), (ACTIVATE, "tini", "--", "start.sh")),
        ({TINI, CONDA}, (), ()),
    ],
)
def test_an_own_entrypoint_replaces_that_of_the_base_after_init_and_activation(
    packages: set[tuple[str, str]], own: tuple[str, ...], entrypoint: tuple[str, ...]
) -> None:
    for base in (NOTHING, STACKS):
        start = image_start(packages, base, "bash", Runtime(entrypoint=own))
        assert start.entrypoint == entrypoint
        assert start.command == image_start(packages, base, "bash").command


@pytest.mark.parametrize("own", [(), ("serve", "--all")])
def test_an_own_command_replaces_any_other(own: tuple[str, ...]) -> None:
    for base in (NOTHING, STACKS):
        assert image_start({LAB}, base, "bash", Runtime(cmd=own)).command == own
        assert image_start(set(), base, "bash", Runtime(cmd=own)).entrypoint is UNSET
