"""conda-lock.yml, format 1: https://conda.github.io/conda-lock/output/#unified-lockfile, read and written."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from resolvers.conda.channels import Channel
from resolvers.conda.environment_yml import ENVIRONMENT, scalar
from resolvers.errors import ExpectedError
from resolvers.types import LockFiles, thread_safe_decoding

FILE = "conda-lock.yml"
FORMAT = "1"
HEAD = """\
# Written by Orbiter: what conda installs. To change it, edit images.toml and lock.
# conda-lock and micromamba read it too; each stage is a category:
#     conda-lock install -n YOURENV -e STAGE conda-lock.yml
"""
MAIN = "main"
"""The category that conda-lock installs in any case."""
ENDINGS = re.compile(r"\.(?:conda|tar\.bz2)$")
NUMBERS = re.compile(r": ([-+.]?[0-9][0-9A-Za-z_.+-]*)$", re.MULTILINE)
"""Values that YAML takes for numbers, perhaps."""
DIGITS = re.compile(r"[0-9]+(e[0-9]+)?")
DAMAGED = "take it from git again, or lock anew"


_written: dict[str, "CondaLock"] = {}
"""What was written by this process, so that it need not be read again: reading takes longer than solving at times."""


class Hash(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes of a file in hexadecimal digits."""

    sha256: str
    md5: str = ""


@thread_safe_decoding
class CondaEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One package of one platform and category, field by field as in the file."""

    name: str
    version: str
    manager: str = "conda"
    platform: str
    dependencies: Mapping[str, str] = {}
    url: str
    hash: Hash
    category: str = MAIN

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.url.rpartition("/")[2]

    @property
    def build(self) -> str:
        """The build, which the format tells in the file's name only."""
        return ENDINGS.sub("", self.file).rpartition("-")[2]


class CondaLock(msgspec.Struct, frozen=True, kw_only=True):
    """conda-lock.yml; ``hashes`` are of what each platform was asked for."""

    channels: tuple[Channel, ...]
    hashes: Mapping[str, str]
    package: tuple[CondaEntry, ...]

    def of(self, subdir: str) -> tuple[CondaEntry, ...]:
        """The packages of one platform, each once a category."""
        return tuple(entry for entry in self.package if entry.platform == subdir)


def write(lock: CondaLock) -> str:
    """The canonical text: sorted by name, platform and category; fields in the order in which conda-lock has them."""
    lines = [HEAD, f"version: {FORMAT}", "metadata:", "  content_hash:"]
    lines += [f"    {subdir}: {_hex(value)}" for subdir, value in sorted(lock.hashes.items())]
    lines.append("  channels:")
    for channel in lock.channels:
        lines += [f"  - url: {scalar(channel.url)}", *_list("    used_env_vars", channel.variables)]
    lines += _list("  platforms", sorted(lock.hashes))
    lines += _list("  sources", [ENVIRONMENT])
    lines.append("package:")
    for entry in sorted(lock.package, key=lambda each: (each.name, each.platform, each.category)):
        lines += _entry(entry)
    text = "\n".join(lines) + "\n"
    _written[text] = lock
    return text


def _list(key: str, items: Iterable[str]) -> list[str]:
    indent = key[: len(key) - len(key.lstrip())]
    found = [f"{indent}- {scalar(item)}" for item in items]
    return [f"{key}:", *found] if found else [f"{key}: []"]


def _entry(entry: CondaEntry) -> list[str]:
    needs = [
        f"    {scalar(name)}: {scalar(text)}" for name, text in sorted(entry.dependencies.items())
    ]
    md5 = [f"    md5: {_hex(entry.hash.md5)}"] if entry.hash.md5 else []
    return [
        f"- name: {scalar(entry.name)}",
        f"  version: {scalar(entry.version)}",
        "  manager: conda",
        f"  platform: {entry.platform}",
        *(["  dependencies:", *needs] if needs else ["  dependencies: {}"]),
        f"  url: {entry.url}",
        "  hash:",
        *md5,
        f"    sha256: {_hex(entry.hash.sha256)}",
        f"  category: {scalar(entry.category)}",
        f"  optional: {'false' if entry.category == MAIN else 'true'}",
    ]


def _hex(text: str) -> str:
    return f"'{text}'" if DIGITS.fullmatch(text) else text


def parse(files: LockFiles) -> CondaLock:
    """The lock file, typed. Raises ExpectedError when it is none, or holds what Orbiter cannot install by conda."""
    text = files[FILE]
    return _written.get(text) or _parsed(text)


@lru_cache(maxsize=4)
def _parsed(text: str) -> CondaLock:
    import yaml12

    try:
        data: Any = yaml12.parse_yaml(NUMBERS.sub(r": '\1'", text))
    except ValueError as error:
        raise ExpectedError(f"{FILE} cannot be read: {error}", DAMAGED) from error
    if (
        not isinstance(data, dict)
        or data.get("version") != FORMAT
        or not isinstance(data.get("metadata"), dict)
    ):
        raise ExpectedError(
            f"{FILE} cannot be read: it is no conda-lock.yml of format {FORMAT}", DAMAGED
        )
    metadata = data["metadata"]
    try:
        packages = msgspec.convert(data.get("package"), tuple[CondaEntry, ...])
        hashes = msgspec.convert(metadata.get("content_hash"), dict[str, str])
        channels = tuple(
            Channel(url=each["url"], variables=tuple(each["used_env_vars"]))
            for each in metadata["channels"]
        )
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ExpectedError(f"{FILE} cannot be read: {error}", DAMAGED) from error
    for entry in packages:
        if entry.manager != "conda":
            raise ExpectedError(
                f"{FILE}: {entry.name} {entry.version} is a package of pip",
                "list it under pip in images.toml",
            )
    return CondaLock(channels=channels, hashes=hashes, package=packages)
