"""Export the locked Python packages of an image: hashed requirements.txt, and pylock.toml."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from orbiter.lockset.model import LockSet
from orbiter.lockset.names import check_platforms, resolve_stage
from orbiter.render.derived import plan_of
from orbiter.render.model import Plan, StagePlan
from resolvers.errors import ExpectedError
from resolvers.index.source import FOLDER, URL, is_direct, split_source
from resolvers.redaction import without_secret_parameters
from resolvers.types.packages import Pin

if TYPE_CHECKING:
    from packaging.pylock import Package

HEAD = """\
# Written by Orbiter: the Python packages of {stage} in release {release}, for {platform}.
# They are for Python {python}. Install them with:
#     pip install --require-hashes --no-deps -r requirements.txt
"""
Addresses = Callable[[Pin], str]
"""Returns the address of a locked file."""


class ImagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """An image or stage, with those that it inherits packages of."""

    plan: Plan
    stage: StagePlan
    platform: str

    def stages(self, manager: str) -> tuple[StagePlan, ...]:
        """Return the stage and those whose packages of a manager it inherits, parents first."""
        from orbiter.config.stage_graph import ancestors

        names = {
            self.stage.stage.name,
            *ancestors(self.plan.image_set, self.stage.stage, manager),
        }
        return tuple(each for each in self.plan.stages if each.stage.name in names)

    def pins(self, manager: str) -> tuple[Pin, ...]:
        """Return the locked packages of a manager, sorted by name, each once."""
        found = {
            pin
            for each in self.stages(manager)
            for pin in each.pins.get(self.platform, {}).get(manager, ())
        }
        return tuple(sorted(found))


def select(lock_set: LockSet, image: str, platform: str) -> ImagePlan:
    """Return an image of a lock set for one platform.

    Raises ExpectedError for an unknown image or platform, and without a platform if the release has
    several.
    """
    name = resolve_stage(lock_set, image)
    check_platforms(lock_set, (platform,) if platform else ())
    platforms = lock_set.image_set.platforms
    if not platform and len(platforms) > 1:
        problem = f"this file is for one platform, but the release has {', '.join(platforms)}"
        raise ExpectedError(problem, "choose one with --platform")
    plan = plan_of(lock_set)
    stage = next(each for each in plan.stages if each.stage.name == name)
    return ImagePlan(plan=plan, stage=stage, platform=platform or platforms[0])


def python_of(image: ImagePlan) -> str:
    """Return the exact version of the Python of an image; "" if it is not known."""
    facts = image.plan.facts.get(image.stage.stage.builder)
    return facts.python if facts else ""


def pip_pins(image: ImagePlan) -> tuple[Pin, ...]:
    """Return the Python packages of an image. Raises ExpectedError if it has none."""
    pins = image.pins("pip")
    if not pins:
        problem = f"{image.stage.stage.name} of release {image.plan.release} has no pip packages"
        raise ExpectedError(problem, "name an image with pip packages")
    for pin in pins:
        source = pin.artifact.source
        if is_direct(source) and not source.startswith(URL):
            kind = "a folder of the repository" if source.startswith(FOLDER) else "git"
            raise ExpectedError(
                f"{pin.name} is made from {kind}, so no other tool can verify its hash",
                "export an image without it",
            )
    return pins


def requirements(image: ImagePlan) -> str:
    """Return a requirements.txt with the hash of the one file that the image has of a package."""
    pins = pip_pins(image)
    head = HEAD.format(
        stage=image.stage.stage.name,
        release=image.plan.release,
        platform=image.platform,
        python=python_of(image) or "of the image",
    )
    lines = [*_index_lines(pins, image.plan.image_set.indexes or {})]
    for pin in pins:
        source = pin.artifact.source
        is_url = source.startswith(URL)
        what = (
            f"{pin.name} @ {source.removeprefix(URL)}" if is_url else f"{pin.name}=={pin.version}"
        )
        lines.append(f"{what} \\\n    --hash={pin.artifact.hash}")
    return head + "\n".join(lines) + "\n"


def _index_lines(pins: tuple[Pin, ...], addresses: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each index that images.toml names for a package."""
    by_index: dict[str, list[str]] = {}
    for pin in pins:
        name = "" if is_direct(pin.artifact.source) else split_source(pin.artifact.source)[0]
        if name:
            by_index.setdefault(name, []).append(pin.name)
    for name, packages in sorted(by_index.items()):
        yield f"--extra-index-url {addresses[name]}  # {', '.join(packages)}"


def pylock(image: ImagePlan, address_of: Addresses) -> str:
    """Return a pylock.toml (PEP 751) with the files of the image."""
    import tomli_w
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    minor = ".".join(python_of(image).split(".")[:2])
    lock = Pylock(
        lock_version=Version("1.0"),
        created_by="orbiter",
        requires_python=SpecifierSet(f"=={minor}.*") if minor else None,
        packages=[_locked_package(pin, address_of) for pin in pip_pins(image)],
    )
    lock.validate()
    return tomli_w.dumps(dict(lock.to_dict()))


def _locked_package(pin: Pin, address_of: Addresses) -> "Package":
    from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    algorithm, _, digest = pin.artifact.hash.partition(":")
    hashes, size = {algorithm: digest}, pin.artifact.size or None
    name, version = canonicalize_name(pin.name), Version(pin.version)
    source, file = pin.artifact.source, pin.artifact.file
    if source.startswith(URL):
        archive = PackageArchive(url=source.removeprefix(URL), hashes=hashes, size=size)
        return Package(name=name, version=version, archive=archive)
    url = address_of(pin)
    if file.endswith(".whl"):
        wheel = PackageWheel(name=file, url=url, hashes=hashes, size=size)
        return Package(name=name, version=version, wheels=[wheel])
    sdist = PackageSdist(name=file, url=url, hashes=hashes, size=size)
    return Package(name=name, version=version, sdist=sdist)


def index_addresses(image: ImagePlan) -> Addresses:
    """Return a function that asks the package indexes for the addresses of files."""
    from resolvers.index.routes import locked_project_files

    indexes = image.plan.image_set.indexes or {}

    def address_of(pin: Pin) -> str:
        for each in locked_project_files(pin.artifact.source, indexes):
            if each.name == pin.artifact.file:
                return without_login(each.url)
        raise ExpectedError(
            f"the package index lacks {pin.artifact.file}, whose address pylock.toml needs",
            "export requirements instead, which need no addresses",
        )

    return address_of


def without_login(url: str) -> str:
    """Return an address without credentials, also in its parameters, and without fragment."""
    return without_secret_parameters(url.partition("#")[0])
