"""conda-lock's content hash, by which it recognises an up-to-date lock.

conda-lock cannot be imported here, because its dependencies exclude those of Poetry. So this module
computes the hash as conda_lock.content_hash of version 4.0.3 does: the sha256 of a JSON text of the
requirements and virtual packages. A test compares it with the real program.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from resolvers.conda.channels import Channel
from resolvers.conda.requirements import CondaRequirement

EPOCH_MS = 1577854800000
"""Timestamp that conda-lock gives virtual packages."""


def content_hash(
    channels: Iterable[Channel],
    subdir: str,
    requirements: Iterable[CondaRequirement],
    virtual_packages: Mapping[str, str],
) -> str:
    """Return conda-lock's hash of environment.yml and virtual-packages.yml for one subdir."""
    # Of two requirements for one package, conda-lock keeps the last.
    specs = {requirement.name: _spec(requirement) for requirement in requirements}
    records = dict(
        _virtual_record(name, version, subdir) for name, version in virtual_packages.items()
    )
    content = {
        "channels": [_channel(channel) for channel in channels],
        "specs": [specs[name] for name in sorted(specs)],
        "virtual_package_hash": {
            "noarch": {"info": {"subdir": "noarch"}, "packages": {}},
            subdir: {"info": {"subdir": subdir}, "packages": records},
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _channel(channel: Channel) -> str:
    fields = {"url": channel.url, "used_env_vars": channel.variables}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _spec(requirement: CondaRequirement) -> dict[str, object]:
    return {
        "build": requirement.build or None,
        "category": "main",
        "conda_channel": requirement.channel or None,
        "extras": [],
        "hash": None,
        "manager": "conda",
        "name": requirement.name,
        "version": _version(requirement),
    }


def _version(requirement: CondaRequirement) -> str:
    # Parentheses occur only in the bracket form, where conda-lock keeps the "==".
    version = re.sub("[()]", "", requirement.version)
    in_brackets = version != requirement.version
    if version.startswith("==") and not requirement.build and not in_brackets:
        return version.removeprefix("==")
    return version


def _virtual_record(name: str, text: str, subdir: str) -> tuple[str, dict[str, object]]:
    """Return a virtual package as in repodata.json: its file name and its record."""
    version, _, build = text.partition(" ")
    full_build = f"{build}_0" if build else "0"
    record: dict[str, object] = {
        "build": full_build,
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
    return f"{name}-{version}-{full_build}.tar.bz2", record
