"""Convert a builder of an invoke.yaml, with its images and their build stages."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.config.builder_keys import BASES
from orbiter.config.builders import CONDA_BUILDER
from orbiter.config.mistakes import key_path
from orbiter.config.toml_format import ListItem
from orbiter.convert.invoke.lists import Lists
from orbiter.convert.invoke.toml_text import Table, Value
from orbiter.convert.invoke.yaml import flat
from orbiter.convert.outcome import Notes
from orbiter.convert.reasons import CHANNELS, DEFAULTS, FORGE
from resolvers.conda.channels import NO_DEFAULTS, parse_channel

MANAGERS: Mapping[str, str] = {CONDA_BUILDER: "apt", "alpine": "apk"}
"""The builders of the original, and the manager that replaces their lists ``apk``."""
TEMPLATE = re.compile(r"(micromamba|pip)_(core|builder|deploy)")
"""The templates of the original, as named by ``builder`` in a stage."""
STAGE_KEYS = frozenset({"image", "builder", "build", "apk", "conda", "pip", "npm", "postbuild"})
CONDA_KEYS = frozenset({"channels", "dependencies"})
RUNS_CODE: Mapping[str, tuple[str, str]] = {
    "pip": ("compiling Python packages", "list the packages that may be compiled in pip-sdist"),
    "npm": (
        "install scripts of npm packages",
        "list the packages that may run them in npm-scripts",
    ),
}
"""By manager: code that any package could run in the original, and the key that now allows it."""
SNAPSHOT = re.compile(r"alpine:\d{8}")
"""A base image with a dated snapshot of Alpine edge."""


class _InvokeStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as in the file, with the path of its table in images.toml."""

    path: str
    data: Mapping[str, Any]

    @property
    def image(self) -> str:
        return str(self.data.get("image") or "")

    @property
    def conda(self) -> Mapping[str, Any]:
        conda = self.data.get("conda")
        return conda if isinstance(conda, dict) else {"dependencies": conda}


def builder_tables(
    name: str, images: Mapping[str, Any], lists: Lists, notes: Notes
) -> tuple[Table, ...]:
    """Return the table of a builder and then those of its stages, in the order of the file."""
    path = key_path("builder", name)
    stages = tuple(_stages(name, images, notes))
    names = _stage_names(images)
    roots = tuple(stage for stage in stages if stage.image not in names)
    base = _base(name, path, roots, notes)
    channels = _channels(path, stages, notes)
    tables = [_stage_table(stage, MANAGERS[name], names, lists, notes) for stage in stages]
    # With conda, Python comes from the channels; on Alpine it must be a package of the image.
    if name != CONDA_BUILDER and any("pip" in table.values for table in tables):
        tables = [_with_python(table, notes) for table in tables]
    return Table(path=path, values={"from": base, "channels": channels}), *tables


def _stages(name: str, images: Mapping[str, Any], notes: Notes) -> Iterator[_InvokeStage]:
    """Yield the final stage of every image, followed by its build stage."""
    for image, data in images.items():
        path = key_path(key_path("image", name), image)
        if not isinstance(data, dict):
            notes.add("left out", key_path("builder", name), f"image '{image}'", "it is empty")
            continue
        yield _InvokeStage(path=path, data=data)
        if isinstance(data.get("build"), dict):
            yield _InvokeStage(path=f"{path}.build", data=data["build"])
        elif "build" in data:
            notes.add("left out", path, f"build '{data['build']}'", "not a stage")


def _stage_names(images: Mapping[str, Any]) -> frozenset[str]:
    """Return the stages that ``image`` of a stage can name."""
    names = set()
    for name, data in images.items():
        if isinstance(data, dict):
            names.add(name)
            if isinstance(data.get("build"), dict):
                names.add(f"{name}-build")
    return frozenset(names)


