"""Packages from an address: read, refused, and resolved with the packages of an index."""

import hashlib
from pathlib import Path

import pytest

from resolvers.apt import manager as apt
from resolvers.apt.deb_file import read_packages_of
from resolvers.errors import ExpectedError
from resolvers.types.options import Shell, SystemOptions, SystemPackageFile
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request
from tests.support.apt_world import AMD64, added_versions, core, repository
from tests.support.deb_files import deb


def package(
    place: Path, content: bytes, *, group: str = "debian-core", name: str = "tool.deb"
) -> SystemPackageFile:
    path = place / name
    path.write_bytes(content)
    return SystemPackageFile(
        group=group,
        platform="linux/amd64",
        url=f"https://example.org/{name}",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        path=path,
    )


def request(
    *files: SystemPackageFile,
    shell: Shell | None = None,
    previous: LockFiles | None = None,
    groups: tuple[Group, ...] = (core(),),
    suite: str = "",
) -> Request:
    return Request(
        groups=groups,
        targets=(AMD64,),
        previous=previous or {},
        system=SystemOptions(shell=shell, suite=suite, packages=files),
    )


UNUSABLE = {
    "page": (b"<html>", "is not a Debian package"),
    "cut": (deb()[:200], "is not a Debian package"),
    "no members": (b"!<arch>\n", "is not a Debian package"),
    "name": (deb(name="$(reboot)"), "has no valid package name"),
    "version": (deb(version="1;2"), "has no valid package name and version"),
    "architecture": (deb(architecture="arm64"), "architecture 'arm64', not for linux/amd64"),
}


@pytest.mark.parametrize(("content", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_apt_cannot_use_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = package(tmp_path, content)
    with pytest.raises(ExpectedError, match=problem):
        read_packages_of(request(file), "linux/amd64")


def test_a_folded_field_stays_one_line_of_the_index(tmp_path: Path) -> None:
    file = package(tmp_path, deb(more="Depends: a1,\n b1\nTag: x\n Package: evil\n"))
    (found,) = read_packages_of(request(file), "linux/amd64")
    assert found.record.splitlines() == [
        "Package: tool",
        "Version: 1.0",
        "Architecture: amd64",
        "Depends: a1, b1",
        f"Filename: tool_1.0_{file.sha256[:12]}.deb",
        f"Size: {file.size}",
        f"SHA256: {file.sha256}",
    ]


def test_two_files_of_one_package_are_refused(tmp_path: Path) -> None:
    files = (
        package(tmp_path, deb()),
        package(tmp_path, deb(version="2"), group="x", name="other.deb"),
    )
    groups = (core(), Group(name="x"))
    unused = repository()
    with pytest.raises(ExpectedError, match=r"tool comes from https://example\.org/tool\.deb in"):
        apt.resolve(request(*files, groups=groups, shell=unused))


@pytest.mark.engine
def test_dependencies_come_from_the_index_and_pins_stay(tmp_path: Path) -> None:
    index = repository(
        ("a1", "1:2", ""), ("tool", "9", ""), ("more", "1", ""), ("needs", "1", "Depends: tool")
    )
    groups = (core("more"), Group(name="child", requirements=("needs",), parents=("debian-core",)))
    file = package(tmp_path, deb(version="1:1.0~rc", more="Depends: a1 (>= 1:1)\n"))
    files = apt.resolve(request(file, shell=index, groups=groups))
    assert added_versions(files, "debian-core") == {"a1": "1:2", "tool": "1:1.0~rc", "more": "1"}
    assert added_versions(files, "child") == {"needs": "1"}
    (pin,) = (pin for pin in apt.select(files, AMD64, ("debian-core",)) if pin.name == "tool")
    assert pin.artifact.source == "url:https://example.org/tool.deb"
    assert pin.artifact.hash == f"sha256:{file.sha256}"
    assert pin.artifact.file == f"tool_1.0~rc_{file.sha256[:12]}.deb"
    again = apt.resolve(request(file, shell=index, groups=groups, previous=files))
    assert again == files

    newer = package(tmp_path, deb(version="2"), name="tool-2.deb")
    changed = apt.resolve(request(newer, shell=index, groups=groups, previous=files))
    assert added_versions(changed, "debian-core") == {"tool": "2", "more": "1"}


@pytest.mark.engine
def test_a_stage_may_have_nothing_else_and_errors_quote_apt(tmp_path: Path) -> None:
    index = repository(("a1", "1", ""), ("tool", "1.0", "Priority: optional"))
    file = package(tmp_path, deb(name="alone", more="Depends: a1\n"))
    files = apt.resolve(request(file, shell=index))
    assert added_versions(files, "debian-core") == {"a1": "1", "alone": "1.0"}
    missing = package(tmp_path, deb(name="alone", more="Depends: nothing (>= 1)\n"))
    with pytest.raises(ExpectedError, match="nothing"):
        apt.resolve(request(missing, shell=index))
