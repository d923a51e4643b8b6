"""Reading and selecting from a package-lock.json, without running npm."""

import gzip
import json
from typing import Any

import pytest

from resolvers.errors import ExpectedError
from resolvers.npm import manager as npm
from resolvers.npm.lock_file import runs_on
from resolvers.types.packages import Package
from tests.support.npm_cases import AMD64, ARM64, lock_of
from tests.support.paths import TESTS

DATA = TESTS / "data" / "npm"


def test_every_version_and_alias_of_a_real_lock_is_read() -> None:
    text = gzip.decompress((DATA / "chp.package-lock.json.gz").read_bytes()).decode()
    packages = npm.read({"package-lock.json": text})
    entries = json.loads(text)["packages"]
    assert {
        f"{path.rpartition('node_modules/')[2]}@{entry['version']}"
        for path, entry in entries.items()
        if path
    } >= {f"{each.name}@{each.version}" for each in packages if each.name != "string-width"}
    widths = [each for each in packages if each.name == "string-width"]
    assert [each.version for each in widths] == ["4.2.3", "5.1.2"]
    assert [each.artifacts[0].source for each in widths] == [
        "string-width/-/string-width-4.2.3.tgz", "string-width/-/string-width-5.1.2.tgz",
    ]  # fmt: skip
    assert len(packages) == len({(each.name, each.version) for each in packages})


def test_bundled_packages_have_no_artifact_of_their_own() -> None:
    files = {
        "package-lock.json": (DATA / "bundle.package-lock.json").read_text(),
        "package.json": '{"orbiter": {"groups": {"g": ["@isaacs/testing-rebuild-bundle-a"]}}}',
    }
    outer, inner = npm.read(files)
    assert (outer.name, len(outer.artifacts)) == ("@isaacs/testing-rebuild-bundle-a", 1)
    assert (inner.name, inner.groups, inner.artifacts) == (
        "@isaacs/testing-rebuild-bundle-b",
        ("g",),
        (),
    )
    assert [pin.name for pin in npm.select(files, AMD64, ("g",))] == [
        "@isaacs/testing-rebuild-bundle-a"
    ]


def test_a_package_with_only_a_sha1_is_rejected_by_name() -> None:
    files = {"package-lock.json": (DATA / "workspaces.package-lock.json").read_text()}
    with pytest.raises(
        ExpectedError, match=r"abbrev 1\.0\.4 \(packages/a/node_modules/abbrev\) has no sha512"
    ):
        npm.read(files)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"lockfileVersion": 1}', "<<<<<<< HEAD"])
def test_a_malformed_lock_is_an_expected_error(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"package-lock\.json"):
        npm.read({"package-lock.json": text})


def test_optional_packages_of_other_systems_are_left_out() -> None:
    files = lock_of(
        a={"optionalDependencies": {"x64": "1", "arm": "1", "musl": "1", "mac": "1"}},
        x64={"optional": True, "os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]},
        arm={"optional": True, "os": ["linux"], "cpu": ["arm64"]},
        musl={"optional": True, "os": ["linux"], "libc": ["musl"], "dependencies": {"deep": "1"}},
        mac={"optional": True, "os": ["darwin"]},
        deep={"optional": True},
    )
    assert [pin.name for pin in npm.select(files, AMD64, ("g",))] == ["a", "x64"]
    assert [pin.name for pin in npm.select(files, ARM64, ("g",))] == ["a", "arm"]
    assert [package.name for package in npm.read(files)] == [
        "a",
        "arm",
        "deep",
        "mac",
        "musl",
        "x64",
    ]


def test_a_required_package_that_does_not_run_on_a_platform_is_rejected() -> None:
    files = lock_of(a={"dependencies": {"b": "1"}}, b={"cpu": ["x64"]})
    assert [pin.name for pin in npm.select(files, AMD64, ("g",))] == ["a", "b"]
    with pytest.raises(ExpectedError, match=r"b 1\.0\.0 does not run on linux/arm64"):
        npm.select(files, ARM64, ("g",))


def test_peers_are_followed_unless_they_are_optional() -> None:
    files = lock_of(
        a={
            "peerDependencies": {"b": "1", "c": "1"},
            "peerDependenciesMeta": {"c": {"optional": True}},
        },
        b={},
        c={},
    )
    assert [pin.name for pin in npm.select(files, AMD64, ("g",))] == ["a", "b"]
    assert npm.read(files)[0].requires == ("b",)
    assert npm.read(files)[2] == Package(
        manager="npm", name="c", version="1.0.0", artifacts=npm.read(files)[2].artifacts
    )


@pytest.mark.parametrize(
    ("entry", "fits"),
    [({}, True), ({"os": "linux"}, True), ({"os": ["!linux"]}, False), ({"os": ["!win32"]}, True),
     ({"cpu": ["any"]}, True), ({"cpu": ["ia32"]}, False), ({"libc": "musl"}, False)],
)  # fmt: skip
def test_a_package_runs_on_the_systems_that_it_lists(entry: dict[str, Any], fits: bool) -> None:
    assert runs_on(entry, AMD64) is fits
