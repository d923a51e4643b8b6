"""The format of conda-lock.yml, version 1.

Format: https://conda.github.io/conda-lock/output/#unified-lockfile.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from resolvers.conda.channels import Channel
from resolvers.conda.environment_yml import ENVIRONMENT, scalar
from resolvers.conda.requirements import subdir
from resolvers.errors import ExpectedError
from resolvers.types.decoding import thread_safe_decoding
from resolvers.types.packages import LockFiles
from resolvers.types.request import Target
from resolvers.yaml_depth import deep_position

LOCK_FILE = "conda-lock.yml"
FORMAT = "1"
# A lock that is still up to date keeps the head that it was written with.
HEAD = """\
# Written by Orbiter: what conda installs. To change it, edit images.toml and lock.
# conda-lock and micromamba read it too. Each stage is a category. Without its name, both
# programs install nothing. Repeat the option for every stage that STAGE starts from:
#     conda-lock install -n YOURENV -E STAGE conda-lock.yml
#     micromamba create -n YOURENV -f conda-lock.yml --category STAGE
"""
MAIN_CATEGORY = "main"
"""The category that conda-lock always installs."""
PACKAGE_ENDINGS = re.compile(r"\.(?:conda|tar\.bz2)$")
NUMBER_LIKE = re.compile(r": ([-+.]?[0-9][0-9A-Za-z_.+-]*)$", re.MULTILINE)
"""Unquoted values that a YAML parser may take for numbers, such as the version 3.10."""
NUMERIC_HEX = re.compile(r"[0-9]+(e[0-9]+)?")
"""Hexadecimal digits that a YAML parser takes for a number."""
RESTORE_HINT = "restore it from git, or lock again"


class FileHashes(msgspec.Struct, frozen=True, kw_only=True):
    """The hashes of a package file, as hexadecimal digits."""

    sha256: str
    md5: str = ""


@thread_safe_decoding
class CondaEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One package of one platform and category; the fields are those of the file."""

    name: str
    version: str
    manager: str = "conda"
    platform: str
    dependencies: Mapping[str, str] = {}
    url: str
    hash: FileHashes
    category: str = MAIN_CATEGORY

    @property
    def file(self) -> str:
        """The package's file name."""
        return self.url.rpartition("/")[2]

    @property
    def build(self) -> str:
        """The build string, which the format stores only as a part of the file name."""
        return PACKAGE_ENDINGS.sub("", self.file).rpartition("-")[2]


class CondaLock(msgspec.Struct, frozen=True, kw_only=True):
    """The content of conda-lock.yml; ``content_hashes`` maps each subdir to its content hash."""

    channels: tuple[Channel, ...]
    content_hashes: Mapping[str, str]
    entries: tuple[CondaEntry, ...]

    def entries_for(self, subdir: str) -> tuple[CondaEntry, ...]:
        """Return the entries of one platform: each package once per category."""
        return tuple(entry for entry in self.entries if entry.platform == subdir)


class _KnownLocks:
    """The locks that this process has written, by their text.

    Reading one of them again would take longer than some solves.
    """

    def __init__(self) -> None:
        self._locks: dict[str, CondaLock] = {}

    def add(self, text: str, lock: CondaLock) -> None:
        """Remember a lock by its text."""
        self._locks[text] = lock

    def get(self, text: str) -> CondaLock | None:
        """Return the lock with this text if this process has written it."""
        return self._locks.get(text)


_known_locks = _KnownLocks()


def format_lock(lock: CondaLock) -> str:
    """Return the canonical text, with fields in conda-lock's order.

    Entries are sorted by name, platform and category.
    """
    subdirs = sorted(lock.content_hashes)
    lines = [HEAD, f"version: {FORMAT}", "metadata:", "  content_hash:"]
    lines += [f"    {subdir}: {_hex(lock.content_hashes[subdir])}" for subdir in subdirs]
    lines.append("  channels:")
    for channel in lock.channels:
        lines.append(f"  - url: {scalar(channel.url)}")
        lines += _format_list("    used_env_vars", channel.variables)
    lines += _format_list("  platforms", subdirs)
    lines += _format_list("  sources", [ENVIRONMENT])
    lines.append("package:")
    for entry in sorted(lock.entries, key=lambda item: (item.name, item.platform, item.category)):
        lines += _format_entry(entry)
    text = "\n".join(lines) + "\n"
    _known_locks.add(text, lock)
    return text


