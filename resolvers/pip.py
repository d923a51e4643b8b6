"""The manager pip: wheels for the exact Python of the image, solved by Poetry or uv, locked with their hashes."""

from collections.abc import Mapping
from typing import Protocol

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from resolvers import index, poetry, pyproject, sdists, uv, wheels
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types import Artifact, LockFiles, Package, Pin, Request, Target


class Engine(Protocol):
    """What the modules of the engines offer."""

    LOCK: str

    def project(self, request: Request) -> str:
        """The text of pyproject.toml."""
        ...

    def lock(self, request: Request, previous: tuple[Package, ...]) -> LockFiles:
        """Solve; gives pyproject.toml and the engine's lock file."""
        ...

    def read(self, files: LockFiles) -> tuple[Package, ...]:
        """All packages of the engine's lock file."""
        ...

    def chosen(self, files: LockFiles, target: Target, groups: frozenset[str]) -> tuple[Package, ...]:
        """Those that the groups need on the target."""
        ...


ENGINES: Mapping[str, Engine] = {"poetry": poetry, "uv": uv}
TOOLS: Mapping[str, str] = {"poetry": poetry.VERSION, "uv": uv.version()}
"""The versions of the engines."""
INSTALLER = "0.13.8"
"""The version of uv that installs the environment in a build stage."""

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
    engine = _engine(request)
    if _is_fresh(request, engine):
        return dict(request.previous)
    previous = read(request.previous) if request.previous and not request.upgrade.everything else ()
    files = engine.lock(request, previous)
    _check_upgrade(request, engine.read(files))
    built = sorted({pin for target in request.targets for pin in _built(files, target, request)})
    builds = sdists.lock(request, built)
    return {**files, **({sdists.FILE: builds} if builds else {})}


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
                f"'{name}' cannot be upgraded to '{version}', which is no version", "write it as 1.2.3"
            ) from error


def _is_fresh(request: Request, engine: Engine) -> bool:
    """Whether the previous files are an answer to the request as they are."""
    moves = request.upgrade.everything or request.upgrade.packages or request.as_of
    if moves or engine.LOCK not in request.previous:
        return False
    if request.previous.get(pyproject.FILE) != engine.project(request):
        return False
    built = [pin for target in request.targets for pin in _built(request.previous, target, request)]
    return bool(built) == (sdists.FILE in request.previous)


def _built(files: LockFiles, target: Target, request: Request) -> list[Pin]:
    pins = select(files, target, tuple(group.name for group in request.groups))
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
            raise UnsolvableError(f"'{name}' stays at {', '.join(found)}: {wanted} does not fit the requirements")


def read(files: LockFiles) -> tuple[Package, ...]:
    """All packages that the lock names, with every file of theirs. Pure."""
    engine = _engine_of(files)
    return engine.read(files) if engine else ()


def _engine_of(files: LockFiles) -> Engine | None:
    return next((engine for engine in ENGINES.values() if engine.LOCK in files), None)


def select(files: LockFiles, target: Target, groups: tuple[str, ...]) -> tuple[Pin, ...]:
    """What the groups together install on the target, sorted by name: the best wheel, or an allowed sdist. Pure.

    Raises ExpectedError for a package that has neither.
    """
    engine = _engine_of(files)
    if engine is None:
        return ()
    allowed = pyproject.allowed_sdists(files)
    chosen = engine.chosen(files, target, frozenset(canonicalize_name(group) for group in groups))
    return tuple(sorted(_pin(package, target, allowed) for package in chosen))


def _pin(package: Package, target: Target, allowed: frozenset[str]) -> Pin:
    artifact = wheels.best(package.artifacts, target)
    if artifact is None and package.name in allowed:
        artifact = wheels.sdist(package.artifacts)
    if artifact is None:
        raise _no_file(package, target, package.name in allowed)
    return Pin(name=package.name, version=package.version, artifact=artifact)


def _no_file(package: Package, target: Target, allowed: bool) -> ExpectedError:
    found = [artifact.file for artifact in package.artifacts if artifact.file.endswith(".whl")]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    wheels_there = f"it has {', '.join(found[:SHOWN])}{more}" if found else "it has no wheel at all"
    libc = f" and glibc {target.glibc}" if target.glibc else ""
    hint = f"ask for another version of {package.name}"
    if not allowed and wheels.sdist(package.artifacts):
        hint = f'allow its sdist to be built with pip-sdist = ["{package.name}"], or {hint}'
    return ExpectedError(
        f"{package.name} {package.version} has no wheel for {target.platform}, Python {target.python}{libc}: "
        f"{wheels_there}",
        hint,
    )


def build_pins(files: LockFiles, target: Target) -> tuple[Pin, ...]:
    """The wheels that building the lock's sdists needs on the target. Pure."""
    return sdists.pins(files, target)


def installer(platform: str) -> Pin:
    """The wheel of uv that installs the environment in a build stage; its hash comes from the index."""
    machine = wheels.machine(Target(platform=platform))
    offered = [
        file
        for file in index.configured().files("uv")
        if file.name.startswith(f"uv-{INSTALLER}-py3-none-") and file.name.endswith(f"{machine}.whl")
    ]
    # the one for musl is linked statically: it runs on any libc
    for file in sorted(offered, key=lambda file: "musllinux" not in file.name):
        if digest := file.hashes.get("sha256"):
            artifact = Artifact(file=file.name, hash=f"sha256:{digest}", size=file.size, source=f"uv/{file.name}")
            return Pin(name="uv", version=INSTALLER, artifact=artifact)
    raise ExpectedError(f"the package index has no wheel of uv {INSTALLER} for {platform}", "use an index that has it")
