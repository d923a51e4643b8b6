"""Errors for the failures that solve.sh reports."""

import re
from collections.abc import Iterator, Mapping

from resolvers.apt.requirement import package_names
from resolvers.distro.pins import NoSolutionError
from resolvers.errors import ExpectedError
from resolvers.net.mirrors import unreachable
from resolvers.types.options import SystemOptions
from resolvers.types.request import Group

PROGRESS = ("Reading ", "Building ", "Solving ", "Hit:", "Get:", "Fetched ")
"""The beginnings of apt's progress lines."""
BOILERPLATE = re.compile(r"Some packages could not be installed\..*?situation:\n+", flags=re.DOTALL)

UNREACHABLE = re.compile(
    r"""
    ^E:\ Failed\ to\ fetch\ (?P<url>\S+)\s+
    (?P<reason>(?:
        Could\ not\ (?:connect|resolve|wait) | Unable\ to\ connect | Cannot\ initiate
        | Connection\ (?:failed|timed\ out) | Temporary\ failure\ resolving
    ).*)$""",
    re.MULTILINE | re.VERBOSE,
)
"""apt's line about a mirror that does not respond."""


def failure(
    title: str,
    answer: Mapping[str, str],
    *,
    groups: tuple[Group, ...],
    platform: str,
    options: SystemOptions,
) -> ExpectedError:
    """Return the error for a section ``failed <step>``; a step is a name or a group's number."""
    step, suite = title.split()[1], options.suite
    explanation = _explanation(answer[title])
    if step == "update":
        return _failed_update(answer[title], platform, options)
    if step == "keys":
        return ExpectedError(
            f"the package index of Debian {suite} on {platform} is not signed by a Debian key\n"
            f"{explanation}",
            "use a mirror that serves Debian's unmodified index: see the sources of"
            f" debian:{suite}-slim",
        )
    return _no_solution(groups[int(step)], platform, explanation, answer.get("versions", ""))


def _failed_update(output: str, platform: str, options: SystemOptions) -> ExpectedError:
    image = "the base image"
    if options.suite:
        image = f"debian:{options.suite}-slim"
    problems = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:")))
    for repository in options.repositories:
        if repository.url and repository.url in problems:
            table = f"[apt-repository.{repository.name}]"
            return ExpectedError(
                f"apt cannot use {table} of images.toml on {platform}\n{_explanation(output)}",
                f"check {table}: the address, the suite, its components, and the key that signs it",
            )
    if error := unreachable(output, UNREACHABLE, f"the apt sources of {image}"):
        return error
    return ExpectedError(
        f"apt-get update failed on {platform}\n{_explanation(output)}",
        "check the apt sources of the image: the package lists must be available, signed and"
        " current",
    )


def _no_solution(group: Group, platform: str, explanation: str, versions: str) -> NoSolutionError:
    """Return the error for a group; ``versions`` has lines ``<name> <version>``."""
    blamed = package_names(explanation)
    requirements = [text for text in group.requirements if re.split("[:=/]", text)[0] in blamed]
    return NoSolutionError(
        f"apt cannot install {', '.join(requirements or group.requirements)}"
        f" for stage '{group.name}' on {platform}\n"
        + "\n".join([explanation, *_existing_versions(group, versions)]),
        "search for the name with apt-cache in a container of this Debian release;"
        " name=version requires one exact version, and name=1.2.* any that begins so",
        blamed,
    )


def _existing_versions(group: Group, versions: str) -> Iterator[str]:
    """Yield a line with the versions that exist for each required version that does not."""
    by_name: dict[str, list[str]] = {}
    for line in versions.splitlines():
        name, _, version = line.partition(" ")
        by_name.setdefault(name, []).append(version)
    for requirement in group.requirements:
        name, _, version = requirement.partition("=")
        existing = by_name.get(name.partition(":")[0], [])
        if version and existing and version not in existing:
            yield f"  the index has {name} in version {', '.join(existing)}"


def _explanation(output: str) -> str:
    """Return apt's output, indented and without its progress and boilerplate."""
    lines = BOILERPLATE.sub("", output).splitlines()
    return "\n".join(
        f"  {line.rstrip()}" for line in lines if line.strip() and not line.startswith(PROGRESS)
    )
