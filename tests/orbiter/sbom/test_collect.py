"""Bills of materials: every locked package of an image, and nothing else."""

import json
from collections import Counter
from pathlib import Path

import pytest
from license_expression import get_spdx_licensing
from msgspec.structs import replace
from packageurl import PackageURL

from orbiter.lockset.model import LockSet
from orbiter.render.derived import plan_of
from orbiter.sbom.collect import bill_of
from orbiter.sbom.licenses import spdx_expression
from orbiter.sbom.model import Bill, Component
from resolvers.errors import ExpectedError
from tests.support.lock_sets import small
from tests.support.sbom_lock_sets import mixed, release

RELEASES = ["0.1.0", "0.2.0"]


def named(bill: Bill, name: str) -> list[Component]:
    return [component for component in bill.components if component.name == name]


@pytest.fixture
def two_platforms(tmp_path: Path) -> LockSet:
    return mixed(tmp_path)


@pytest.mark.parametrize("version", RELEASES)
def test_each_image_has_the_packages_of_its_list(version: str) -> None:
    lock_set = release(version)
    for stage in plan_of(lock_set).stages:
        bill = bill_of(lock_set, (stage.stage.name,))
        packages = [each for each in bill.components if each.hash or each.inside]
        found = {(each.manager, each.name, each.version) for each in packages}
        assert found == {*stage.packages["linux/amd64"]}


@pytest.mark.parametrize(("version", "count"), [("0.1.0", 351), ("0.2.0", 347)])
def test_npm_packages_in_other_tarballs_are_listed(version: str, count: int) -> None:
    lock_set = release(version)
    tree = json.loads(lock_set.files["debian/package-lock.json"])["packages"]
    expected = {
        (path.rpartition("node_modules/")[2], entry["version"], bool(entry.get("inBundle")))
        for path, entry in tree.items()
        if path
    }
    bill = bill_of(lock_set, ("debian-base",))
    packages = [each for each in bill.components if each.manager == "npm"]
    assert {(each.name, each.version, bool(each.inside)) for each in packages} == expected
    assert len({(name, number) for name, number, _ in expected}) == count
    hosts = {each.ref: each for each in bill.components}
    for each in packages:
        assert bool(each.hash) != bool(each.inside)
        assert not each.inside or hosts[each.inside].name == "npm"


@pytest.mark.parametrize("version", RELEASES)
def test_package_urls_and_licences_are_valid(version: str) -> None:
    licensing = get_spdx_licensing()
    bill = bill_of(release(version))
    for component in bill.components:
        url = PackageURL.from_string(component.purl)
        assert url.to_string() == component.purl
        assert (url.version, component.name.rpartition("/")[2]) == (component.version, url.name)
        if expression := spdx_expression(component.license):
            assert licensing.validate(expression).errors == []
    kinds = Counter(PackageURL.from_string(each.purl).type for each in bill.components)
    assert kinds.keys() == {"deb", "npm", "pypi"}


@pytest.mark.parametrize("version", RELEASES)
def test_requirements_lead_to_every_package_of_the_image(version: str) -> None:
    bill = bill_of(release(version), ("debian-base",))
    graph = {component.ref: component.requires for component in bill.components}
    assert {ref for requires in graph.values() for ref in requires} <= graph.keys()
    required = {requirement for requires in graph.values() for requirement in requires}
    jupyterlab, tornado = named(bill, "jupyterlab")[0], named(bill, "tornado")[0]
    assert tornado.ref in jupyterlab.requires
    assert len(required) > len(graph) / 2
    assert set(bill.images[0].components) == graph.keys()


def test_debian_packages_name_their_source_package() -> None:
    bill = bill_of(release("0.2.0"), ("debian-base",))
    assert named(bill, "libcairo2")[0].source_package == "cairo"
    debs = [each for each in bill.components if each.manager == "apt"]
    assert all(each.source_package for each in debs)
    assert {each.supplier for each in debs} == {"Debian"}


def test_a_bill_follows_from_the_lock_set_and_the_selection() -> None:
    lock_set = release("0.2.0")
    bill = bill_of(lock_set, ("base",))
    assert bill == bill_of(lock_set, ("debian-base",), ("linux/amd64",))
    assert bill.time == lock_set.manifest.cutoff
    serials = {bill.serial, bill_of(lock_set).serial, bill_of(lock_set, ("core",)).serial}
    serials.add(bill_of(release("0.1.0"), ("base",)).serial)
    assert len(serials) == 4


