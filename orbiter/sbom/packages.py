"""The packages of a stage with everything that their locks know about them. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from orbiter.config.builders import conda_settings
from orbiter.config.image_set import Builder
from orbiter.lockset.model import Installer
from orbiter.sbom.model import Component
from orbiter.sbom.purl import purl, upstream
from resolvers.apk import lock_file as apk_lock
from resolvers.apt import lock_file as apt_lock
from resolvers.apt.architectures import ARCHITECTURES
from resolvers.conda.lock_file import PACKAGE_ENDINGS
from resolvers.distro.repositories import split_source
from resolvers.index.source import is_direct
from resolvers.managers import MANAGERS
from resolvers.npm.inventory import InstalledPackage, installed_packages
from resolvers.types.packages import Artifact, LockFiles, Pin
from resolvers.types.request import Target

URL = "url:"
"""Start of the source of a file with an address of its own, for all managers."""
GIT = re.compile(r"git[:+](?P<url>[a-z+]+://.+)")
"""The source of a package that is made of a commit."""
ALPINE_RELEASE = re.compile(r"(?:v(?P<version>\d+\.\d+)|(?P<edge>edge))/")
POOL = re.compile(r"pool/.+/(?P<prefix>(?:lib)?.)/(?P<source>(?P=prefix)[^/]*)/[^/]+")
"""The path of a file in the pool of a Debian archive, which has a folder for each source."""


class TargetPackages(msgspec.Struct, frozen=True, kw_only=True):
    """The lock files of a manager, and the stages whose packages a target has."""

    builder: Builder
    files: LockFiles
    target: Target
    stages: tuple[str, ...]


def package_components(manager: str, selection: TargetPackages) -> tuple[Component, ...]:
    """Return the packages of one manager.

    Raises ExpectedError if a locked package has no file for the target.
    """
    if manager == "npm":
        return tuple(_npm_components(selection))
    pins = MANAGERS[manager].select(selection.files, selection.target, selection.stages)
    refs = {pin.name: _ref(selection, manager, pin) for pin in pins}
    requires = _requirements(manager, selection)
    describe = DESCRIPTIONS[manager](selection)
    components = []
    for pin in pins:
        names = requires.get((pin.name, pin.version), ())
        component = replace(
            describe(_component(selection, manager, pin)),
            requires=tuple(sorted({refs[name] for name in names if name in refs})),
        )
        components.append(component)
    return tuple(components)


def installer_components(
    selection: TargetPackages, installers: Iterable[Installer]
) -> Iterator[Component]:
    """Yield the installer of conda packages if the stages keep it."""
    settings = conda_settings(selection.builder)
    has_packages = MANAGERS["conda"].select(selection.files, selection.target, selection.stages)
    if not settings.keep_installer or not has_packages:
        return
    describe = _describe_conda(selection)
    for installer in installers:
        is_own = installer.platform in {"", selection.target.platform}
        if installer.pin.name == settings.installer and is_own:
            yield describe(_component(selection, "conda", installer.pin))


def _requirements(manager: str, selection: TargetPackages) -> dict[tuple[str, str], set[str]]:
    """Return the required names of each name and version; builds of one version are united."""
    requires: dict[tuple[str, str], set[str]] = {}
    for package in MANAGERS[manager].read(selection.files):
        requires.setdefault((package.name, package.version), set()).update(package.requires)
    return requires


def _ref(selection: TargetPackages, manager: str, pin: Pin) -> str:
    """Return the ref of a package; the hash distinguishes the files of several platforms."""
    digest = pin.artifact.hash.partition(":")[2][:12]
    return f"{selection.builder.name}/{manager}/{pin.name}@{pin.version}#{digest}"


def _component(selection: TargetPackages, manager: str, pin: Pin) -> Component:
    source = pin.artifact.source
    return Component(
        ref=_ref(selection, manager, pin),
        manager=manager,
        name=pin.name,
        version=pin.version,
        file=pin.artifact.file,
        hash=pin.artifact.hash,
        source=source,
        address=source.removeprefix(URL) if source.startswith(URL) else "",
    )


def _places(component: Component) -> dict[str, str]:
    """Return the qualifiers of a package that does not come from an index."""
    if component.address:
        return {"download_url": component.address}
    git = GIT.fullmatch(component.source)
    return {"vcs_url": f"git+{git['url'].removeprefix('git+')}"} if git else {}


Describe = Callable[[Component], Component]
"""Adds what is particular to a manager: the package URL, the licence and the origin."""


def _describe_apt(selection: TargetPackages) -> Describe:
    platform = selection.target.platform
    lock = apt_lock.parse(selection.files)
    suite = lock.platforms[platform].suite
    sources = apt_lock.recorded_sources(lock)
    # Only the name of the base image distinguishes Ubuntu from Debian.
    is_ubuntu = selection.builder.base.rpartition("/")[2].startswith("ubuntu")
    vendor = "Ubuntu" if is_ubuntu else "Debian"

    def describe(component: Component) -> Component:
        repository, path = _repository(component)
        match = POOL.fullmatch(path)
        source = sources.get(component.hash.partition(":")[2])
        folder = match["source"] if match else ""
        qualifiers = {
            "arch": _architecture(component.file, platform),
            "distro": suite,
            "upstream": upstream(source, component.version) if source else folder,
        }
        return replace(
            component,
            purl=purl(
                "deb",
                component.name,
                component.version,
                namespace=vendor.lower(),
                qualifiers=qualifiers | _places(component),
            ),
            supplier=repository or (vendor if not component.address else ""),
            source_package=" ".join(source) if source else folder,
        )

    return describe


def _architecture(file: str, platform: str) -> str:
    """Return Debian's name of the architecture: that of the file name, or of the platform."""
    named = file.removesuffix(".deb").rpartition("_")[2]
    own = ARCHITECTURES.get(platform, "")
    return named if named in {own, "all"} else own


