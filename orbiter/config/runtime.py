"""Settings of an image's containers: frozen types, and what an image inherits."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orbiter.config.order import parents_first

Names = tuple[str, ...]

REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$")
"""A dollar sign in the value of a variable: ``$$``, a reference ``${NAME}``, or a mistake."""

# A lock set may come from anybody, so everything that becomes a part of a Dockerfile without
# quotes is checked when a snapshot is read.
_FOLDER = r"(/[A-Za-z0-9_.=,@+-]+)+"
VariableName = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z")]
# Nothing in an instruction stands for a line break.
OneLine = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f\x85\u2028\u2029]*\Z")]
LabelName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._/-]*\Z")]
Folder = Annotated[str, Meta(pattern=rf"\A{_FOLDER}\Z")]
WorkDir = Annotated[str, Meta(pattern=rf"\A(/?|{_FOLDER}|\$\{{[A-Za-z_]\w*\}}({_FOLDER})?)\Z")]
Port = Annotated[str, Meta(pattern=r"\A[0-9]{1,5}/(tcp|udp|sctp)\Z")]
Duration = Annotated[str, Meta(pattern=r"\A([0-9.]+(h|ms|m|s))*\Z")]
RunUser = Annotated[str, Meta(pattern=r"\A([a-z_][a-z0-9_-]*|[0-9]+(:[0-9]+)?)?\Z")]
StopSignal = Annotated[str, Meta(pattern=r"\A(SIG[A-Z0-9]+([+][0-9]+)?)?\Z")]


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test of a container by Docker; without a ``test``, an inherited one is removed.

    Values that are empty or 0 are Docker's.
    """

    test: tuple[str, ...]
    interval: Duration = ""
    timeout: Duration = ""
    start_period: Duration = ""
    retries: int = 0


class Runtime(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Settings of an image's containers, as far as images.toml has them.

    ``env`` holds values as written, with ``${NAME}`` and ``$$``. ``entrypoint`` and ``cmd`` are
    unset if the image has no own ones; an empty one removes that of the base. ``expose`` and
    ``volumes`` are sorted, and added to those of the parents.
    """

    env: Mapping[VariableName, OneLine] = {}
    workdir: WorkDir = ""
    entrypoint: tuple[str, ...] | UnsetType = UNSET
    cmd: tuple[str, ...] | UnsetType = UNSET
    labels: Mapping[LabelName, OneLine] = {}
    expose: tuple[Port, ...] = ()
    healthcheck: Healthcheck | UnsetType = UNSET
    user: RunUser = ""
    stop_signal: StopSignal = ""
    volumes: tuple[Folder, ...] = ()


NO_SETTINGS = Runtime()
"""The settings of an image whose table has none."""


def inherit(parent: Runtime, own: Runtime) -> Runtime:
    """Return the settings of an image with those of its parent: its own ones replace them."""
    merged = msgspec.structs.asdict(parent)
    for key, value in msgspec.structs.asdict(own).items():
        if isinstance(value, Mapping):
            merged[key] = {**merged[key], **value}
        elif key in {"expose", "volumes"}:
            merged[key] = tuple(sorted({*merged[key], *value}))
        elif value is not UNSET and value != "":
            merged[key] = value
    return Runtime(**merged)


def references(value: str) -> Names:
    """Return the names of the variables that a value refers to."""
    return tuple(name for name in REFERENCE.findall(value) if name)


def ordered_variables(
    env: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the names so that a variable follows those it refers to, and all circular ones.

    A variable that refers to itself refers to the value that the image inherits.
    """
    cycles: list[Names] = []
    used = {name: _others(name, references(env[name]), env) for name in env}
    return parents_first(used, cycles.append), tuple(cycles)


def _others(name: str, used: Iterable[str], env: Mapping[str, str]) -> Names:
    return tuple(other for other in used if other != name and other in env)
