"""Files for another platform than the one that the lock has them for."""

import re
from collections.abc import Iterator
from typing import Any

from orbiter.lint.lines import Lines
from orbiter.lint.types import Finding
from orbiter.lockfiles import conda_lock, explicit, pixi
from orbiter.lockfiles.conda_files import is_conda_file, parse_conda_url
from orbiter.lockfiles.conda_lock_regular import read_regular_list
from orbiter.lockfiles.types import FormatReader, Lock
from orbiter.lockfiles.yaml import load_yaml

SUBDIR = re.compile(r"(?:linux|osx|win|freebsd|emscripten|wasi|zos)-\w+")
WHEEL_SYSTEMS = {"linux": ("linux", "manylinux", "musllinux"), "osx": ("macosx",), "win": ("win",)}
WHEEL_PROCESSORS = {
    "64": ("x86_64", "amd64", "universal2", "intel", "fat64"),
    "aarch64": ("aarch64",),
    "arm64": ("arm64", "universal2"),
}


def find_platforms(
    reader: FormatReader | None, text: str, lock: Lock, lines: Lines
) -> Iterator[Finding]:
    """Yield the packages of a conda lock whose file is for another platform."""
    for platform, url in dict.fromkeys(_conda_urls(reader, text)):
        found = parse_conda_url(url)
        is_conda = is_conda_file(found.file) and SUBDIR.fullmatch(platform)
        if is_conda and SUBDIR.fullmatch(found.subdir) and found.subdir != platform:
            message = f"{platform} has {found.subdir}/{found.file}"
            line = lines.of_word(url.partition("://")[2]) or lines.of_word(found.file)
            yield Finding(rule="platform-mismatch", line=line, message=message)
    yield from _wheels(lock, lines)


def _conda_urls(reader: FormatReader | None, text: str) -> Iterator[tuple[str, str]]:
    """Yield the platform and the address of each package."""
    if reader is conda_lock:
        yield from _conda_lock_urls(text)
    elif reader is pixi:
        yield from _pixi_urls(load_yaml("", text))
    elif reader is explicit and (comment := explicit.PLATFORM.search(text)):
        for line in text.splitlines():
            if "://" in line and not line.startswith("#"):
                yield comment[1], line.partition("#")[0].strip()


def _conda_lock_urls(text: str) -> Iterator[tuple[str, str]]:
    if regular := read_regular_list(text):
        yield from ((row.platform, row.url) for row in regular.rows if row.manager == "conda")
        return
    for package in load_yaml("", text)["package"]:
        if package["manager"] == "conda":
            yield package["platform"], package["url"]


def _pixi_urls(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for package in data.get("package") or ():
        yield str(package.get("platform")), str(package.get("url"))
    for environment in (data.get("environments") or {}).values():
        for platform, references in (environment.get("packages") or {}).items():
            for reference in references or ():
                yield platform, str(reference.get("conda") or reference.get("url") or "")


def _wheels(lock: Lock, lines: Lines) -> Iterator[Finding]:
    for scope, entries in lock.packages.items():
        if not SUBDIR.fullmatch(scope.platform):
            continue
        for entry in entries:
            for file in entry.files:
                if file.name.endswith(".whl") and not _fits(file.name, scope.platform):
                    yield Finding(
                        rule="platform-mismatch",
                        line=lines.of_entry(entry),
                        package=entry.name,
                        version=entry.version,
                        message=f"{scope.platform} has {file.name}",
                    )


def _fits(wheel: str, platform: str) -> bool:
    """Return whether a wheel fits a platform; an unknown processor fits."""
    tags = wheel.removesuffix(".whl").rpartition("-")[2].split(".")
    system, _, processor = platform.partition("-")
    systems = WHEEL_SYSTEMS.get(system)
    if "any" in tags or systems is None:
        return True
    processors = WHEEL_PROCESSORS.get(processor, ("",))
    if system == "win" and processor == "arm64":
        processors = ("arm64",)
    return any(tag.startswith(systems) and tag.endswith(processors) for tag in tags)
