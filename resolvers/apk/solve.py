"""Run apk inside the pinned base image, and read its answer."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from resolvers.apk import base
from resolvers.apk.apk_file import ApkFile, index_of
from resolvers.apk.base import AlpineBase, parse_base
from resolvers.apk.failures import failure, removed_packages, unknown_file
from resolvers.apk.index import ApkRecord, Key, parse_records, places_of
from resolvers.apk.requirement import bare_name
from resolvers.cache import folder
from resolvers.distro.package_files import in_index_too, with_files
from resolvers.distro.scripts import sections, stage_lines, with_variables
from resolvers.types.options import SystemOptions, SystemRepository
from resolvers.types.request import Group

SCRIPTS = (*base.SCRIPTS, Path(__file__).with_name("solve.sh"))


class ApkSolution(msgspec.Struct, frozen=True, kw_only=True):
    """apk's solution for one platform.

    ``groups`` maps a group to everything that is installed after it, except the base image.
    ``records`` has all of these packages.
    """

    base: AlpineBase
    groups: Mapping[str, frozenset[Key]]
    records: Mapping[Key, ApkRecord]


class ApkPins(msgspec.Struct, frozen=True, kw_only=True):
    """The versions to install, by name.

    If the base image has another version of a package, it may stay, except for ``exact`` ones.
    """

    versions: Mapping[str, str]
    exact: frozenset[str] = frozenset()


def solve(
    options: SystemOptions,
    platform: str,
    groups: tuple[Group, ...],
    pins: ApkPins,
    files: tuple[ApkFile, ...] = (),
) -> ApkSolution:
    """Resolve all groups in one container, parents first; fetch and hash the packages they add.

    ``files`` are required too.

    Raises NoSolutionError if a group has no solution. Raises ExpectedError if an index or a package
    is not available, or if neither a key that the image trusts nor one of images.toml signed it.
    """
    assert options.shell
    text = script(with_files(groups, files), pins, options.repositories, index_of(files))
    output = options.shell(text, platform=platform, cache=cache_folder(platform))
    answer = sections(output)
    failed = next((title for title in answer if title.startswith("failed ")), "")
    if failed:  # the script exits with 0, so that its output arrives
        raise failure(failed, groups, platform, answer, options.repositories)
    solved = {}
    for number, group in enumerate(groups):
        solved[group.name] = _installed(group, platform, answer[f"group {number}"])
    _check_index(files, answer["policy"], options.repositories)
    records = parse_records(answer, options.repositories) | _used(files, solved)
    unknown = frozenset[Key]().union(*solved.values()) - records.keys()
    if unknown:
        name, version = min(unknown)
        raise unknown_file(name, version, platform)
    return ApkSolution(base=parse_base(answer["facts"]), groups=solved, records=records)


def script(
    groups: tuple[Group, ...],
    pins: ApkPins,
    repositories: tuple[SystemRepository, ...] = (),
    index: str = "",
) -> str:
    """Return the script that resolves the groups.

    ``index`` has the records of packages that no repository has.
    """
    lines = []
    for name, version in sorted(pins.versions.items()):
        strength = "hard" if name in pins.exact else "soft"
        lines.append(f"{strength} {name} {version}\n")
    return with_variables(
        SCRIPTS,
        pins="".join(lines),
        repositories="\n".join(map(_repository_line, repositories)),
        stages=stage_lines(groups),
        own_index=index,
    )


def _check_index(
    files: tuple[ApkFile, ...], policy: str, repositories: tuple[SystemRepository, ...]
) -> None:
    """Raise ExpectedError if a repository has the version of a package file too.

    apk may have resolved the dependencies of the one in the repository.
    """
    if not files:
        return
    in_index = places_of(policy.splitlines(), repositories)
    for each in files:
        if each.key in in_index:
            raise in_index_too(each, "apk")


def _used(files: tuple[ApkFile, ...], solved: Mapping[str, frozenset[Key]]) -> dict[Key, ApkRecord]:
    """Return the records of the package files in a solution."""
    used = frozenset[Key]().union(*solved.values())
    return {each.key: each.record for each in files if each.key in used}


def _repository_line(repository: SystemRepository) -> str:
    # The lines of the key become words: busybox may lack base64.
    key = "|".join(repository.key.decode("ascii").splitlines())
    return " ".join((repository.tag, repository.url, repository.key_name, key))


def cache_folder(platform: str) -> str:
    """Return the folder with the indexes, the packages and their hashes for a platform."""
    return str(folder("apk", platform.replace("/", "-")))


def _installed(group: Group, platform: str, section: str) -> frozenset[Key]:
    """Return the packages of a section ``group <number>``: lines ``<action> <name> <version>``.

    A tag may follow the name.
    """
    installed, removed = set(), []
    for line in section.splitlines():
        action, tagged_name, version = line.split()
        name = bare_name(tagged_name)
        if action == "Purging":
            removed.append(name)
        installed.add((name, version))
    # A stage may only add to the base image.
    if removed:
        raise removed_packages(removed, group, platform)
    return frozenset(installed)
