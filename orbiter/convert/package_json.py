"""Read npm's package.json for images.toml.

https://docs.npmjs.com/cli/v11/configuring-npm/package-json defines the format.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orbiter.config import npm_syntax
from orbiter.config.npm_registries import npm_address_mistakes
from orbiter.convert.collect import Collector
from orbiter.convert.values import check_values
from resolvers.errors import ExpectedError
from resolvers.npm.address import is_address

MAIN = "dependencies"
CHOICES = ("devDependencies", "optionalDependencies", "peerDependencies")
SHORT_GITHUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(?:#\S*)?")
GIT = re.compile(r"(?:git|ssh|https?)://[^\s#]+?\.git(?:#\S*)?|git://\S+")
LOCAL = re.compile(r"(?:file|link|workspace|portal|patch|catalog):|~?/|\.")
REASONS: Mapping[str, str] = {
    "bundleDependencies": "these packages are bundled when the project itself is packed",
    "bundledDependencies": "these packages are bundled when the project itself is packed",
    "workspaces": "its packages are in this repository: import their package.json one by one",
    "engines": "Node.js is a package of apt, apk or conda",
    "scripts": "commands of a project; write those for the image in postbuild",
    "peerDependenciesMeta": "it describes the project, and installs nothing",
}
METADATA = "it describes the project, and installs nothing"


def read(file: Path, text: str, collector: Collector) -> None:
    """Collect the dependencies of a package, and the other kinds that the user chose."""
    data = _parse(file, text)
    for key in (MAIN, *CHOICES):
        table = data.get(key, {})
        if not isinstance(table, dict):
            collector.leave_out(f"{file}: {key}", "not a table")
        elif key == MAIN or (key in data and collector.wants(key)):
            for name, value in table.items():
                _add(collector, f"{key}:", name, value)
        elif table:
            entries = [f"{name} {value}" for name, value in table.items()]
            collector.leave_out_group("", key, entries)
    _read_overrides(data, collector)
    _leave_out_rest(file, data, collector)


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = f"{file} cannot be read: {error}"
        raise ExpectedError(problem, "correct the JSON") from None
    check_values(file, data)
    if not isinstance(data, dict) or "lockfileVersion" in data:
        problem = f"{file} is not a package.json"
        raise ExpectedError(problem, "name the file package.json, which lists requirements")
    if not {MAIN, *CHOICES} & data.keys():
        raise ExpectedError(f"{file} has no dependencies", "name a file that lists packages")
    return data


def _add(collector: Collector, what: str, name: str, value: object) -> None:
    """Add a dependency, or leave it out with the reason."""
    shown = f"{what} '{name} {value}'"
    if not isinstance(value, str):
        collector.leave_out(shown, "not a range or an address")
        return
    text = value.strip()
    if LOCAL.match(text):
        collector.leave_out(shown, "it is in the repository: name a version, or an address")
        return
    target = _normal(text)
    if is_address(target):
        for problem, hint in npm_address_mistakes(name, target):
            collector.leave_out(shown, f"{problem}; {hint}")
            return
    collector.add("npm", f"{name}@{target}" if target not in {"", "*"} else name, what=shown)


def _normal(text: str) -> str:
    """Return a range or an address as images.toml writes it."""
    if SHORT_GITHUB.fullmatch(text):
        return f"github:{text}"
    if GIT.fullmatch(text):
        return f"git+{text.replace('git://', 'https://')}"
    return " || ".join(part.strip() for part in text.split("||"))


def _read_overrides(data: Mapping[str, Any], collector: Collector) -> None:
    """Collect the overrides that images.toml can contain: one level deep, and no addresses."""
    overrides = data.get("overrides", {})
    for name, value in overrides.items() if isinstance(overrides, dict) else ():
        shown = f"overrides '{name}'"
        inner = value if isinstance(value, dict) else {".": value}
        wrong = [
            f"{key} {text}"
            for key, text in inner.items()
            if not (key == "." or npm_syntax.is_replaced(key))
            or not isinstance(text, str)
            or not npm_syntax.is_replacement(text)
        ]
        if wrong or not inner or not npm_syntax.is_replaced(name):
            listed = ", ".join(wrong)
            collector.leave_out(
                f"{shown} ({listed})", "npm-overrides of images.toml have no such form"
            )
        else:
            collector.npm_overrides[name] = value


def _leave_out_rest(file: Path, data: Mapping[str, Any], collector: Collector) -> None:
    done = {MAIN, *CHOICES, "overrides"}
    metadata = []
    for key, value in data.items():
        if key in REASONS:
            entries = ", ".join(map(str, value)) if isinstance(value, list | dict) else str(value)
            collector.leave_out(f"{file}: {key} ({entries})", REASONS[key])
        elif key not in done:
            metadata.append(str(key))
    if metadata:
        collector.leave_out(f"{file}: {', '.join(metadata)}", METADATA)
