"""The program that a container of an image starts: its entrypoint and its command. Pure."""

from collections.abc import Collection
from pathlib import PurePosixPath

import msgspec
from msgspec import UNSET, UnsetType

from orbiter.config.runtime import NO_SETTINGS, Runtime
from orbiter.lockset.model import BuilderFacts

ACTIVATE = "/usr/share/orbiter/activate"
"""Sets the variables of conda packages, and then runs its arguments."""
INITS = {
    ("apt", "tini"): "/usr/bin/tini",
    ("apk", "tini"): "/sbin/tini",
    ("conda", "tini"): "/opt/env/bin/tini",
}
"""The init that a package installs, by the package's manager and name."""
INIT_OPTIONS = ("-s", "--")
"""``-s`` also collects processes if the container's first process is another init."""
INIT_NAMES = frozenset({"catatonit", "docker-init", "dumb-init", "init", "tini", "tini-static"})
SHELLS = frozenset({"ash", "bash", "dash", "sh"})
JUPYTERLAB = ("jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser")


class ImageStart(msgspec.Struct, frozen=True):
    """The program of an image. An unset entrypoint leaves that of the base image unchanged."""

    entrypoint: tuple[str, ...] | UnsetType
    command: tuple[str, ...]


def image_start(
    packages: Collection[tuple[str, str]],
    base: BuilderFacts,
    shell: str,
    runtime: Runtime = NO_SETTINGS,
) -> ImageStart:
    """Return what an image with these packages starts; each has its manager and its name.

    ``base`` holds what the base image starts. Its entrypoint stays, between the init and the
    activation of conda packages. Its command stays unless it is a shell, or JupyterLab is locked.
    ``runtime`` has the entrypoint and the command of images.toml, which replace them.
    """
    command = runtime.cmd
    if isinstance(command, UnsetType):
        command = _command(packages, base.command, shell)
    return ImageStart(_entrypoint(packages, base, runtime.entrypoint), command)


def _entrypoint(
    packages: Collection[tuple[str, str]], base: BuilderFacts, own: tuple[str, ...] | UnsetType
) -> tuple[str, ...] | UnsetType:
    activation: tuple[str, ...] = ()
    if any(manager == "conda" for manager, _ in packages):
        activation = (ACTIVATE,)
    if not isinstance(own, UnsetType):
        # The activation comes first, because an own entrypoint may ignore the words after it.
        return (*_init(packages, own), *activation, *own) if own else ()
    init = _init(packages, base.entrypoint)
    if init or activation:
        return (*init, *base.entrypoint, *activation)
    return UNSET


def has_jupyterlab(packages: Collection[tuple[str, str]]) -> bool:
    """Return whether pip or conda installs JupyterLab."""
    return ("pip", "jupyterlab") in packages or ("conda", "jupyterlab") in packages


def _init(packages: Collection[tuple[str, str]], entrypoint: tuple[str, ...]) -> tuple[str, ...]:
    """Return the start of the entrypoint: the init of a locked package, if there is one."""
    if entrypoint and PurePosixPath(entrypoint[0]).name in INIT_NAMES:
        return ()
    found = [path for package, path in INITS.items() if package in packages]
    if not found:
        return ()
    return (found[0], *INIT_OPTIONS)


def _command(
    packages: Collection[tuple[str, str]], command: tuple[str, ...], shell: str
) -> tuple[str, ...]:
    if has_jupyterlab(packages):
        return JUPYTERLAB
    starts_shell = len(command) == 1 and PurePosixPath(command[0]).name in SHELLS
    if command and not starts_shell:
        return command
    return (shell,)