def _format_list(key: str, items: Iterable[str]) -> list[str]:
    # The items are indented like their key, as in conda-lock's own files.
    indent = key[: len(key) - len(key.lstrip())]
    lines = [f"{indent}- {scalar(item)}" for item in items]
    return [f"{key}:", *lines] if lines else [f"{key}: []"]


def _format_entry(entry: CondaEntry) -> list[str]:
    is_main = entry.category == MAIN_CATEGORY
    return [
        f"- name: {scalar(entry.name)}",
        f"  version: {scalar(entry.version)}",
        "  manager: conda",
        f"  platform: {entry.platform}",
        *_format_dependencies(entry.dependencies),
        f"  url: {entry.url}",
        *_format_hashes(entry.hash),
        f"  category: {scalar(entry.category)}",
        f"  optional: {'false' if is_main else 'true'}",
    ]


def _format_hashes(hashes: FileHashes) -> list[str]:
    lines = ["  hash:"]
    if hashes.md5:
        lines.append(f"    md5: {_hex(hashes.md5)}")
    return [*lines, f"    sha256: {_hex(hashes.sha256)}"]


def _format_dependencies(dependencies: Mapping[str, str]) -> list[str]:
    if not dependencies:
        return ["  dependencies: {}"]
    lines = [f"    {scalar(name)}: {scalar(spec)}" for name, spec in sorted(dependencies.items())]
    return ["  dependencies:", *lines]


def _hex(digits: str) -> str:
    return f"'{digits}'" if NUMERIC_HEX.fullmatch(digits) else digits


def parse_lock(files: LockFiles) -> CondaLock:
    """Parse conda-lock.yml.

    Raises ExpectedError if it is malformed, and for a package that conda cannot install.
    """
    text = files[LOCK_FILE]
    return _known_locks.get(text) or _parse_text(text)


def select_entries(
    files: LockFiles, target: Target, groups: tuple[str, ...]
) -> dict[str, CondaEntry]:
    """Return what the groups together install on the target's platform, by name. Pure.

    Raises ExpectedError if the lock file lacks the platform.
    """
    if LOCK_FILE not in files:
        return {}
    lock, name = parse_lock(files), subdir(target.platform)
    if name not in lock.content_hashes:
        raise ExpectedError(
            f"{LOCK_FILE} is not locked for {target.platform}",
            "run 'orbiter lock' to lock this platform",
        )
    return {entry.name: entry for entry in lock.entries_for(name) if entry.category in groups}


@lru_cache(maxsize=4)
def _parse_text(text: str) -> CondaLock:
    data = _load_yaml(text)
    metadata = data["metadata"]
    try:
        entries = msgspec.convert(data.get("package"), tuple[CondaEntry, ...])
        content_hashes = msgspec.convert(metadata.get("content_hash"), dict[str, str])
        channels = tuple(
            Channel(url=channel["url"], variables=tuple(channel["used_env_vars"]))
            for channel in metadata["channels"]
        )
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise _unreadable(str(error)) from error
    for entry in entries:
        if entry.manager != "conda":
            raise ExpectedError(
                f"{LOCK_FILE}: {entry.name} {entry.version} is a pip package, "
                "which conda's lock cannot contain",
                "list it under pip in images.toml",
            )
    return CondaLock(channels=channels, content_hashes=content_hashes, entries=entries)


def _load_yaml(text: str) -> dict[str, Any]:
    import yaml12

    if deep_position(text) is not None:
        raise _unreadable("it is nested too deeply")
    try:
        data: Any = yaml12.parse_yaml(NUMBER_LIKE.sub(r": '\1'", text))
    except ValueError as error:
        raise _unreadable(str(error)) from error
    is_lock = isinstance(data, dict) and data.get("version") == FORMAT
    if not is_lock or not isinstance(data.get("metadata"), dict):
        raise _unreadable(f"it is not a conda-lock.yml of format {FORMAT}")
    content: dict[str, Any] = data
    return content


def _unreadable(reason: str) -> ExpectedError:
    return ExpectedError(f"{LOCK_FILE} cannot be read: {reason}", RESTORE_HINT)
