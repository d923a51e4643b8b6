"""Checks built images for shared libraries that programs of /opt/env need and nothing provides."""

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from orbiter.assembly.image import Layer
from orbiter.assembly.package_records import KINDS
from orbiter.assembly.trim_view import npm_package
from orbiter.build.built_image import BuiltImage
from orbiter.config.builders import system_manager
from orbiter.fetch.fill import artifacts_by_stage
from orbiter.lockset.model import LockSet
from orbiter.release.image_scan import ImageScan, LayerScan, merge
from orbiter.release.providers import likely_package, locked_providers, provider
from orbiter.release.scan_cache import read_scan
from orbiter.store.store import Store
from orbiter.tasks import StartTask

OF_THE_HOST = frozenset({"libcuda.so.1", "libnvidia-ml.so.1"})
"""Libraries of the machine's driver, which the container runtime adds."""
MUSL = "libc.musl-"
"""The beginning of the name of musl."""
C_LIBRARIES = ("libc.so.6", MUSL)
"""The beginning of the names of glibc and of musl."""


class MissingLibraries(msgspec.Struct, frozen=True, kw_only=True):
    """The libraries that files of one package need and an image lacks."""

    stage: str
    platform: str
    package: str
    libraries: tuple[str, ...]
    hint: str

    def __str__(self) -> str:
        names = ", ".join(self.libraries)
        return (
            f"{self.stage} for {self.platform}: {self.package} needs {names}, which the image lacks"
        )


def missing_libraries(scan: ImageScan) -> dict[str, tuple[str, ...]]:
    """Return the missing libraries by package. Pure.

    A library counts as present wherever the image has a file of its name: packages load their own
    libraries from folders of their own. A needed name may be a path (``$ORIGIN/../lib/x.so``).
    """
    missing: dict[str, set[str]] = {}
    known: Mapping[str, str] = {}
    provided = OF_THE_HOST
    # Some compilers record this name for musl, whose loader provides it itself.
    if any(name.startswith(MUSL) for name in scan.names):
        provided |= {"libc.so"}
    for path, needed in sorted(scan.needed.items()):
        absent = {name for name in needed if name.rpartition("/")[2] not in scan.names} - provided
        # npm packages contain programs for the other C library, which are never loaded.
        is_for_other_libc = any(name.startswith(C_LIBRARIES) for name in absent)
        if absent and not is_for_other_libc:
            known = known or owners(scan.records)
            missing.setdefault(owner(path, known), set()).update(absent)
    return {package: tuple(sorted(names)) for package, names in sorted(missing.items())}


def owners(records: Mapping[str, bytes]) -> dict[str, str]:
    """Return the packages by file: ``opencv-python (pip)``. ``records`` are by path. Pure."""
    found: dict[str, str] = {}
    for kind in KINDS:
        for path in sorted(records):
            if match := kind.match(path):
                for package, file in kind.files(match, records[path]):
                    manager, _, name = package.partition(":")
                    # Programs are listed as ../../../bin/NAME.
                    found.setdefault(posixpath.normpath(file), f"{name} ({manager})")
    return found


def owner(path: str, known: Mapping[str, str]) -> str:
    """Return the package of a file; the path itself if no package is known. Pure."""
    npm = npm_package(path).rpartition("node_modules/")[2]
    return known.get(path) or (f"{npm} (npm)" if npm else f"/{path}")


class LibraryCheck:
    """Finds missing libraries; an instance is the argument ``approve`` of ``build``.

    It never rejects an image. After the call, ``findings`` has the results.
    """

    def __init__(self, lock_set: LockSet, start_task: StartTask) -> None:
        self.findings: tuple[MissingLibraries, ...] = ()
        self._lock_set = lock_set
        self._start_task = start_task
        self._layers: dict[tuple[str, str], LayerScan] = {}

    def __call__(self, built: tuple[BuiltImage, ...]) -> bool:
        """Check the images; return True."""
        report = self._start_task("libraries")
        findings: list[MissingLibraries] = []
        for image in built:
            report(f"reading {image.stage}")
            findings += self._check(image)
        report("")
        self.findings = tuple(findings)
        return True

    def _check(self, built: BuiltImage) -> Iterator[MissingLibraries]:
        for image in built.images:
            scan = merge(self._scan(layer, image.platform) for layer in image.layers)
            for package, libraries in missing_libraries(scan).items():
                yield MissingLibraries(
                    stage=built.stage,
                    platform=image.platform,
                    package=package,
                    libraries=libraries,
                    hint=self._hint(built.stage, libraries),
                )

    def _scan(self, layer: Layer, platform: str) -> LayerScan:
        """Return the contents of a layer, which several images may share."""
        key = (layer.diff_id, platform)
        if key not in self._layers:
            self._layers[key] = read_scan(layer, platform)
        return self._layers[key]

    def _hint(self, stage: str, libraries: tuple[str, ...]) -> str:
        builder = next(
            each.builder for each in self._lock_set.image_set.stages if each.name == stage
        )
        if system_manager(builder) == "apk":
            names = ", ".join(f'"so:{library}"' for library in libraries)
            return f"add {names} to the apk list of {stage}"
        return _debian_hint(stage, libraries, self._providers)

    @cached_property
    def _providers(self) -> dict[str, str]:
        """The Debian packages in the lock set by library, from all stages."""
        store = Store()
        packages: dict[str, Path] = {}
        for files in artifacts_by_stage(self._lock_set).values():
            for file in files:
                if file.path.endswith(".deb") and store.has(file.hash, file.size):
                    packages[file.hash] = store.path(file.hash)
        return locked_providers(packages.values())


def _debian_hint(stage: str, libraries: tuple[str, ...], locked: Mapping[str, str]) -> str:
    """Return which packages to add; those that no locked package names are a guess."""
    found = {library: provider(library, locked) for library in libraries}
    known = sorted({f'"{name}"' for name in found.values() if name})
    hints = []
    if known:
        hints.append(f"add {', '.join(known)} to the apt list of {stage}")
    guesses = [f'"{likely_package(library)}"' for library, name in found.items() if not name]
    if guesses:
        hints.append(
            f"by Debian's naming rule, look for {', '.join(guesses)}, "
            "or ask apt-file search which package has the file"
        )
    return "; ".join(hints)
