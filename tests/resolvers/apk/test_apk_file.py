"""Alpine packages from an address: read, refused, and resolved with the packages of an index."""

import base64
import gzip
import hashlib
from pathlib import Path

import pytest

from resolvers.apk import manager as apk
from resolvers.apk.apk_file import read_packages_of
from resolvers.errors import ExpectedError
from resolvers.types.options import Shell, SystemOptions, SystemPackageFile
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request
from tests.support.apk_world import (
    AMD64,
    added_versions,
    alpine,
    build_package,
    control_segment,
    core,
    package_spec,
    repository,
    segment,
)


def package(
    place: Path, content: bytes, *, group: str = "", name: str = "t.apk"
) -> SystemPackageFile:
    path = place / name
    path.write_bytes(content)
    return SystemPackageFile(
        group=group or core("x").name,
        platform="linux/amd64",
        url=f"https://example.org/{name}",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        path=path,
    )


def request(
    *files: SystemPackageFile,
    groups: tuple[Group, ...],
    shell: Shell | None = None,
    previous: LockFiles | None = None,
) -> Request:
    return Request(
        groups=groups,
        targets=(AMD64,),
        previous=previous or {},
        system=SystemOptions(shell=shell, packages=files),
    )


def file(name: str = "tool", version: str = "1", **fields: str) -> bytes:
    return build_package(package_spec(name, version, **fields))[0]


def info(text: str) -> bytes:
    return segment({".PKGINFO": text.encode()})


NO_APK = "is not a package of apk"
UNUSABLE = {
    "page": (b"<html>", NO_APK),
    "empty": (b"", NO_APK),
    "format of apk 3": (b"ADB.pckg", NO_APK),
    "cut": (file()[:300], NO_APK),
    "other archive": (segment({"x": b"y"}), "it has no .PKGINFO"),
    "no archive": (gzip.compress(b"no archive", mtime=0), NO_APK),
    "bomb": (gzip.compress(bytes(3_000_000), mtime=0), "is incomplete or too large"),
    "name": (info("pkgname = $(reboot)\npkgver = 1-r0\narch = noarch\n"), "no valid package name"),
    "version": (info("pkgname = a\npkgver = 1;2\narch = noarch\n"), "name and version"),
    "no name": (info("pkgver = 1-r0\narch = noarch\n"), "no valid package name"),
    "architecture": (
        info("pkgname = a\npkgver = 1-r0\narch = aarch64\n"),
        "'aarch64', not for linux/amd64",
    ),
}


@pytest.mark.parametrize(("content", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_apk_cannot_use_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    found = package(tmp_path, content)
    with pytest.raises(ExpectedError, match=problem) as caught:
        read_packages_of(request(found, groups=()), "linux/amd64")
    assert caught.value.hint


def test_the_record_has_the_checksum_of_the_control_segment(tmp_path: Path) -> None:
    spec = package_spec("tool", "1", depend="lib so:libz.so.1", provides="cmd:tool=1-r0")
    data = segment({}, last=True)
    content, record = build_package(spec)
    (found,) = read_packages_of(request(package(tmp_path, content), groups=()), "linux/amd64")
    checksum = base64.b64encode(hashlib.sha1(control_segment(spec, data)).digest()).decode()
    lines = found.index_record.splitlines()
    assert lines[:3] == [f"C:Q1{checksum}", "P:tool", "V:1-r0"]
    # The index of a repository has the same, and some fields that do not matter here.
    assert set(lines) <= {*record.splitlines(), "o:tool"}
    unsigned = control_segment(spec, data) + data
    (same,) = read_packages_of(request(package(tmp_path, unsigned), groups=()), "linux/amd64")
    assert same.index_record.splitlines()[0] == lines[0]


def test_two_files_of_one_package_are_refused(tmp_path: Path) -> None:
    files = (
        package(tmp_path, file()),
        package(tmp_path, file(version="2"), group="x", name="other.apk"),
    )
    unused = alpine("")
    with pytest.raises(ExpectedError, match=r"tool comes from https://example\.org/t\.apk in"):
        apk.resolve(request(*files, groups=(core("x"), Group(name="x")), shell=unused))


@pytest.mark.engine
def test_dependencies_come_from_the_index_and_pins_stay(tmp_path: Path) -> None:
    plain = (package_spec("lib", "1"), package_spec("tool", "9"), package_spec("more", "1"))
    child = Group(name="child", requirements=("needs",), parents=(core("more").name,))
    groups = (core("more"), child)
    own = package(tmp_path, file(depend="lib"))
    with repository(*plain, package_spec("needs", "1", depend="tool")) as world:
        files = apk.resolve(request(own, groups=groups, shell=world.shell))
        assert added_versions(files, groups[0].name) == {
            "lib": "1",
            "more": "1",
            "tool": "1",
        }
        assert added_versions(files, "child") == {"needs": "1"}
        assert world.downloads() == ["lib-1-r0.apk", "more-1-r0.apk", "needs-1-r0.apk"]
        pins = {pin.name: pin.artifact for pin in apk.select(files, AMD64, (groups[0].name,))}
        assert pins["tool"].source == "url:https://example.org/t.apk"
        assert pins["tool"].hash == f"sha256:{own.sha256}"
        assert pins["tool"].file == f"tool-1-r0.{own.sha256[:12]}.apk"
        # apk removes packages that its world does not name when a user adds others.
        assert "tool\n" in apk.world(files, AMD64, (groups[0].name,))
        assert apk.resolve(request(own, groups=groups, shell=world.shell, previous=files)) == files
        newer = package(tmp_path, file(version="2"), name="t2.apk")
        changed = apk.resolve(request(newer, groups=groups, shell=world.shell, previous=files))
        assert added_versions(changed, groups[0].name) == {"more": "1", "tool": "2"}


@pytest.mark.engine
def test_a_version_that_a_repository_has_too_is_refused(tmp_path: Path) -> None:
    own = package(tmp_path, file(provides="cmd:other=1"))
    with (
        repository(package_spec("lib", "1"), package_spec("tool", "1")) as world,
        pytest.raises(ExpectedError, match=r"the index has tool in the version of https://"),
    ):
        apk.resolve(request(own, groups=(core("lib"),), shell=world.shell))


@pytest.mark.engine
def test_a_missing_dependency_is_an_error_of_apk(tmp_path: Path) -> None:
    missing = package(tmp_path, file(depend="nothing"))
    with (
        repository(package_spec("lib", "1")) as world,
        pytest.raises(ExpectedError, match="nothing"),
    ):
        apk.resolve(request(missing, groups=(core("lib"),), shell=world.shell))
