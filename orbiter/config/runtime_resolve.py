"""Turn the keys of an image that say how its containers run into ``Runtime``, and check them."""

from collections.abc import Iterator, Mapping

from msgspec import UNSET, UnsetType

from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.runtime import (
    NO_SETTINGS,
    REFERENCE,
    Healthcheck,
    Runtime,
    ordered_variables,
    references,
)
from orbiter.config.runtime_keys import HealthcheckTable
from orbiter.config.schema import Image
from orbiter.config.secret_values import secret_reason, word_reason

ORBITER_VARIABLES = frozenset(
    {"HOME", "LANG", "LC_ALL", "NB_GID", "NB_UID", "NB_USER", "PATH", "SHELL", "USER"}
)
"""The variables that Orbiter sets in every image."""
BUILD_VARIABLES = frozenset({"SOURCE_DATE_EPOCH", "TARGETARCH", "TARGETOS", "TARGETVARIANT"})
"""Variables that the steps of a build use. In an image they would change later steps."""
OWN_LABELS: Mapping[str, str] = {
    "org.opencontainers.image.version": "the release: edit version",
    "org.opencontainers.image.created": "the time of the selection of packages",
    "org.opencontainers.image.revision": "the root digest of the lock set",
    "org.orbiter.hermetic": "whether the build had the network",
    "org.orbiter.lockset": "the root digest of the lock set",
}
"""The labels that only Orbiter writes, with what they record."""
OWN_LABEL_PREFIX = "org.orbiter."


def runtime(
    table: Image, path: str, known: frozenset[str] | None, mistakes: Mistakes
) -> Runtime | UnsetType:
    """Return the settings of an image; unset if it has none.

    ``path`` is that of its table. ``known`` are the variables of its parents and its base, or None
    if the base image may have any.
    """
    _check_variables(table, f"{path}.env", known, mistakes)
    _check_labels(table, f"{path}.labels", mistakes)
    _check_volumes_and_folder(table, path, known, mistakes)
    _check_secrets(table, path, mistakes)
    settings = Runtime(
        env=dict(sorted(table.env.items())),
        workdir=table.workdir,
        entrypoint=table.entrypoint,
        cmd=table.cmd,
        labels=dict(sorted(table.labels.items())),
        expose=_ports(table, f"{path}.expose", mistakes),
        healthcheck=_healthcheck(table.healthcheck, f"{path}.healthcheck", mistakes),
        user=table.user,
        stop_signal=table.stop_signal or "",
        volumes=tuple(sorted(set(table.volumes))),
    )
    return UNSET if settings == NO_SETTINGS else settings


def _healthcheck(
    table: HealthcheckTable | bool | UnsetType, path: str, mistakes: Mistakes
) -> Healthcheck | UnsetType:
    if isinstance(table, UnsetType):
        return UNSET
    if isinstance(table, bool):
        if table:
            hint = (
                'write a table, as in healthcheck = { test = ["curl", "-f", "http://localhost"] }'
            )
            mistakes.add(path, "is true", expected="a table, or false for none", hint=hint)
        return Healthcheck(test=())
    return Healthcheck(
        test=table.test,
        interval=table.interval,
        timeout=table.timeout,
        start_period=table.start_period,
        retries=table.retries,
    )


def _ports(table: Image, path: str, mistakes: Mistakes) -> tuple[str, ...]:
    """Return the ports with their protocols, sorted as texts."""
    ports: dict[str, None] = {}
    for index, entry in enumerate(table.expose):
        number, _, protocol = str(entry).partition("/")
        port = f"{number}/{protocol or 'tcp'}"
        if port in ports:
            problem = f"the port {port} is listed twice"
            mistakes.add(f"{path}[{index}]", problem, hint="remove one of them")
        ports[port] = None
    return tuple(sorted(ports))


def _check_variables(
    table: Image, path: str, known: frozenset[str] | None, mistakes: Mistakes
) -> None:
    for name, value in table.env.items():
        _check_variable(name, value, key_path(path, name), mistakes)
        _check_references(value, key_path(path, name), _visible(name, table, known), mistakes)
    _, cycles = ordered_variables(table.env)
    for cycle in cycles:
        names = " -> ".join([*cycle, cycle[0]])
        problem = f"circular variables: {names}"
        hint = f"write the value of {cycle[0]} without ${{{cycle[-1]}}}"
        mistakes.add(key_path(path, cycle[-1]), problem, hint=hint)