def test_a_base_image_is_listed_as_incomplete() -> None:
    bill = bill_of(small())
    (base,) = (each for each in bill.components if each.kind == "base")
    assert (base.name, base.version) == ("debian", "trixie-slim")
    assert base.hash == small().manifest.bases["debian:trixie-slim"]["linux/amd64"]
    assert bill.incomplete == (base.ref,)
    assert bill_of(release("0.2.0")).incomplete == ()


def test_a_step_with_network_makes_an_image_incomplete(two_platforms: LockSet) -> None:
    bill = bill_of(two_platforms, ("alpine-core",))
    assert [ref for ref in bill.incomplete if ref.startswith("image/")] == [
        "image/alpine-core/linux/amd64",
        "image/alpine-core/linux/arm64",
    ]


def test_packages_of_alpine(two_platforms: LockSet) -> None:
    bill = bill_of(two_platforms, ("alpine-core",))
    amd64, arm64 = named(bill, "busybox-binsh")
    assert amd64.purl == (
        "pkg:apk/alpine/busybox-binsh@1.37.0-r30?arch=x86_64&distro=alpine-3.23&upstream=busybox"
    )
    assert "arch=aarch64" in arm64.purl
    assert (amd64.license, amd64.supplier) == ("GPL-2.0-only", "Alpine Linux")
    assert (amd64.platforms, arm64.platforms) == (("linux/amd64",), ("linux/arm64",))
    assert {named(bill, "busybox")[0].ref, named(bill, "busybox")[1].ref} == {
        *amd64.requires,
        *arm64.requires,
    }
    assert amd64.requires != arm64.requires


def test_packages_of_conda(two_platforms: LockSet) -> None:
    bill = bill_of(two_platforms, ("micromamba-base",))
    amd64, arm64 = sorted(named(bill, "python"), key=lambda each: each.platforms)
    assert amd64.purl == (
        "pkg:conda/python@3.12.11?build=h9e4cc4f_0_cpython"
        "&channel=conda-forge&subdir=linux-64&type=conda"
    )
    assert "subdir=linux-aarch64" in arm64.purl
    assert amd64.ref != arm64.ref
    (tzdata,) = named(bill, "tzdata")  # the same file on both platforms
    assert tzdata.platforms == ("linux/amd64", "linux/arm64")
    assert (amd64.requires, tzdata.supplier) == ((tzdata.ref,), "conda-forge")


def test_a_kept_installer_is_listed_for_its_platform(two_platforms: LockSet) -> None:
    (installer,) = named(bill_of(two_platforms, ("micromamba-base",)), "micromamba")
    assert installer.platforms == ("linux/amd64",)
    assert named(bill_of(two_platforms, ("micromamba-core",)), "micromamba") == []


def test_downloads_and_own_files(two_platforms: LockSet) -> None:
    (download,) = named(bill_of(two_platforms, ("alpine-core",)), "data.csv")
    assert (download.file, download.hash) == ("/opt/data.csv", f"sha256:{'e' * 64}")
    url = PackageURL.from_string(download.purl)
    assert isinstance(url.qualifiers, dict)
    assert url.qualifiers["download_url"] == "https://example.org/data.csv?v=2"
    files = {each.name for each in bill_of(two_platforms, ("base",)).components if not each.purl}
    assert files == {"/opt/env/own.txt"}  # the image receives only /opt/env of the build stage


def test_a_partial_lock_set_is_rejected(two_platforms: LockSet) -> None:
    manifest = replace(two_platforms.manifest, builders={})
    partial = replace(two_platforms, manifest=manifest)
    with pytest.raises(ExpectedError, match="is partial"):
        bill_of(partial)


def test_unknown_images_and_platforms_are_rejected() -> None:
    with pytest.raises(ExpectedError, match="no image or stage 'bsae'"):
        bill_of(release("0.2.0"), ("bsae",))
    with pytest.raises(ExpectedError, match="is not locked for linux/386"):
        bill_of(release("0.2.0"), (), ("linux/386",))
