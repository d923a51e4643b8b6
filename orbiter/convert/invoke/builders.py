"""A builder of an invoke.yaml, with its images and their build stages, as tables of images.toml. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from orbiter.config.builders import CONDA_BUILDER
from orbiter.config.mistakes import key_path
from orbiter.config.schema import BASES
from orbiter.config.toml_edit import ListItem
from orbiter.convert.environment_yml import CHANNELS, DEFAULTS, FORGE
from orbiter.convert.invoke.lists import Lists
from orbiter.convert.invoke.toml_text import Table, Value
from orbiter.convert.invoke.yaml import flat
from orbiter.convert.outcome import Notes
from resolvers.conda.channels import channel

MANAGERS: Mapping[str, str] = {CONDA_BUILDER: "apt", "alpine": "apk"}
"""The builders of the original, and who serves their lists ``apk`` here."""
TEMPLATE = re.compile(r"(micromamba|pip)_(core|builder|deploy)")
"""What ``builder`` of a stage may be: a template that came with the original."""
KEYS = frozenset({"image", "builder", "build", "apk", "conda", "pip", "npm", "postbuild"})
CONDA_KEYS = frozenset({"channels", "dependencies"})
SCRIPTS: Mapping[str, tuple[str, str]] = {
    "pip": ("compiling Python packages", "pip-sdist names those that may be"),
    "npm": ("install scripts of npm packages", "npm-scripts names those whose scripts run"),
}
"""What all packages were free to do, by manager, and the key that now names those that are."""
DATED = re.compile(r"alpine:\d{8}")


class _Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as the file has it, and the path of its table."""

    path: str
    data: Mapping[str, Any]

    @property
    def image(self) -> str:
        return str(self.data.get("image") or "")


def builder_tables(
    name: str, images: Mapping[str, Any], lists: Lists, notes: Notes
) -> tuple[Table, ...]:
    """The table of a builder, then those of its stages, all in the file's order."""
    path = key_path("builder", name)
    stages = tuple(_stages(name, images, notes))
    names = _names(images)
    roots = tuple(stage for stage in stages if stage.image not in names)
    base = _base(name, path, roots, notes)
    channels = _channels(path, stages, notes)
    tables = [_stage_table(stage, MANAGERS[name], names, lists, notes) for stage in stages]
    if name != CONDA_BUILDER and any("pip" in table.values for table in tables):
        tables = [
            _with_python(table, notes) if "from" not in table.values else table for table in tables
        ]
    return Table(path=path, values={"from": base, "channels": channels}), *tables


def _stages(name: str, images: Mapping[str, Any], notes: Notes) -> Iterator[_Stage]:
    """Every image's own stage, then its build stage."""
    for image, data in images.items():
        path = key_path(key_path("image", name), image)
        if not isinstance(data, dict):
            notes.add(
                "left out", key_path("builder", name), f"image '{image}'", "describes nothing"
            )
            continue
        yield _Stage(path=path, data=data)
        if isinstance(data.get("build"), dict):
            yield _Stage(path=f"{path}.build", data=data["build"])
        elif "build" in data:
            notes.add("left out", path, f"build '{data['build']}'", "describes no stage")


def _names(images: Mapping[str, Any]) -> frozenset[str]:
    """What ``image`` of a stage may lead to inside its builder."""
    tables = {name: data for name, data in images.items() if isinstance(data, dict)}
    return frozenset(tables) | {
        f"{name}-build" for name, data in tables.items() if isinstance(data.get("build"), dict)
    }


def _base(name: str, path: str, roots: tuple[_Stage, ...], notes: Notes) -> str:
    """The base image of a builder: that of its first stage which has one, or Debian where its packages are Debian's."""
    images = list(dict.fromkeys(stage.image for stage in roots if stage.image))
    for other in images[1:]:
        notes.add(
            "left out",
            path,
            f"from '{other}'",
            f"a builder has one base image; {images[0]} was first",
        )
    base = images[0] if images else ""
    if MANAGERS[name] == "apt" and not base.startswith("debian:"):
        notes.add(
            "changed",
            path,
            f"from '{base}'",
            f"{BASES[name]}, for packages of Debian come with this builder",
        )
        return BASES[name]
    if DATED.fullmatch(base):
        why = "a snapshot of Alpine's edge, whose packages are gone; a release, such as alpine:3.23, has packages"
        notes.add("kept", path, f"from '{base}'", why)
    return base


