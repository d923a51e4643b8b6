"""pip on top of conda: one version of a distribution for both, and one of the two that installs it. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import wheels
from resolvers.pip.index_proxy import MISSING
from resolvers.types import Group, Package, ProvidedDistribution, Request, Target

Chosen = Callable[[str, Target], tuple[Package, ...]]
"""Gives the packages of the lock that a group needs on a target."""


def needed(request: Request, packages: Iterable[Package]) -> Request:
    """The request without what conda brings and no package of the lock needs: that part has no place in the files."""
    names = {package.name for package in packages} if request.pip.provided else set()
    return with_provided(request, (each for each in request.pip.provided if each.name in names))


def bound(request: Request) -> Request:
    """The request with that of conda's which can bind a solve: pip reads the version, and it is one on a platform.

    The rest is none of pip's business, unless pip needs it: then ``check_offer`` refuses the lock.
    """
    twofold = _twofold(request.pip.provided)
    kept = (each for each in request.pip.provided if each not in twofold and _version(each.version))
    return with_provided(request, kept)


def with_provided(request: Request, provided: Iterable[ProvidedDistribution]) -> Request:
    """Return the request with other distributions that conda provides."""
    options = msgspec.structs.replace(request.pip, provided=tuple(provided))
    return msgspec.structs.replace(request, pip=options)


def versions(request: Request, without: Set[str] = frozenset()) -> Mapping[str, frozenset[Version]]:
    """The versions that conda brings of each distribution on any platform, but of those to leave out."""
    found: dict[str, set[Version]] = {
        each.name: set() for each in request.pip.provided if each.name not in without
    }
    for each in request.pip.provided:
        if each.name in found:
            found[each.name].add(Version(each.version))
    return {name: frozenset(held) for name, held in found.items()}


def shared(request: Request, chosen: Chosen) -> frozenset[str]:
    """What conda brings for some and pip has to install for others, a group or a platform.

    Of that the own requirements are pip's matter too; of all else that conda brings, conda has met them.
    """
    names = {each.name for each in request.pip.provided}
    found: set[str] = set()
    for group, target in _stages(request) if names else ():
        there = _there(request, group.name, target)
        found |= {
            each.name
            for each in chosen(group.name, target)
            if each.name in names and each.name not in there
        }
    return frozenset(found)


def constraints(request: Request) -> tuple[str, ...]:
    """What conda brings as requirements (PEP 508), sorted; for a platform alone where platforms differ."""
    return tuple(sorted({_constraint(request, each) for each in request.pip.provided}))


def _constraint(request: Request, each: ProvidedDistribution) -> str:
    required = f"{each.name}=={each.version}"
    if _is_everywhere(request, each):
        return required
    return f"{required} ; platform_machine == '{wheels.machine(Target(platform=each.platform))}'"


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _is_everywhere(request: Request, each: ProvidedDistribution) -> bool:
    """Whether conda brings this version on all platforms, whatever the groups."""
    same = {
        other.platform
        for other in request.pip.provided
        if (other.name, other.version) == (each.name, each.version)
    }
    return same >= {target.platform for target in request.targets}


def told(request: Request, names: Set[str]) -> list[str]:
    """The lines that tell of each named distribution which version conda brings, and by which package."""
    found: dict[str, ProvidedDistribution] = {}
    for each in sorted(request.pip.provided, key=_place(request)):
        if each.name in names:
            where = "" if _is_everywhere(request, each) else f" on {each.platform}"
            found.setdefault(
                f"  '{each.name}' is {each.version}{where}, provided by the conda package ", each
            )
    return [f"{line}'{each.package}' of '{each.group}'" for line, each in sorted(found.items())]


def _place(request: Request) -> Callable[[ProvidedDistribution], tuple[int, ProvidedDistribution]]:
    """A key of order: the lowest stage first."""
    return lambda each: (len(request.pip.parents.get(each.group, ())), each)


def check_request(request: Request) -> None:
    """Refuse what is asked of pip though conda brings it: as a requirement, or as an upgrade. Raises ExpectedError."""
    for name in request.upgrade.packages:
        for each in sorted(request.pip.provided, key=_place(request)):
            if each.name == canonicalize_name(name):
                raise ExpectedError(
                    f"pip cannot upgrade '{name}': conda brings {each.name} {each.version} "
                    f"(package '{each.package}' of '{each.group}')",
                    f"upgrade '{each.package}' of conda",
                )
    twice = {line: None for group in request.groups for line in _asked_twice(request, group)}
    if twice:
        raise ExpectedError("\n".join(twice), "take it out of one of the two lists")


def _asked_twice(request: Request, group: Group) -> Iterator[str]:
    for target in request.targets:
        there = _there(request, group.name, target)
        for requirement, name in _direct(group, target):
            if each := there.get(name):
                yield (
                    f"group '{group.name}': pip is asked for '{requirement}', but conda brings {name} {each.version} "
                    f"(package '{each.package}' of '{each.group}')"
                )


def _there(request: Request, group: str, target: Target) -> dict[str, ProvidedDistribution]:
    """What conda brings in the group and below it, by name; of several the nearest."""
    stages = (group, *request.pip.parents.get(group, ()))
    found = [
        each
        for each in request.pip.provided
        if each.platform == target.platform and each.group in stages
    ]
    return {
        each.name: each
        for each in sorted(found, key=lambda each: stages.index(each.group), reverse=True)
    }


def _direct(group: Group, target: Target) -> Iterator[tuple[str, str]]:
    """The group's requirements that count on the target, and the names of what they ask for."""
    for wish in sorted(set(group.requirements)):
        requirement = Requirement(wish)
        if requirement.marker is None or wheels.applies(str(requirement.marker), target):
            yield wish, canonicalize_name(requirement.name)


