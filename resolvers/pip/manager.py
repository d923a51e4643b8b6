"""The manager pip: wheels for the exact Python of the image, solved by Poetry or uv, locked with their hashes."""

from collections.abc import Mapping, Set
from functools import partial
from typing import Protocol

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from resolvers import uv_program
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.index import index
from resolvers.pip import on_conda, poetry, pyproject, sdists, uv, wheels
from resolvers.types import Artifact, LockFiles, Package, Pin, Request, Target


class Engine(Protocol):
    """What the modules of the engines offer."""

    LOCK: str

    def project(self, request: Request, shared: Set[str] = ...) -> str:
        """The text of pyproject.toml."""
        ...

    def lock(
        self, request: Request, previous: tuple[Package, ...], shared: Set[str] = ...
    ) -> LockFiles:
        """Solve; gives pyproject.toml and the engine's lock file.

        Of what conda brings, the own requirements count for those alone that are ``shared`` with pip.
        """
        ...

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """All packages of the engine's lock file."""
        ...

    def chosen(
        self, files: LockFiles, target: Target, groups: frozenset[str]
    ) -> tuple[Package, ...]:
        """Those that the groups need on the target."""
        ...


ENGINES: Mapping[str, Engine] = {"poetry": poetry, "uv": uv}
TOOLS: Mapping[str, str] = {"poetry": poetry.VERSION, "uv": uv_program.version()}
"""The versions of the engines."""
INSTALLERS: Mapping[str, str] = {"py-rattler": "0.28.0", "uv": "0.13.8"}
"""The versions of what installs in a build stage: uv what is of pip, rattler what is of conda."""

SHOWN = 8
"""Wheels that an error lists."""


def resolve(request: Request) -> LockFiles:
    """Lock the pip requirements; gives pyproject.toml, the engine's lock file, perhaps build-requirements.txt.

    {} where nothing is required. When nothing changed and nothing shall move, the previous files. Raises
    UnsolvableError, ExpectedError when a package has no file for a target, and what the engine raises.
    """
    if not any(group.requirements for group in request.groups):
        return {}
    pyproject.check(request.groups)
    _check_versions(request)
    on_conda.check_request(request)
    engine = _engine(request)
    files = (
        dict(request.previous)
        if _is_fresh(on_conda.bound(request), engine)
        else _solved(request, engine)
    )
    chosen = partial(_of_group, engine, files)
    on_conda.check_offer(request, chosen)
    on_conda.check_lock(request, chosen)
    return files


def _solved(request: Request, engine: Engine) -> LockFiles:
    previous = read(request.previous) if request.previous and not request.upgrade.everything else ()
    files = _locked(request, engine, previous, frozenset())
    _check_upgrade(request, engine.read(files))
    built = sorted({pin for target in request.targets for pin in _built(files, target, request)})
    builds = sdists.lock(
        on_conda.with_provided(request, ()), built
    )  # they are built away from conda
    return {**files, **({sdists.FILE: builds} if builds else {})}


def _locked(
    request: Request, engine: Engine, previous: tuple[Package, ...], shared: frozenset[str]
) -> LockFiles:
    """Who shares what with conda is known by the lock: once more, where it was not known before."""
    bound = on_conda.bound(request)
    files = engine.lock(bound, previous, shared)
    chosen = partial(_of_group, engine, files)
    on_conda.check_offer(request, chosen)
    found = on_conda.shared(bound, chosen)
    return files if found <= shared else _locked(request, engine, previous, shared | found)


def _of_group(engine: Engine, files: LockFiles, group: str, target: Target) -> tuple[Package, ...]:
    return engine.chosen(files, target, frozenset({canonicalize_name(group)}))


def _engine(request: Request) -> Engine:
    name = request.engine or "poetry"
    if name not in ENGINES:
        raise ExpectedError(f"pip has no engine '{name}'", f"its engines are {', '.join(ENGINES)}")
    return ENGINES[name]


def _check_versions(request: Request) -> None:
    for name, version in request.upgrade.packages.items():
        try:
            Version(version or "0")
        except InvalidVersion as error:
            raise ExpectedError(
                f"'{name}' cannot be upgraded to '{version}', which is no version",
                "write it as 1.2.3",
            ) from error


def _is_fresh(request: Request, engine: Engine) -> bool:
    """Whether the previous files are an answer to the request as they are."""
    moves = request.upgrade.everything or request.upgrade.packages or request.as_of
    if moves or engine.LOCK not in request.previous:
        return False
    asked = on_conda.needed(request, engine.read(request.previous))
    shared = on_conda.shared(asked, partial(_of_group, engine, request.previous))
    if request.previous.get(pyproject.FILE) != engine.project(asked, shared):
        return False
    built = [pin for target in request.targets for pin in _built(request.previous, target, request)]
    return bool(built) == (sdists.FILE in request.previous)


