"""The files that conda-lock reads: environment.yml, virtual-packages.yml; and its hash of what they ask for.

Formats: https://conda.github.io/conda-lock/src_environment_yml/ and https://conda.github.io/conda-lock/flags/.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from resolvers.conda.channels import Channel
from resolvers.conda.requirements import Wish

ENVIRONMENT = "environment.yml"
VIRTUAL = "virtual-packages.yml"
HEAD = "# Written by Orbiter: what conda is asked for. To change it, edit images.toml and lock.\n"
VIRTUAL_HEAD = "# Written by Orbiter: what conda may take for granted where the images run.\n"
PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+-]*")
"""Scalars that need no quotes, unless they are one of YAML's words."""
WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"])
EPOCH_MS = 1577854800000
"""The time stamp that conda-lock gives virtual packages."""


def scalar(text: str) -> str:
    """A text as YAML: in quotes unless every reader takes it for text without them."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def environment(
    channels: Iterable[Channel],
    subdirs: Iterable[str],
    wishes: Iterable[Wish],
    remarks: Iterable[str] = (),
) -> str:
    """environment.yml: also conda and micromamba can read it. A comment tells the group of what follows it.

    ``remarks`` are what else decides the solution, and stand in no other place.
    """
    lines = [HEAD, *(f"# {remark}" for remark in remarks), "channels:"]
    lines += [f"  - {scalar(channel.url)}" for channel in channels]
    lines += [
        "  - nodefaults",
        "platforms:",
        *(f"  - {subdir}" for subdir in sorted(subdirs)),
        "dependencies:",
    ]
    group = ""
    for wish in wishes:
        if wish.group != group:
            lines.append(f"  # {wish.group}")
            group = wish.group
        lines.append(f"  - {scalar(wish.text)}")
    return "\n".join(lines) + "\n"


def virtual(packages: Mapping[str, Mapping[str, str]]) -> str:
    """virtual-packages.yml, of virtual packages by subdir."""
    lines = [f"{VIRTUAL_HEAD}\nsubdirs:"]
    for subdir, versions in sorted(packages.items()):
        lines += [f"  {subdir}:", "    packages:"]
        lines += [f"      {name}: {scalar(version)}" for name, version in sorted(versions.items())]
    return "\n".join(lines) + "\n"


def content_hash(
    channels: Iterable[Channel], subdir: str, wishes: Iterable[Wish], packages: Mapping[str, str]
) -> str:
    """conda-lock's hash of these files for one subdir (its 4.0.3: a JSON text of the specs and virtual packages)."""
    specs = {
        wish.name: _spec(wish) for wish in wishes
    }  # of two with one name conda-lock sees the last
    content = {
        "channels": [_channel(channel) for channel in channels],
        "specs": [specs[name] for name in sorted(specs)],
        "virtual_package_hash": {
            "noarch": {"info": {"subdir": "noarch"}, "packages": {}},
            subdir: {
                "info": {"subdir": subdir},
                "packages": dict(
                    _virtual(name, version, subdir) for name, version in packages.items()
                ),
            },
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _channel(channel: Channel) -> str:
    fields = {"url": channel.url, "used_env_vars": channel.variables}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _spec(wish: Wish) -> dict[str, object]:
    version = re.sub("[()]", "", wish.version)
    if (
        version.startswith("==") and not wish.build and version == wish.version
    ):  # parentheses stand in brackets
        version = version[2:]
    return {
        "build": wish.build or None,
        "category": "main",
        "conda_channel": wish.channel or None,
        "extras": [],
        "hash": None,
        "manager": "conda",
        "name": wish.name,
        "version": version,
    }


def _virtual(name: str, text: str, subdir: str) -> tuple[str, dict[str, object]]:
    """A virtual package as in an index of packages: its file's name and record."""
    version, _, build = text.partition(" ")
    full = f"{build}_0" if build else "0"
    record: dict[str, object] = {
        "build": full,
        "build_number": 0,
        "build_string": build,
        "depends": [],
        "name": name,
        "noarch": "",
        "package_type": "virtual_system",
        "subdir": subdir,
        "timestamp": EPOCH_MS,
        "version": version,
    }
    return f"{name}-{version}-{full}.tar.bz2", record