def check_offer(request: Request, chosen: Chosen) -> None:
    """Refuse what pip needs and conda brings in a version that the index does not have. Raises UnsolvableError.

    An engine would not say it: it goes back to versions from before somebody needed that distribution, and locks one
    that is years old. So it gets to see a wheel that is not there, which must not stay in a lock.
    """
    found: dict[ProvidedDistribution, str] = {}
    missing: dict[ProvidedDistribution, None] = {}
    for group, target in _stages(request) if request.pip.provided else ():
        packages = chosen(group.name, target)
        names = {package.name: package for package in packages}
        for each in request.pip.provided:
            if each.platform == target.platform and each.name in names:
                found.setdefault(each, _way(group, _chain(group, target, packages, each.name)))
                if _version(each.version) is None or _is_missing(names[each.name]):
                    missing[each] = None
    _refuse(request, found, _twofold(found), "conda brings two versions of what pip locks once:")
    _refuse(
        request,
        found,
        list(missing),
        "conda brings what the package index does not have in that version:",
    )


def _is_missing(package: Package) -> bool:
    return any(artifact.hash == f"sha256:{MISSING}" for artifact in package.artifacts)


def _twofold(found: Iterable[ProvidedDistribution]) -> list[ProvidedDistribution]:
    held: dict[tuple[str, str], set[str]] = {}
    for each in found:
        held.setdefault((each.platform, each.name), set()).add(each.version)
    return [each for each in found if len(held[each.platform, each.name]) > 1]


def _refuse(
    request: Request,
    found: Mapping[ProvidedDistribution, str],
    wrong: list[ProvidedDistribution],
    title: str,
) -> None:
    if not wrong:
        return
    lines = told(with_provided(request, wrong), {each.name for each in wrong})
    ways = sorted({f"  pip needs '{each.name}': {found[each]}" for each in wrong})
    hint = "ask conda for another version, or for what needs it"
    raise UnsolvableError("\n".join([title, *lines, *ways]), hint)


def _stages(request: Request) -> list[tuple[Group, Target]]:
    return [(group, target) for group in request.groups for target in request.targets]


def _way(group: Group, chain: list[str]) -> str:
    through = f"through {', needed by '.join(chain)}, " if chain else ""
    return f"{through}asked for by '{group.name}'"


def check_lock(request: Request, chosen: Chosen) -> None:
    """Refuse a lock that cannot stand on conda's packages.

    Raises UnsolvableError where pip's version of a distribution is not the one that conda brings, and ExpectedError
    where pip would install in one stage what conda installs over it in a later one.
    """
    if not request.pip.provided:
        return
    locked = {
        (group.name, target): chosen(group.name, target) for group, target in _stages(request)
    }
    for (_, target), packages in locked.items():
        _check_versions(request, target, packages)
    clashes: dict[str, tuple[str, str]] = {}
    for group, target in _stages(request):
        clashes |= _clashes(request, group, target, locked[group.name, target])
    if clashes:
        raise ExpectedError("\n".join(clashes), _remedy(clashes.values()))


def _check_versions(request: Request, target: Target, packages: Iterable[Package]) -> None:
    locked = {package.name: package.version for package in packages}
    for each in request.pip.provided:
        if each.platform != target.platform or each.name not in locked:
            continue
        if not SpecifierSet(f"=={each.version}").contains(locked[each.name], prereleases=True):
            raise UnsolvableError(
                f"pip's lock has {each.name} {locked[each.name]}, but on {each.platform} conda brings {each.version} "
                f"(package '{each.package}' of '{each.group}')",
                "ask conda for the same version on every platform, or use the engine uv, which can lock one for each",
            )


def _clashes(
    request: Request, group: Group, target: Target, packages: tuple[Package, ...]
) -> dict[str, tuple[str, str]]:
    """What conda would install over the group's packages: a line for each, with the group and conda's package."""
    there = _there(request, group.name, target)
    later: dict[str, ProvidedDistribution] = {}
    for each in sorted(request.pip.provided, key=_place(request)):
        if each.platform == target.platform and group.name in request.pip.parents.get(
            each.group, ()
        ):
            later.setdefault(each.name, each)
    return {
        _clash(
            package.name, group, _chain(group, target, packages, package.name), later[package.name]
        ): (
            group.name,
            later[package.name].package,
        )
        for package in packages
        if package.name in later and package.name not in there
    }


def _clash(name: str, group: Group, chain: list[str], later: ProvidedDistribution) -> str:
    return (
        f"{name} comes from pip in '{group.name}' ({_way(group, chain)}) "
        f"and from conda in '{later.group}' (package '{later.package}')"
    )


def _chain(group: Group, target: Target, packages: tuple[Package, ...], name: str) -> list[str]:
    """The shortest way from what needs the name up to what the group asks for; [] where it asks for the name."""
    requires = {package.name: package.requires for package in packages}
    came = dict.fromkeys((asked for _, asked in _direct(group, target)), "")
    waiting = deque(came)
    while waiting:
        at = waiting.popleft()
        for each in requires.get(at, ()):
            if each in requires and each not in came:
                came[each] = at
                waiting.append(each)
    chain = []
    while name := came.get(name, ""):
        chain.append(name)
    return chain


def _remedy(clashes: Iterable[tuple[str, str]]) -> str:
    asked: dict[str, set[str]] = {}
    for group, package in clashes:
        asked.setdefault(group, set()).add(package)
    return "; ".join(
        f"add {', '.join(sorted(asked[group]))} to the conda list of '{group}'" for group in asked
    )
