"""Errors for the failures that solve.sh reports."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from resolvers.apk.requirement import bare_name
from resolvers.distro.pins import NoSolutionError
from resolvers.errors import ExpectedError
from resolvers.net.mirrors import unreachable
from resolvers.types.options import SystemRepository
from resolvers.types.request import Group


class FailedStep(NamedTuple):
    """The message and the hint for a step of the script that failed."""

    message: str
    hint: str


STEPS = {
    "update": FailedStep(
        "apk update failed",
        "make sure that all repositories of the base image can be reached"
        " and that a key in its /etc/apk/keys signed them",
    ),
    "fetch": FailedStep(
        "apk could not fetch the packages to install",
        "the mirror may be in the middle of an update: try again, or use another mirror",
    ),
    "verify": FailedStep(
        "a package is incomplete, or not signed by a key that the base image trusts,",
        "use a mirror that serves unmodified packages; the trusted keys are in the /etc/apk/keys of"
        " the base image",
    ),
}

PROBLEM = re.compile("ERROR:|WARNING:")

UNREACHABLE = re.compile(
    r"""
    ^(?:WARNING|ERROR):\ (?:[a-z ]+\ )?(?P<url>https?://\S+):[ ]
    (?P<reason>(?:
        connection[ ] | DNS: | network[ ] | temporary\ error | could\ not\ connect
        | .*timed\ out | .*unreachable
    ).*)$""",
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)
"""The line of apk 2 or apk 3 about a mirror that does not respond."""


def failure(
    title: str,
    groups: tuple[Group, ...],
    platform: str,
    sections: Mapping[str, str],
    repositories: tuple[SystemRepository, ...] = (),
) -> ExpectedError:
    """Return the error for a section ``failed <step>``; a step is a name or a group's number."""
    lines = sections[title].splitlines()
    output = "\n".join(f"  {line.rstrip()}" for line in lines if line.strip())
    step = title.split()[1]
    if step == "update":
        for repository in repositories:
            if any(repository.url in line for line in lines if PROBLEM.match(line)):
                return _unusable(repository, platform, output)
        origin = "/etc/apk/repositories of the base image"
        if error := unreachable(sections[title], UNREACHABLE, origin):
            return error
    if step in STEPS:
        message, hint = STEPS[step]
        return ExpectedError(f"{message} on {platform}\n{output}", hint)
    group = groups[int(step)]
    notes = _parents_with_blamed_packages(group, groups, sections, output)
    return _no_solution(group, platform, "\n".join([output, *notes]))


def _unusable(repository: SystemRepository, platform: str, output: str) -> ExpectedError:
    table = f"[apk-repository.{repository.name}]"
    return ExpectedError(
        f"apk cannot use {table} of images.toml on {platform}\n{output}",
        f"check {table}: the address, and that key-file is the key that signs it,"
        " with the name that the signer gave it",
    )


def _parents_with_blamed_packages(
    group: Group, groups: tuple[Group, ...], sections: Mapping[str, str], output: str
) -> list[str]:
    """Return a line for each blamed package that a parent of the group installs."""
    blamed = {bare_name(name) for name in re.findall(r"world\[([^]]+)]", output)}
    notes = []
    for number, parent in enumerate(groups):
        if parent.name not in group.parents:
            continue
        installed = {line.split()[1] for line in sections[f"group {number}"].splitlines()}
        notes += [
            f"  stage '{parent.name}' already installs {name}"
            for name in sorted(blamed & installed)
        ]
        blamed -= installed
    return notes


def _no_solution(group: Group, platform: str, output: str) -> NoSolutionError:
    # apk calls a pin that it cannot satisfy world[!name=version].
    blamed = {bare_name(name) for name in re.findall(r"world\[(?!!)([^]]+)]", output)}
    pins = {bare_name(name) for name in re.findall(r"world\[!([^]]+)]", output)}
    requirements = [text for text in group.requirements if bare_name(text) in blamed]
    return NoSolutionError(
        f"apk cannot install {', '.join(requirements or group.requirements)}"
        f" for stage '{group.name}' on {platform}\n{output}",
        "search for the name with apk search in a container of the base image;"
        " name=version requires one exact version",
        frozenset(pins),
    )


def removed_packages(removed: list[str], group: Group, platform: str) -> NoSolutionError:
    """Return the error for a solution that removes packages of the base image."""
    return NoSolutionError(
        f"apk would remove {', '.join(removed)} from the base image"
        f" for stage '{group.name}' on {platform}",
        "add it to the requirements, or use a newer base image",
        frozenset(),
    )


def unknown_file(name: str, version: str, platform: str) -> ExpectedError:
    """Return the error for a package without a fetched file that matches the index."""
    return ExpectedError(
        f"apk would install {name} {version} on {platform},"
        " but the fetched file does not match any APKINDEX.tar.gz",
        "use http or https addresses of repositories with an APKINDEX.tar.gz in the image's"
        " /etc/apk/repositories",
    )