def _base(name: str, path: str, roots: tuple[_InvokeStage, ...], notes: Notes) -> str:
    """Return the base image of a builder: the first one in its stages, or Debian for apt."""
    first, *others = dict.fromkeys(stage.image for stage in roots if stage.image) or ("",)
    for other in others:
        why = f"a builder has one base image, and {first} comes first"
        notes.add("left out", path, f"from '{other}'", why)
    if MANAGERS[name] == "apt" and not first.startswith("debian:"):
        why = f"replaced by {BASES[name]}, because this builder uses Debian packages"
        notes.add("changed", path, f"from '{first}'", why)
        return BASES[name]
    if SNAPSHOT.fullmatch(first):
        why = (
            "a snapshot of Alpine edge, whose packages are no longer available; "
            "use a release, such as alpine:3.23"
        )
        notes.add("kept", path, f"from '{first}'", why)
    return first


def _channels(path: str, stages: tuple[_InvokeStage, ...], notes: Notes) -> tuple[ListItem, ...]:
    """Return the channels of all stages, in the order of the stages."""
    names: dict[str, None] = {}
    for stage in stages:
        names |= dict.fromkeys(str(name) for name in flat(stage.conda.get("channels")))
    urls: dict[str, None] = {}
    for name in names:
        if name in CHANNELS:
            notes.add("left out", path, f"channel '{name}'", CHANNELS[name])
        if name != NO_DEFAULTS:
            urls[parse_channel(FORGE if name == DEFAULTS else name).url] = None
    return tuple(ListItem(text=url) for url in urls)


def _stage_table(
    stage: _InvokeStage, manager: str, names: frozenset[str], lists: Lists, notes: Notes
) -> Table:
    _add_unsupported_keys(stage, notes)
    path, data = stage.path, stage.data
    conda, pip = _split_pip(stage.conda.get("dependencies"))
    values: dict[str, Value] = {"from": stage.image} if stage.image in names else {}
    values[manager] = lists.requirements(data.get("apk"), manager, "apk", path)
    values["conda"] = lists.requirements(conda, "conda", "conda", path)
    values["pip"] = lists.requirements([data.get("pip"), pip], "pip", "pip", path)
    values["npm"] = lists.requirements(data.get("npm"), "npm", "npm", path)
    if manager == "apt" and values["apt"]:
        notes.add("changed", path, "apk", "replaced by the Debian packages of the same names")
    for key, (what, why) in RUNS_CODE.items():
        if values[key]:
            notes.add("left out", path, what, why)
    values["postbuild"] = lists.commands(data.get("postbuild"), path)
    return Table(path=path, values={key: value for key, value in values.items() if value})


def _add_unsupported_keys(stage: _InvokeStage, notes: Notes) -> None:
    """Add notes on the keys of a stage that are not imported."""
    template = str(stage.data.get("builder") or "")
    if template and not TEMPLATE.fullmatch(template):
        why = "Dockerfiles are rendered from Orbiter's own templates"
        notes.add("left out", stage.path, f"builder '{template}'", why)
    for key in stage.data:
        if key not in STAGE_KEYS:
            notes.add("left out", stage.path, key, "unknown key")
    reasons = {"name": "the environment of an image is always /opt/env"}
    for key in stage.conda:
        if key not in CONDA_KEYS:
            notes.add("left out", stage.path, f"conda.{key}", reasons.get(key, "unknown key"))


def _split_pip(dependencies: Any) -> tuple[Any, list[Any]]:
    """Return conda's dependencies and, separately, the pip lists in them."""
    if not isinstance(dependencies, list):
        return dependencies, []
    tables = [entry for entry in dependencies if isinstance(entry, dict)]
    pip = [table for table in tables if table.keys() == {"pip"}]
    return [entry for entry in dependencies if entry not in pip], [table["pip"] for table in pip]


def _with_python(table: Table, notes: Notes) -> Table:
    """Return the table with the Python that pip needs, if the stage starts from the base image."""
    packages = table.values.get("apk", ())
    if "from" in table.values or not isinstance(packages, tuple):
        return table
    if any(item.text == "python3" for item in packages):
        return table
    why = "added, because the file requests Python with python.version"
    notes.add("changed", table.path, "apk 'python3'", why)
    others = {key: value for key, value in table.values.items() if key != "apk"}
    apk = (*packages, ListItem(text="python3"))
    return Table(path=table.path, values={"apk": apk, **others})
