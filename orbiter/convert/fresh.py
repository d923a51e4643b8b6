"""A new images.toml with one image, for an import into a folder that has none."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from orbiter.config.builders import APK_BUILDER, CONDA_BUILDER
from orbiter.config.mistakes import toml_literal

TOOLS = ("bash", "ca-certificates", "git", "tini")
SUITE, SUITE_PYTHON = "trixie", "3.13"
DEFAULT_CHANNELS = ("conda-forge",)
_HEAD = """\
# Imported by Orbiter from {source}.
# Review this file, then run: orbiter lock, orbiter build
# `orbiter schema` describes every key.

version = "0.1.0"  # the release: increase it when the images change

# The name in front of all tags, <repository>:<builder>-<image>-<version>.
repository = {repository}

[builder.{builder}]
{settings}

# The image below and its build stage start from this one.
[image.{builder}.core]
{system} = [{tools}]
"""
_IMAGE = """
# The image that users pull.
[image.{builder}.{image}]
from = "core"

# Its build stage: /opt/env is copied into the image.
[image.{builder}.{image}.build]
from = "core"
"""


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """A builder that images.toml does not have yet: its keys, and the packages of its core."""

    settings: Mapping[str, str | tuple[tuple[str, str], ...] | tuple[str, ...]]
    tools: tuple[str, ...]


def fresh_builder(
    builder: str, python: str = "", channels: tuple[str, ...] = (), *, node: bool = False
) -> Fresh:
    """Return the keys of a new builder for a version of Python (``3.12``), "" for any."""
    tools = (*TOOLS, "nodejs") if node else TOOLS
    if builder == CONDA_BUILDER:
        names = channels or DEFAULT_CHANNELS
        return Fresh(settings={"from": (("debian", SUITE),), "channels": names}, tools=tools)
    if builder == APK_BUILDER:
        return Fresh(settings={"from": "alpine:3.23"}, tools=(*tools, "python3"))
    if is_debian_python(python):
        return Fresh(settings={"from": (("debian", SUITE),)}, tools=(*tools, "python3"))
    return Fresh(settings={"from": f"python:{python}-slim", "python": python}, tools=tools)


def is_debian_python(python: str) -> bool:
    """Return whether the Python of Debian is of a version; any other comes with a base image."""
    return python in {"", "3"} or python == SUITE_PYTHON or python.startswith(f"{SUITE_PYTHON}.")


def fresh_text(fresh: Fresh, builder: str, image: str, source: str, folder: Path) -> str:
    """Return the text of a new images.toml; ``folder`` gives the name of the repository."""
    system = "apk" if builder == APK_BUILDER else "apt"
    values = {
        "builder": builder,
        "image": image,
        "source": "".join(letter if letter.isprintable() else " " for letter in source),
        "repository": toml_literal(f"example/{_repository(folder)}"),
        "settings": "\n".join(f"{key} = {_format(value)}" for key, value in fresh.settings.items()),
        "system": system,
        "tools": ", ".join(map(toml_literal, fresh.tools)),
    }
    text = _HEAD.format(**values)
    return text if image == "core" else text + _IMAGE.format(**values)


def _format(value: str | tuple[tuple[str, str], ...] | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return toml_literal(value)
    if isinstance(value[0], tuple):
        return f"{{ {value[0][0]} = {toml_literal(value[0][1])} }}"
    return f"[{', '.join(map(toml_literal, value))}]"


def _repository(folder: Path) -> str:
    """Return the name of a folder as a part of a repository's name."""
    name = re.sub("[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name or "notebooks"