def _repository(component: Component) -> tuple[str, str]:
    """Return the name of the repository, and the path in it; both empty for an address."""
    return ("", "") if component.address else split_source(component.source)


def _describe_apk(selection: TargetPackages) -> Describe:
    packages = {each.sha256: each for each in apk_lock.parse(selection.files).package}

    def describe(component: Component) -> Component:
        locked = packages[component.hash.partition(":")[2]]
        repository, path = _repository(component)
        release = ALPINE_RELEASE.match(path)
        distro = f"alpine-{release['version'] or release['edge']}" if release else ""
        qualifiers = {
            "arch": locked.architecture,
            "distro": distro,
            "upstream": locked.origin,
        }
        return replace(
            component,
            purl=purl(
                "apk",
                component.name,
                component.version,
                namespace="alpine",
                qualifiers=qualifiers | _places(component),
            ),
            license=locked.license,
            supplier=repository or ("Alpine Linux" if release else ""),
            source_package=locked.origin,
        )

    return describe


def _describe_conda(_selection: TargetPackages) -> Describe:
    def describe(component: Component) -> Component:
        folder, _, file = component.source.rpartition("/")
        channel, _, subdir = folder.rpartition("/")
        name = channel.rpartition("/")[2]
        stem = PACKAGE_ENDINGS.sub("", file)
        qualifiers = {
            "build": stem.rpartition("-")[2],
            "channel": name,
            "subdir": subdir,
            "type": file.removeprefix(f"{stem}."),
        }
        # Variables in an address stand for credentials.
        has_variables = "$" in component.source
        return replace(
            component,
            purl=purl("conda", component.name, component.version, qualifiers=qualifiers),
            supplier=name,
            address="" if has_variables else component.source,
        )

    return describe


def _describe_pip(_selection: TargetPackages) -> Describe:
    def describe(component: Component) -> Component:
        places = _places(component) if is_direct(component.source) else {}
        return replace(
            component, purl=purl("pypi", component.name, component.version, qualifiers=places)
        )

    return describe


DESCRIPTIONS: Mapping[str, Callable[[TargetPackages], Describe]] = {
    "apk": _describe_apk,
    "apt": _describe_apt,
    "conda": _describe_conda,
    "pip": _describe_pip,
}


def _npm_components(selection: TargetPackages) -> Iterator[Component]:
    """Yield each package once for each tarball that it is or is in, even if at several paths."""
    installed = {
        package.path: package
        for package in installed_packages(selection.files, selection.target, selection.stages)
    }
    refs = {path: _npm_ref(selection, installed, path) for path in installed}
    components: dict[str, Component] = {}
    for package in installed.values():
        component = _npm_component(selection, package, refs)
        known = components.get(component.ref, component)
        requires = tuple(sorted({*known.requires, *component.requires}))
        components[component.ref] = replace(known, requires=requires)
    yield from components.values()


def _npm_ref(
    selection: TargetPackages, installed: Mapping[str, InstalledPackage], path: str
) -> str:
    package = installed[path]
    if package.artifact:
        return _ref(selection, "npm", _pin(package, package.artifact))
    return f"{_npm_ref(selection, installed, package.host)}/{package.name}@{package.version}"


def _pin(package: InstalledPackage, artifact: Artifact) -> Pin:
    return Pin(name=package.name, version=package.version, artifact=artifact)


def _npm_component(
    selection: TargetPackages, package: InstalledPackage, refs: Mapping[str, str]
) -> Component:
    if package.artifact:
        component = _component(selection, "npm", _pin(package, package.artifact))
    else:
        component = Component(
            ref=refs[package.path],
            manager="npm",
            name=package.name,
            version=package.version,
            inside=refs[package.host],
        )
    scope, _, name = package.name.rpartition("/")
    required = {refs[path] for path in package.requires if path in refs}
    return replace(
        component,
        purl=purl("npm", name, package.version, namespace=scope, qualifiers=_places(component)),
        license=package.license,
        requires=tuple(sorted(required - {component.ref})),
    )