def _visible(name: str, table: Image, known: frozenset[str] | None) -> frozenset[str] | None:
    """Return the variables that the value of a variable may refer to, or None for any."""
    if known is None:
        return None
    return known | (table.env.keys() - {name})


def _check_variable(name: str, value: str, path: str, mistakes: Mistakes) -> None:
    if name in BUILD_VARIABLES:
        problem = "is a variable of the build, which would change later steps"
        mistakes.add(path, problem, hint="choose another name")
    elif name == "PATH" and "PATH" not in references(value):
        problem = "does not contain ${PATH}, so programs of the image would not be found"
        mistakes.add(path, problem, hint='add it, as in PATH = "/opt/spark/bin:${PATH}"')


def _check_references(
    value: str, path: str, known: frozenset[str] | None, mistakes: Mistakes
) -> None:
    for match in REFERENCE.finditer(value):
        name = match[1]
        if match[0] == "$":
            problem = "contains a '$' that is neither ${NAME} nor $$"
            hint = "write ${NAME} for the value of a variable, or $$ for a dollar sign"
            mistakes.add(path, problem, hint=hint)
        elif name and known is not None and name not in known:
            problem = f"refers to ${{{name}}}, which nothing sets"
            hint = f"add {name} to env, or write $${{{name}}} for this text as it is"
            mistakes.add(path, problem, hint=hint)


def _check_labels(table: Image, path: str, mistakes: Mistakes) -> None:
    for name in table.labels:
        meaning = OWN_LABELS.get(name, "")
        if meaning:
            problem = f"is a label of Orbiter: {meaning}"
            mistakes.add(key_path(path, name), problem, hint="remove it")
        elif name.startswith(OWN_LABEL_PREFIX):
            problem = f"labels that begin with {OWN_LABEL_PREFIX} belong to Orbiter"
            mistakes.add(key_path(path, name), problem, hint="choose another name")


def _check_volumes_and_folder(
    table: Image, path: str, known: frozenset[str] | None, mistakes: Mistakes
) -> None:
    visible = None if known is None else known | table.env.keys()
    _check_references(table.workdir, f"{path}.workdir", visible, mistakes)
    folders = [("workdir", table.workdir)]
    folders += [(f"volumes[{index}]", folder) for index, folder in enumerate(table.volumes)]
    for key, folder in folders:
        if {".", ".."} & set(folder.split("/")):
            problem = f"'{folder}' contains '.' or '..'"
            mistakes.add(f"{path}.{key}", problem, hint="write the path without them")


def _check_secrets(table: Image, path: str, mistakes: Mistakes) -> None:
    """Add every value that looks like a secret, and every needless entry of not-secret."""
    found = set()
    for key, name, reason in _suspects(table):
        found.add(name)
        if name not in table.not_secret:
            problem = f"looks like a secret: {reason}. Everybody with the image could read it"
            hint = (
                "set it when a container starts (docker run --env); if it only looks like a "
                f"secret, list {_shown(key, name)} in not-secret"
            )
            mistakes.add(f"{path}.{key}", problem, hint=hint)
    for index, name in enumerate(table.not_secret):
        if name not in found:
            problem = "has no effect: nothing of this name in the image looks like a secret"
            mistakes.add(f"{path}.not-secret[{index}]", problem, hint="remove it")


def _shown(key: str, name: str) -> str:
    """Return the entry of not-secret to add; never the value itself."""
    is_named = key.startswith(("env.", "labels."))
    return f'"{name}"' if is_named else "this word"


def _suspects(table: Image) -> Iterator[tuple[str, str, str]]:
    """Yield the key, the name or word, and the reason of everything that looks like a secret."""
    for key, values in (("env", table.env), ("labels", table.labels)):
        for name, value in values.items():
            if reason := secret_reason(name, value):
                yield key_path(key, name), name, reason
    for key, words in _commands(table).items():
        for index, word in enumerate(words):
            if reason := word_reason(word) or _option_reason(words[:index], word):
                yield f"{key}[{index}]", word, reason


def _commands(table: Image) -> dict[str, tuple[str, ...]]:
    commands = {"entrypoint": table.entrypoint or (), "cmd": table.cmd or ()}
    if isinstance(table.healthcheck, HealthcheckTable):
        commands["healthcheck.test"] = table.healthcheck.test
    return commands


def _option_reason(before: tuple[str, ...], word: str) -> str:
    """Return why a word is a secret if it follows an option such as ``--password``."""
    option = before[-1] if before else ""
    if not option.startswith("--") or word.startswith("-"):
        return ""
    return secret_reason(option, word)
