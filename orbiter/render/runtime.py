"""The settings of an image's containers as words of a Dockerfile. Pure.

A value cannot become another instruction: everything is quoted here, or has no special characters
because the image set was checked when it was read.
"""

import json
import re
from collections.abc import Mapping

import msgspec
from msgspec import UnsetType

from orbiter.config.runtime import REFERENCE, Healthcheck, Runtime, ordered_variables

REMOVED = "NONE"
"""The healthcheck of a Dockerfile that removes an inherited one."""
_LINE_END = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Variable(msgspec.Struct, frozen=True):
    """An environment variable; its value is quoted."""

    name: str
    value: str


class RuntimeContext(msgspec.Struct, frozen=True, kw_only=True):
    """The instructions that set how containers run, without their keywords; empty for none.

    ``folders`` are the paths to create, which have no blanks.
    """

    variables: tuple[Variable, ...]
    user: str
    workdir: str
    folders: tuple[str, ...]
    ports: str
    volumes: str  # as JSON
    stop_signal: str
    healthcheck: str


def runtime_context(own: Runtime, inherited: Runtime) -> RuntimeContext:
    """Return the settings of an image; ``inherited`` are its own and those of its parents.

    Docker keeps most settings of a parent. Orbiter sets the user and the folder in each image.
    """
    names, _ = ordered_variables(own.env)
    folders = (own.workdir, *own.volumes)
    return RuntimeContext(
        variables=tuple(Variable(name, quote_value(own.env[name])) for name in names),
        user=inherited.user,
        workdir=inherited.workdir,
        folders=tuple(folder for folder in folders if folder.strip("/")),
        ports=" ".join(own.expose),
        volumes=json.dumps(own.volumes) if own.volumes else "",
        stop_signal=own.stop_signal,
        healthcheck=_healthcheck(own.healthcheck),
    )


def own_instructions(own: Runtime, inherited: Runtime) -> frozenset[str]:
    """Return the keywords of the instructions that only the settings of an image explain."""
    values = {
        "EXPOSE": own.expose,
        "HEALTHCHECK": own.healthcheck,
        "STOPSIGNAL": own.stop_signal,
        "USER": inherited.user,
        "VOLUME": own.volumes,
        "WORKDIR": inherited.workdir,
    }
    return frozenset(keyword for keyword, value in values.items() if value)


def quote(text: str) -> str:
    """Return a word of a Dockerfile that nothing is expanded in."""
    # A line break would end the instruction.
    escaped = re.sub(r'([\\"$])', r"\\\1", _LINE_END.sub(" ", text))
    return f'"{escaped}"'


def quote_value(value: str) -> str:
    """Return the value of a variable as a word in which Docker replaces ``${NAME}`` only."""
    parts: list[str] = []
    end = 0
    for match in REFERENCE.finditer(value):
        parts.append(quote(value[end : match.start()])[1:-1])
        parts.append(match[0] if match[1] else r"\$")
        end = match.end()
    parts.append(quote(value[end:])[1:-1])
    return f'"{"".join(parts)}"'


def quoted_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels with their values quoted."""
    return {name: quote(value) for name, value in labels.items()}


def _healthcheck(healthcheck: Healthcheck | UnsetType) -> str:
    if isinstance(healthcheck, UnsetType):
        return ""
    if not healthcheck.test:
        return REMOVED
    options = {
        "interval": healthcheck.interval,
        "timeout": healthcheck.timeout,
        "start-period": healthcheck.start_period,
        "retries": str(healthcheck.retries or ""),
    }
    words = [f"--{name}={value}" for name, value in options.items() if value]
    return " ".join([*words, "CMD", json.dumps(healthcheck.test)])
