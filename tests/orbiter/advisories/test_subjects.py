import gzip
from pathlib import Path

import pytest

from orbiter.advisories.subjects import NotCovered, Subject, Subjects, subjects_of
from orbiter.advisories.system_sources import debian_ecosystem
from orbiter.config import snapshot
from orbiter.config.image_set import Builder
from orbiter.config.read import read_image_set
from orbiter.lockfiles.lock_set import as_lock
from orbiter.lockfiles.named import load_lock
from orbiter.lockfiles.recognise import read
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.lockset import model
from orbiter.lockset.model import LockSet
from tests.support.lock_sets import changed, small
from tests.support.paths import ROOT, TESTS

DATA = TESTS / "data"
ALPINE = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]
[builder.alpine]
from = "alpine:3.23"
[image.alpine.core]
apk = ["python3", "xz-libs"]
"""


def by_name(found: Subjects, ecosystem: str, name: str) -> list[Subject]:
    return [each for each in found.covered if (each.ecosystem, each.name) == (ecosystem, name)]


def of(*entries: PackageEntry) -> Subjects:
    return subjects_of(Lock(name="x", format="y", packages={Scope(): entries}))


def alpine(folder: Path, edit: tuple[str, str] = ("", "")) -> LockSet:
    (folder / "images.toml").write_text(ALPINE)
    text = (DATA / "apk" / "two-platforms.lock").read_text()
    files = {
        "images.toml": snapshot.dump(read_image_set(folder / "images.toml")),
        "alpine/apk.lock": text.replace('"core"', '"alpine-core"').replace(*edit),
    }
    return model.seal(small().manifest, files)


def small_subjects(edit: tuple[str, str] = ("", "")) -> Subjects:
    text = small().files["debian/apt.lock"].replace(*edit)
    return subjects_of(as_lock(changed(small(), {"debian/apt.lock": text}), "0.1.0"))


def test_debian_packages_are_their_source_in_a_release() -> None:
    (python,) = by_name(small_subjects(), "Debian:13", "python3.13")
    assert python.version == "3.13.5-2+deb13u5"
    assert {each.package for each in python.occurrences} >= {
        "libpython3.13-minimal",
        "libpython3.13-stdlib",
    }
    assert {each.certainty for each in python.occurrences} == {"derived"}


def test_a_rebuild_has_the_version_of_its_source() -> None:
    found = small_subjects(('version = "3.4.8-2"', 'version = "3.4.8-2+b7"'))
    assert [each.version for each in by_name(found, "Debian:13", "libffi")] == ["3.4.8-2"]


def test_a_locked_source_needs_no_derivation() -> None:
    text = 'name = "libffi8"\nversion = "3.4.8-2"\n'
    source = 'source-package = "libffi"\nsource-version = "3.4.8-1"\n'
    (libffi,) = by_name(small_subjects((text, f"{text}{source}")), "Debian:13", "libffi")
    assert libffi.version == "3.4.8-1"
    assert {each.certainty for each in libffi.occurrences} == {"exact"}
    # A package without these keys has the name and the version of its source.
    (netbase,) = by_name(small_subjects((text, f"{text}{source}")), "Debian:13", "netbase")
    assert {each.certainty for each in netbase.occurrences} == {"exact"}


def test_binary_packages_with_an_own_version_have_that_of_their_source() -> None:
    lock = load_lock("0.2.0", ROOT / "locks")
    (util_linux,) = by_name(subjects_of(lock), "Debian:13", "util-linux")
    locked = {each.package: each.version for each in util_linux.occurrences}
    assert util_linux.version == "2.41.5-0+deb13u1"
    assert locked["bsdutils"] == "1:2.41.5-0+deb13u1"
    assert locked["login"] == "1:4.16.0-2+really2.41.5-0+deb13u1"


def test_a_package_of_another_repository_is_not_covered() -> None:
    edit = ('file = "pool/main/libf/libffi', 'repository = "own"\nfile = "pool/main/libf/libffi')
    (libffi,) = [each for each in small_subjects(edit).not_covered if each.package == "libffi8"]
    assert "not from the distribution" in libffi.reason


def test_the_packages_of_a_base_image_are_not_covered() -> None:
    reason = "the lock does not list the packages of the base image"
    base = NotCovered("docker", "debian:trixie-slim", "", reason)
    assert base in small_subjects().not_covered


@pytest.mark.parametrize(
    ("base", "suite", "ecosystem"),
    [
        ("", "trixie", "Debian:13"),
        ("", "sid", ""),
        ("debian:trixie-slim", "", "Debian:13"),
        ("debian:12.5", "", "Debian:12"),
        ("registry.example:5000/library/debian:11-slim", "", "Debian:11"),
        ("python:3.13-slim-bookworm", "", "Debian:12"),
        ("python:3.13-slim-bookworm@sha256:" + "1" * 64, "", "Debian:12"),
        ("python:3.13", "", ""),
        ("example/app:13", "", ""),
        ("ubuntu:24.04", "", ""),
    ],
)
def test_the_release_of_debian(base: str, suite: str, ecosystem: str) -> None:
    assert debian_ecosystem(Builder(name="debian", base=base, suite=suite)) == ecosystem


def test_without_a_known_release_debian_packages_are_not_covered() -> None:
    images = small().files["images.toml"].replace("debian:trixie-slim", "example/own:1")
    found = subjects_of(as_lock(changed(small(), {"images.toml": images}), "0.1.0"))
    assert found.ecosystems == {"PyPI"}
    assert "libffi8" in {each.package for each in found.not_covered}


def test_alpine_packages_are_their_origin_in_a_branch(tmp_path: Path) -> None:
    found = subjects_of(as_lock(alpine(tmp_path), "0.1.0"))
    (xz,) = by_name(found, "Alpine:v3.23", "xz")
    assert {each.package for each in xz.occurrences} >= {"xz-libs"}
    assert {each.certainty for each in xz.occurrences} == {"exact"}


def test_the_edge_branch_of_alpine_is_not_covered(tmp_path: Path) -> None:
    found = subjects_of(as_lock(alpine(tmp_path, ('file = "v3.23/', 'file = "edge/')), "0.1.0"))
    assert found.ecosystems == {"PyPI"}  # the installers
    assert {each.package for each in found.not_covered} >= {"python3", "xz-libs"}


def test_conda_packages_are_by_name_or_not_covered() -> None:
    path = DATA / "locks" / "pairs" / "conda-lock" / "01-base-next-tag" / "new.conda-lock.yml.gz"
    lock = read("conda-lock.yml", gzip.decompress(path.read_bytes()))
    found = subjects_of(lock)
    (jinja,) = by_name(found, "PyPI", "jinja2")
    assert {each.certainty for each in jinja.occurrences} == {"by name"}
    assert "openssl" in {each.package for each in found.not_covered}
    locked = {entry.name for entries in lock.packages.values() for entry in entries}
    covered = {each.package for subject in found.covered for each in subject.occurrences}
    assert covered | {each.package for each in found.not_covered} == locked


@pytest.mark.parametrize(
    ("name", "build", "requires", "distribution"),
    [
        ("pytorch", "cpu_generic_py312h1", ("python",), "torch"),
        ("jupyter_server", "pyhd8ed1ab_0", (), "jupyter-server"),
        ("numpy", "py312h8442bc7_0", (), "numpy"),
        ("zlib", "h4ab18f5_6", ("libzlib",), None),
    ],
)
def test_names_of_conda_packages(
    name: str, build: str, requires: tuple[str, ...], distribution: str | None
) -> None:
    entry = PackageEntry(manager="conda", name=name, version="1", build=build, requires=requires)
    assert [each.name for each in of(entry).covered] == [distribution] * bool(distribution)


def test_packages_of_a_commit_are_by_name() -> None:
    (found,) = of(PackageEntry(manager="pip", name="flask", version="1", build="abc123")).covered
    assert [each.certainty for each in found.occurrences] == ["by name"]


def test_packages_of_other_managers_are_not_covered() -> None:
    found = of(PackageEntry(manager="cargo", name="serde", version="1.0.0"))
    assert [each.package for each in found.not_covered] == ["serde"]
