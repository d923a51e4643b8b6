"""The differences between the settings of containers of two stages."""

from collections.abc import Iterator, Mapping

from msgspec import UnsetType

from orbiter.config.mistakes import key_path, toml_literal
from orbiter.config.runtime import NO_SETTINGS, Healthcheck, Runtime

UNCHANGED = "(default)"
"""The value of a key that an image does not have."""


def runtime_changes(
    path: str, old: Runtime | UnsetType, new: Runtime | UnsetType
) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the old value and the new value of each changed key of an image."""
    before, after = _values(old or NO_SETTINGS), _values(new or NO_SETTINGS)
    for key in sorted({*before, *after}):
        values = before.get(key, UNCHANGED), after.get(key, UNCHANGED)
        if values[0] != values[1]:
            yield (f"{path}.{key}", *values)


def _values(runtime: Runtime) -> dict[str, str]:
    """Return the values of all keys that an image has, as TOML writes them."""
    values = {
        "workdir": runtime.workdir,
        "user": runtime.user,
        "stop-signal": runtime.stop_signal,
        "expose": _list(runtime.expose),
        "volumes": _list(runtime.volumes),
        **_table("env", runtime.env),
        **_table("labels", runtime.labels),
        **_healthcheck(runtime.healthcheck),
    }
    values = {key: value for key, value in values.items() if value}
    # An empty list of these is a value.
    commands = {"entrypoint": runtime.entrypoint, "cmd": runtime.cmd}
    return values | {
        key: toml_literal(words)
        for key, words in commands.items()
        if not isinstance(words, UnsetType)
    }


def _table(key: str, values: Mapping[str, str]) -> dict[str, str]:
    return {key_path(key, name): toml_literal(value) for name, value in values.items()}


def _list(entries: tuple[str, ...]) -> str:
    return ", ".join(entries)


def _healthcheck(healthcheck: Healthcheck | UnsetType) -> dict[str, str]:
    if isinstance(healthcheck, UnsetType):
        return {}
    if not healthcheck.test:
        return {"healthcheck": "false"}
    return {
        "healthcheck.test": toml_literal(healthcheck.test),
        "healthcheck.interval": healthcheck.interval,
        "healthcheck.timeout": healthcheck.timeout,
        "healthcheck.start-period": healthcheck.start_period,
        "healthcheck.retries": str(healthcheck.retries or ""),
    }