def _built(files: LockFiles, target: Target, request: Request) -> list[Pin]:
    together = tuple(group.name for group in request.groups)
    stages = (
        [(name, *request.pip.parents.get(name, ())) for name in together]
        if request.pip.provided
        else [together]
    )
    pins = {pin for stage in stages for pin in select(files, target, stage)}
    return [pin for pin in pins if not pin.artifact.file.endswith(".whl")]


def _check_upgrade(request: Request, packages: tuple[Package, ...]) -> None:
    for name, wanted in request.upgrade.packages.items():
        found = [package.version for package in packages if package.name == canonicalize_name(name)]
        if not found:
            raise ExpectedError(
                f"'{name}' cannot be upgraded: pip's lock has no such package",
                "name a package of the lock, or add it to a pip list first",
            )
        if wanted and Version(wanted) not in map(Version, found):
            raise UnsolvableError(
                f"'{name}' stays at {', '.join(found)}: {wanted} does not fit the requirements"
            )


def read(files: LockFiles) -> tuple[Package, ...]:
    """All packages that the lock names, with every file of theirs. Pure."""
    engine = _engine_of(files)
    return engine.read(files) if engine else ()


def _engine_of(files: LockFiles) -> Engine | None:
    return next((engine for engine in ENGINES.values() if engine.LOCK in files), None)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """What the groups together install on the target, sorted by name: the best wheel, or an allowed sdist. Pure.

    What conda brings in any of the groups is left out, so name all those that a stage stands on, those without pip
    requirements too. Raises ExpectedError that names all packages with neither wheel nor allowed sdist.
    """
    engine = _engine_of(files)
    if engine is None:
        return ()
    allowed = pyproject.allowed_sdists(files)
    chosen = engine.chosen(files, target, frozenset(canonicalize_name(group) for group in groups))
    provided = pyproject.provided(files, target.platform, groups)
    found = {each: _file(each, target, allowed) for each in chosen if each.name not in provided}
    if lacking := sorted(package for package, artifact in found.items() if artifact is None):
        raise _no_files(lacking, target, allowed)
    return tuple(
        sorted(
            Pin(name=each.name, version=each.version, artifact=file)
            for each, file in found.items()
            if file
        )
    )


def _file(package: Package, target: Target, allowed: frozenset[str]) -> Artifact | None:
    """The file of a package that is used on the target, None where there is none."""
    wheel = wheels.best(package.artifacts, target)
    return wheels.sdist(package.artifacts) if wheel is None and package.name in allowed else wheel


def _no_files(packages: list[Package], target: Target, allowed: frozenset[str]) -> ExpectedError:
    libc = f" and {target.libc}" if target.libc else ""
    where = f"{target.platform}, Python {target.python}{libc}"
    first = packages[0]
    message = f"{first.name} {first.version} has no wheel for {where}: {_wheels(first)}"
    if len(packages) > 1:
        message = f"{len(packages)} packages have no wheel for {where}: " + ", ".join(
            f"{each.name} {each.version}" for each in packages
        )
    return ExpectedError(message, _remedy(packages, allowed))


def _remedy(packages: list[Package], allowed: frozenset[str]) -> str:
    """What to do about packages that have no file: those with an sdist may be built."""
    built = [
        each.name for each in packages if each.name not in allowed and wheels.sdist(each.artifacts)
    ]
    others = [each.name for each in packages if each.name not in built]
    ask = f"ask for another version of {', '.join(dict.fromkeys(others or built))}"
    if not built:
        return ask
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(built))
    allow = f"allow {'its sdist' if len(built) == 1 else 'sdists'} to be built with pip-sdist = [{names}]"
    return f"{allow}; {ask}" if others else f"{allow}, or {ask}"


def _wheels(package: Package) -> str:
    found = [artifact.file for artifact in package.artifacts if artifact.file.endswith(".whl")]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"it has {', '.join(found[:SHOWN])}{more}" if found else "it has no wheel at all"


def build_pins(files: LockFiles, target: Target) -> tuple[Pin, ...]:
    """The wheels that building the lock's sdists needs on the target. Pure."""
    return sdists.pins(files, target)


def installer(name: str, platform: str) -> Pin:
    """The wheel of a program that installs packages in a build stage; its hash comes from the index."""
    version, machine = INSTALLERS[name], wheels.machine(Target(platform=platform))
    start = f"{name.replace('-', '_')}-{version}-"
    offered = [
        file
        for file in index.configured().files(name)
        if file.name.startswith(start)
        and "linux" in file.name
        and file.name.endswith(f"{machine}.whl")
    ]
    # uv's for musl is linked statically: it runs on any libc
    for file in sorted(offered, key=lambda file: ("musllinux" in file.name) != (name == "uv")):
        if digest := file.hashes.get("sha256"):
            artifact = Artifact(
                file=file.name,
                hash=f"sha256:{digest}",
                size=file.size,
                source=f"{name}/{file.name}",
            )
            return Pin(name=name, version=version, artifact=artifact)
    raise ExpectedError(
        f"the package index has no wheel of {name} {version} for {platform}",
        "use an index that has it",
    )
