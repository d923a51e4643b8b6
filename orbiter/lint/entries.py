"""Faults of single entries: hashes, git sources and versions."""

import re
from collections.abc import Iterable, Iterator

from orbiter.lint.lines import Lines
from orbiter.lint.npm_entries import NpmFacts
from orbiter.lint.types import Finding
from orbiter.lockfiles.types import PackageEntry

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
GIT = ("git+", "git:", "git@", "github:", "gitlab:", "bitbucket:")
WITH_COMMITS = frozenset({"cargo", "npm", "pip"})
"""Managers whose entries have the commit of a git source as their build."""
WITH_RANGES = frozenset({"npm", "pip"})
"""Managers whose versions have no tilde or caret of their own."""
WEAK = frozenset({"md5", "sha1"})
RANGE = re.compile(r"[<>~^*]|!=")
"""Part of a range of versions; an exclamation mark alone ends an epoch."""
LOCAL = ("@file:", "@link:", "@portal:", "@workspace:", "@patch:")


def find_in_entries(
    entries: Iterable[PackageEntry], lines: Lines, npm: NpmFacts, *, versions_only: bool = False
) -> Iterator[Finding]:
    """Yield the faults of the entries of one file; ``versions_only`` files have no hashes."""
    entries = list(entries)
    downloads = [each for each in entries if _needs_hash(each, npm)]
    yield from _without_hash(downloads or (entries if versions_only else []), lines)
    yield from _weak_hash([each for each in entries if each.files], lines)
    for entry in entries:
        if is_git(entry):
            yield from _git(entry, lines)
        elif entry.manager in WITH_RANGES and RANGE.search(entry.version):
            yield finding("not-pinned", entry, lines, f"the version is {entry.version}")


def finding(rule: str, entry: PackageEntry, lines: Lines, message: str) -> Finding:
    """Return a finding about an entry."""
    return Finding(
        rule=rule,
        message=f"{f'{entry.name} {entry.version}'.strip()}: {message}",
        line=lines.of_entry(entry),
        package=entry.name,
        version=entry.version,
    )


def _without_hash(entries: list[PackageEntry], lines: Lines) -> Iterator[Finding]:
    """Yield one finding for a file without any hash, otherwise one for each entry without."""
    missing = [entry for entry in entries if not _hashes(entry)]
    if len(missing) > 1 and len(missing) == len(entries):
        yield Finding(rule="no-hash", message=f"none of {len(missing):,} packages has a hash")
        return
    for entry in missing:
        yield finding("no-hash", entry, lines, "no hash")


def _weak_hash(entries: list[PackageEntry], lines: Lines) -> Iterator[Finding]:
    """Yield one finding for a file with only weak hashes, otherwise one for each such entry."""
    weak = [(entry, " and ".join(sorted(_weak_algorithms(entry)))) for entry in entries]
    found = [(entry, algorithms) for entry, algorithms in weak if algorithms]
    if len(found) > 1 and len(found) == len(entries):
        names = " or ".join(sorted({algorithms for _, algorithms in found}))
        message = f"all {len(found):,} packages have only {names}"
        yield Finding(rule="weak-hash", message=message)
        return
    for entry, algorithms in found:
        yield finding("weak-hash", entry, lines, f"only {algorithms}")


def _hashes(entry: PackageEntry) -> bool:
    """Return whether all files have a hash, and there is at least one file."""
    return bool(entry.files) and all(file.hashes for file in entry.files)


def _needs_hash(entry: PackageEntry, npm: NpmFacts) -> bool:
    """Return whether an entry is downloaded, and not as a commit of a git repository."""
    if entry.files:
        return True
    # A conda package without a file is built from a folder or a repository.
    has_commit = COMMIT.fullmatch(entry.source.rpartition("/")[2])
    if has_commit or is_git(entry) or entry.manager == "conda":
        return False
    if entry.manager == "npm":
        return _is_npm_download(entry, npm)
    match entry.manager:
        case "cargo":  # the members of the workspace have no source in their id
            return any(copy.id.endswith(")") for copy in entry.copies)
        case "r":
            return not entry.source
    return not _is_folder(entry)


def _is_folder(entry: PackageEntry) -> bool:
    source = entry.source
    return source.startswith("file:") or bool(source and "://" not in source)


def is_own(entry: PackageEntry, npm: NpmFacts) -> bool:
    """Return whether an entry is a folder of the project, and not from an index."""
    if entry.manager == "npm":
        ids = [copy.id for copy in entry.copies]
        if npm.is_known:
            return all(id_ in npm.folders for id_ in ids)
        return any(mark in id_ for mark in LOCAL for id_ in ids)
    return entry.manager == "pip" and _is_folder(entry)


def _is_npm_download(entry: PackageEntry, npm: NpmFacts) -> bool:
    ids = [copy.id for copy in entry.copies]
    if npm.is_known:
        return any(id_ in npm.downloads for id_ in ids)
    is_local = any(mark in id_ for mark in LOCAL for id_ in ids)
    return not is_local and (not entry.source or "://" in entry.source)


def is_git(entry: PackageEntry) -> bool:
    """Return whether an entry comes from a git repository."""
    has_commit = bool(entry.build) and entry.manager in WITH_COMMITS
    return has_commit or entry.source.startswith(GIT) or entry.source.endswith(".git")


def _git(entry: PackageEntry, lines: Lines) -> Iterator[Finding]:
    if entry.manager in WITH_COMMITS and not COMMIT.fullmatch(entry.build):
        reference = f"only the reference {entry.build}" if entry.build else "no commit"
        yield finding("git-without-commit", entry, lines, f"git source with {reference}")


def _weak_algorithms(entry: PackageEntry) -> set[str]:
    """Return the algorithms of files that have only weak hashes."""
    weak: set[str] = set()
    for file in entry.files:
        algorithms = {each.partition(":")[0] for each in file.hashes}
        if algorithms and algorithms <= WEAK:
            weak |= algorithms
    return weak