def _channels(path: str, stages: tuple[_Stage, ...], notes: Notes) -> tuple[ListItem, ...]:
    """The channels of all stages: those of the first stage first."""
    named = dict.fromkeys(
        str(name) for stage in stages for name in flat(_conda(stage).get("channels"))
    )
    for name in (name for name in named if name in CHANNELS):
        notes.add("left out", path, f"channel '{name}'", CHANNELS[name])
    urls = (
        channel(FORGE if name == DEFAULTS else name).url for name in named if name != "nodefaults"
    )
    return tuple(ListItem(text=url) for url in dict.fromkeys(urls))


def _conda(stage: _Stage) -> Mapping[str, Any]:
    conda = stage.data.get("conda")
    return conda if isinstance(conda, dict) else {"dependencies": conda}


def _stage_table(
    stage: _Stage, manager: str, names: frozenset[str], lists: Lists, notes: Notes
) -> Table:
    _tell_others(stage, notes)
    conda, pip = _by_manager(_conda(stage).get("dependencies"))
    asked = {
        manager: lists.requirements(stage.data.get("apk"), manager, "apk", stage.path),
        "conda": lists.requirements(conda, "conda", "conda", stage.path),
        "pip": lists.requirements([stage.data.get("pip"), pip], "pip", "pip", stage.path),
        "npm": lists.requirements(stage.data.get("npm"), "npm", "npm", stage.path),
    }
    if manager == "apt" and asked[manager]:
        notes.add("changed", stage.path, "apk", "Debian's packages of the same names, in apt")
    for key, (what, why) in SCRIPTS.items():
        if asked[key]:
            notes.add("left out", stage.path, what, why)
    above = {"from": stage.image} if stage.image in names else {}
    commands = {"postbuild": lists.commands(stage.data.get("postbuild"), stage.path)}
    values: dict[str, Value] = {**above, **asked, **commands}
    return Table(path=stage.path, values={key: value for key, value in values.items() if value})


def _tell_others(stage: _Stage, notes: Notes) -> None:
    """Note the keys of a stage that no list is made of."""
    template = str(stage.data.get("builder") or "")
    if template and not TEMPLATE.fullmatch(template):
        notes.add(
            "left out",
            stage.path,
            f"builder '{template}'",
            "Dockerfiles are made of Orbiter's own templates",
        )
    for key in (key for key in stage.data if key not in KEYS):
        notes.add("left out", stage.path, key, "Orbiter knows no such key of a stage")
    conda = _conda(stage)
    for key in (key for key in conda if key not in CONDA_KEYS):
        why = (
            "the environment of an image is /opt/env"
            if key == "name"
            else "Orbiter knows no such key of conda"
        )
        notes.add("left out", stage.path, f"conda.{key}", why)


def _by_manager(dependencies: Any) -> tuple[Any, list[Any]]:
    """Dependencies of conda without their lists for pip, and those."""
    if not isinstance(dependencies, list):
        return dependencies, []
    pip = [each for each in dependencies if isinstance(each, dict) and each.keys() == {"pip"}]
    return [each for each in dependencies if each not in pip], [each["pip"] for each in pip]


def _with_python(table: Table, notes: Notes) -> Table:
    """The table of a stage on the base image, with the Python that pip's packages need."""
    there = table.values.get("apk", ())
    if not isinstance(there, tuple) or any(entry.text == "python3" for entry in there):
        return table
    notes.add(
        "changed",
        table.path,
        "apk 'python3'",
        "added, for the file asks for Python by python.version",
    )
    values = {key: value for key, value in table.values.items() if key != "apk"}
    return Table(path=table.path, values={"apk": (*there, ListItem(text="python3")), **values})
