"""The configuration that an image of a lock set must have, from its Dockerfiles. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orbiter.assembly.documents import SETTINGS
from orbiter.assembly.raw_image import STAGE_LABEL
from orbiter.audit.image import ImageConfig
from orbiter.audit.result import Judgement
from orbiter.docker.objects import LOCKSET, REVISION
from orbiter.render.grammar import instructions

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH that BuildKit gives an image without a base image."""
_WORD = re.compile(
    r'(?<![A-Za-z0-9._/-])([A-Za-z0-9_][A-Za-z0-9._/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)'
)
_PART = re.compile(r"\\(.)|\$\{(\w+)\}|([^\\$]+|.)", re.DOTALL)
_DURATION = re.compile(r"([0-9.]+)(h|ms|m|s)")
_OPTION = re.compile(r"--(interval|timeout|start-period|retries)=(\S+) ")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
NANOSECONDS = 1_000_000_000


def expected_settings(
    base: Mapping[str, Any] | None, dockerfiles: Sequence[str], root: str
) -> dict[str, Any]:
    """Return the settings of containers of an image.

    ``base`` are those of the base image, None if there is no base image. ``dockerfiles`` are those
    of the stages of the image, the lowest one first. ``root`` is the root digest of the lock set.
    """
    found: dict[str, Any] = {name: base[name] for name in SETTINGS if base and base.get(name)}
    found["Env"] = list(found.get("Env") or [])
    if not any(word.startswith("PATH=") for word in found["Env"]):
        found["Env"].append(f"PATH={DEFAULT_PATH}")
    found["Labels"] = dict(found.get("Labels") or {})
    for text in dockerfiles:
        for instruction in instructions(text):
            keyword, _, words = instruction.text.partition(" ")
            _apply(found, keyword, words)
    found["Labels"].pop(STAGE_LABEL, None)
    found["Labels"] |= {LOCKSET: root, REVISION: root}
    return {name: value for name, value in found.items() if value}


def _apply(found: dict[str, Any], keyword: str, words: str) -> None:
    """Apply an instruction to the settings; others than those for settings have no effect."""
    if keyword == "ENV":
        _set_variables(found["Env"], words)
    elif keyword == "LABEL":
        found["Labels"] |= {name: _expanded(value, {}) for name, value in _WORD.findall(words)}
    elif keyword == "USER":
        found["User"] = words
    elif keyword == "WORKDIR":
        found["WorkingDir"] = _expanded(words, _variables(found["Env"]))
    elif keyword in {"ENTRYPOINT", "CMD"}:
        found[keyword.capitalize()] = json.loads(words)
    elif keyword == "EXPOSE":
        found["ExposedPorts"] = {**found.get("ExposedPorts", {}), **_keys(words.split())}
    elif keyword == "VOLUME":
        found["Volumes"] = {**found.get("Volumes", {}), **_keys(json.loads(words))}
    elif keyword == "STOPSIGNAL":
        found["StopSignal"] = words
    elif keyword == "HEALTHCHECK":
        found["Healthcheck"] = _healthcheck(words)


def _keys(names: Sequence[str]) -> dict[str, dict[str, str]]:
    return {name: {} for name in names}


def _variables(env: Sequence[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in env)


def _set_variables(env: list[str], words: str) -> None:
    """Add variables in place; each value sees those of earlier instructions."""
    known = _variables(env)
    for name, value in _WORD.findall(words):
        word = f"{name}={_expanded(value, known)}"
        positions = [at for at, each in enumerate(env) if each.startswith(f"{name}=")]
        if positions:
            env[positions[0]] = word
        else:
            env.append(word)


def _expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return a word of a Dockerfile without quotes, with the values of its variables."""
    inner = word[1:-1] if word.startswith('"') else word
    return "".join(_parts(inner, variables))


def _parts(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    for escaped, name, plain in _PART.findall(text):
        yield variables.get(name, "") if name else escaped or plain


def _healthcheck(words: str) -> dict[str, Any]:
    if words == "NONE":
        return {"Test": ["NONE"]}
    options = dict(_OPTION.findall(words))
    found: dict[str, Any] = {"Test": ["CMD", *json.loads(words.partition("CMD ")[2])]}
    for option, name in (
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start-period", "StartPeriod"),
    ):
        if option in options:
            found[name] = _nanoseconds(options[option])
    if "retries" in options:
        found["Retries"] = int(options["retries"])
    return found


def _nanoseconds(duration: str) -> int:
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))
    return round(seconds * NANOSECONDS)


def configuration_findings(
    config: ImageConfig, expected: Mapping[str, Any], created: int
) -> list[Judgement]:
    """Return the differences of a configuration; ``created`` is in seconds since 1970."""
    found = {name: value for name, value in (config.config or {}).items() if value}
    findings = [
        _finding(name, found.get(name), expected.get(name))
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    time = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if config.created != time:
        findings.append(_finding("created", config.created, time))
    return findings


def _finding(name: str, found: Any, expected: Any) -> Judgement:
    if isinstance(found, dict) and isinstance(expected, dict):
        names = sorted(
            key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)
        )
        found, expected = ({key: each.get(key) for key in names} for each in (found, expected))
    reason = f"expected {_shown(expected)}, found {_shown(found)}"
    return Judgement(kind="configuration", path=name, verdict="changed", reason=reason)


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, sort_keys=True)
