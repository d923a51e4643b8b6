"""Packages that leave the usual host of a lock, in every format that has addresses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orbiter.diff.compare import diff
from orbiter.diff.filter import filter_changes, matches_any
from orbiter.diff.types import Change, Diff, Fact
from orbiter.lockfiles import recognise
from orbiter.report import text

Hosts = tuple[str, str, str]
"""The address of each of three packages, without a path."""

GOOD, MIRROR, EVIL = "https://files.example", "https://mirror.example", "https://evil.example"
PLAIN = "http://files.example"
USUAL: Hosts = (GOOD, GOOD, GOOD)
NAMES = ("aaa", "bbb", "ccc")

Writer = Callable[[Hosts, str, str], str]
"""Makes a lock of three packages, with the version and the hash of the last one."""


def conda_lock(hosts: Hosts, version: str, digit: str) -> str:
    entries = "".join(
        f"- name: {name}\n  version: {number}\n  manager: conda\n  platform: linux-64\n"
        f"  dependencies: {{}}\n  url: {host}/conda-forge/noarch/{name}-{number}-0.conda\n"
        f"  hash:\n    sha256: {value * 64}\n  category: main\n  optional: false\n"
        for name, host, number, value in rows(hosts, version, digit)
    )
    return (
        "version: 1\nmetadata:\n  channels: []\n  platforms: [linux-64]\n  sources: []\n"
        f"package:\n{entries}"
    )


def explicit(hosts: Hosts, version: str, digit: str) -> str:
    lines = (
        f"{host}/conda-forge/linux-64/{name}-{number}-0.conda#sha256:{value * 64}\n"
        for name, host, number, value in rows(hosts, version, digit)
    )
    return "@EXPLICIT\n" + "".join(lines)


def pixi(hosts: Hosts, version: str, digit: str) -> str:
    urls = {
        f"{host}/conda-forge/noarch/{name}-{number}-0.conda": value
        for name, host, number, value in rows(hosts, version, digit)
    }
    references = "".join(f"      - conda: {url}\n" for url in urls)
    packages = "".join(f"- conda: {url}\n  sha256: {value * 64}\n" for url, value in urls.items())
    return (
        "version: 6\nenvironments:\n  default:\n    channels:\n    - url: https://x.example/c/\n"
        f"    packages:\n      linux-64:\n{references}packages:\n{packages}"
    )


def pixi_pypi(hosts: Hosts, version: str, digit: str) -> str:
    urls = {
        f"{host}/packages/aa/bb/{value * 60}/{name}-{number}-py3-none-any.whl": value
        for name, host, number, value in rows(hosts, version, digit)
    }
    references = "".join(f"      - pypi: {url}\n" for url in urls)
    packages = "".join(f"- pypi: {url}\n  sha256: {value * 64}\n" for url, value in urls.items())
    return (
        "version: 6\nenvironments:\n  default:\n    channels:\n    - url: https://x.example/c/\n"
        f"    packages:\n      linux-64:\n{references}packages:\n{packages}"
    )


def uv(hosts: Hosts, version: str, digit: str) -> str:
    packages = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{number}"\n'
        'source = { registry = "https://index.example/simple" }\n'
        f'wheels = [{{ url = "{host}/packages/aa/bb/{value * 60}/{name}-{number}-py3-none-any.whl",'
        f' hash = "sha256:{value * 64}" }}]\n'
        for name, host, number, value in rows(hosts, version, digit)
    )
    return f'version = 1\nrevision = 3\nrequires-python = ">=3.12"\n{packages}'


def pylock(hosts: Hosts, version: str, digit: str) -> str:
    packages = "".join(
        f'[[packages]]\nname = "{name}"\nversion = "{number}"\n'
        f'[[packages.wheels]]\nname = "{name}-{number}-py3-none-any.whl"\n'
        f'url = "{host}/packages/aa/bb/{value * 60}/{name}-{number}-py3-none-any.whl"\n'
        f'hashes = {{ sha256 = "{value * 64}" }}\n'
        for name, host, number, value in rows(hosts, version, digit)
    )
    return f'lock-version = "1.0"\ncreated-by = "a"\n{packages}'


def npm(hosts: Hosts, version: str, digit: str) -> str:
    packages: dict[str, Any] = {"": {"dependencies": dict.fromkeys(NAMES, "*")}}
    for name, host, number, value in rows(hosts, version, digit):
        packages[f"node_modules/{name}"] = {
            "version": number,
            "resolved": f"{host}/{name}/-/{name}-{number}.tgz",
            "integrity": f"sha512-{chr(ord('A') + int(value)) * 86}==",
        }
    return json.dumps({"lockfileVersion": 3, "packages": packages})


def rows(hosts: Hosts, version: str, digit: str) -> list[tuple[str, str, str, str]]:
    versions = ("1.0.0", "1.0.0", version)
    return list(zip(NAMES, hosts, versions, ("1", "2", digit), strict=True))


WRITERS = (conda_lock, explicit, pixi, pixi_pypi, uv, pylock, npm)
every_format = pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)


def compare(old: str, new: str) -> Diff:
    return diff(recognise.read("old", old.encode()), recognise.read("new", new.encode()))


def addresses(result: Diff) -> list[Fact]:
    """Return the facts about http; npm also has one about its registry."""
    return [fact for fact in result.facts if fact.kind == "addresses"]


def the(result: Diff) -> Change:
    (change,) = result.changes
    return change


@every_format
@pytest.mark.parametrize("host", [EVIL, PLAIN])
def test_one_package_that_leaves_the_usual_host_is_moved(write: Writer, host: str) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((GOOD, GOOD, host), "1.0.0", "3")
    change = the(compare(old, new))
    assert (change.name, change.kind, change.altered) == ("ccc", "moved", False)
    assert host.removeprefix("https://") in change.where[0].new[0].source
    assert the(compare(new, old)).kind == "moved"


@every_format
@pytest.mark.parametrize("host", [EVIL, PLAIN])
def test_another_version_from_another_host_is_reported_as_such(write: Writer, host: str) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((GOOD, GOOD, host), "1.1.0", "4")
    result = compare(old, new)
    change = the(result)
    assert (change.kind, change.sources is not None) == ("upgraded", True)
    assert matches_any(result, ("moved",))
    assert filter_changes(result, kinds=("moved",)).changes == (change,)
    report = text.render(result, width=80, colour=False, everything=False)
    assert "1 from another source; 1 upgraded" in report
    assert host.removeprefix("https://") in report


@every_format
def test_a_mirror_for_all_packages_changes_none(write: Writer) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((MIRROR, MIRROR, MIRROR), "1.0.0", "3")
    assert compare(old, new).changes == ()
    upgraded = the(compare(old, write((MIRROR, MIRROR, MIRROR), "1.1.0", "4")))
    assert (upgraded.kind, upgraded.sources) == ("upgraded", None)


@every_format
def test_a_whole_lock_that_goes_to_http_is_reported(write: Writer) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((PLAIN, PLAIN, PLAIN), "1.0.0", "3")
    managers = {"npm": "npm", "conda_lock": "conda", "explicit": "conda", "pixi": "conda"}
    manager = managers.get(write.__name__, "pip")
    names = ", ".join(f"{manager} {name}" for name in NAMES)
    result = compare(old, new)
    assert addresses(result) == [
        Fact(kind="addresses", name="now http instead of https", new=names)
    ]
    assert matches_any(result, ("moved",))
    report = text.render(result, width=80, colour=False, everything=False)
    assert "now http instead of https" in report
    back = compare(new, old)
    assert addresses(back) == [Fact(kind="addresses", name="no longer http", old=names)]
    # An upgrade of every package does not hide it, nor does another mirror at the same time.
    other = write((MIRROR.replace("https", "http"),) * 3, "1.1.0", "4")
    assert [fact.new for fact in addresses(compare(old, other))] == [names]


@every_format
def test_most_packages_that_go_to_http_are_named(write: Writer) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((PLAIN, PLAIN, GOOD), "1.0.0", "3")
    (fact,) = addresses(compare(old, new))
    assert "aaa" in fact.new
    assert "bbb" in fact.new
    assert "ccc" not in fact.new


@every_format
def test_http_on_both_sides_and_https_mirrors_are_no_fact(write: Writer) -> None:
    plain, usual = write((PLAIN, PLAIN, PLAIN), "1.0.0", "3"), write(USUAL, "1.0.0", "3")
    mirror = write((MIRROR, MIRROR, MIRROR), "1.0.0", "3")
    for old, new in ((plain, plain), (usual, mirror)):
        result = compare(old, new)
        assert (addresses(result), matches_any(result, ("moved",))) == ([], False)


@every_format
def test_another_file_from_another_host_is_from_elsewhere(write: Writer) -> None:
    old, new = write(USUAL, "1.0.0", "3"), write((GOOD, GOOD, EVIL), "1.0.0", "4")
    result = compare(old, new)
    change = the(result)
    assert (change.kind, change.altered, change.elsewhere) == ("moved", False, True)
    assert matches_any(result, ("moved",))
    report = text.render(result, width=80, colour=False, everything=False)
    assert "another file from elsewhere" in report
    assert "tampering" not in report


@every_format
def test_another_file_from_the_same_host_or_a_mirror_is_altered(write: Writer) -> None:
    old = write(USUAL, "1.0.0", "3")
    for hosts in (USUAL, (MIRROR, MIRROR, MIRROR)):
        change = the(compare(old, write(hosts, "1.0.0", "4")))
        assert (change.name, change.altered, change.elsewhere) == ("ccc", True, False)


def test_an_index_that_builds_all_files_itself_is_not_tampering() -> None:
    def lock(host: str, digits: str) -> str:
        text = pylock((host, host, host), "1.0.0", digits[2])
        return text.replace("1" * 60, digits[0] * 60).replace("2" * 60, digits[1] * 60)

    result = compare(lock(GOOD, "123"), lock(MIRROR, "456"))
    assert [(change.kind, change.altered, change.elsewhere) for change in result.changes] == [
        ("moved", False, True)
    ] * 3


def test_a_channel_on_a_host_of_its_own_is_usual() -> None:
    def lock(*lines: str) -> str:
        return "@EXPLICIT\n" + "".join(f"{line}\n" for line in lines)

    usual = [f"{GOOD}/conda-forge/noarch/p{number}-1-0.conda" for number in range(9)]
    others = [f"{MIRROR}/other/noarch/q{number}-1-0.conda" for number in range(2)]
    moved = [line.replace(MIRROR, GOOD) for line in others]
    assert compare(lock(*usual, *others), lock(*usual, *moved)).changes == ()
    swapped = compare(lock(*usual), lock(*usual[1:], usual[0].replace(GOOD, EVIL)))
    assert the(swapped).kind == "moved"
