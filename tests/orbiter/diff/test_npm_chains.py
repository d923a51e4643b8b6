"""Chains in package-lock.json follow the copy that Node finds, as ``npm ls`` shows them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orbiter.diff.compare import diff
from orbiter.diff.requirement_chains import RequirementChains
from orbiter.diff.types import Change
from orbiter.lockfiles import package_lock
from orbiter.lockfiles.types import Scope
from resolvers.npm import program
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
Packages = dict[str, dict[str, Any]]
SHA512 = "sha512-" + "A" * 86 + "=="


def changes(old: Packages, new: Packages) -> list[Change]:
    locks = [
        package_lock.read("x", json.dumps({"lockfileVersion": 3, "packages": packages}))
        for packages in (old, new)
    ]
    return list(diff(*locks).changes)


def installed(version: str, **requires: str) -> dict[str, Any]:
    return {"version": version, "integrity": SHA512, "dependencies": requires}


def test_a_chain_follows_the_copy_that_node_finds() -> None:
    old = {
        "": {"dependencies": {"a": "1", "zzz": "1"}},
        "node_modules/a": installed("1.0.0", glob="10"),
        "node_modules/glob": installed("10.0.0"),
        "node_modules/zzz": installed("1.0.0", mid="1"),
        "node_modules/mid": installed("1.0.0", glob="7"),
        "node_modules/mid/node_modules/glob": installed("7.0.0"),
    }
    new = old | {
        "node_modules/mid/node_modules/glob": installed("7.1.0", inflight="1"),
        "node_modules/inflight": installed("1.0.6"),
    }
    assert {change.name: change.why for change in changes(old, new)} == {
        "inflight": ("zzz", "mid", "glob", "inflight"),
        "glob": ("zzz", "mid", "glob"),
    }
    # If a version was removed, the old lock has the reason for it.
    assert {change.name: change.why for change in changes(new, old)} == {
        "inflight": ("zzz", "mid", "glob", "inflight"),
        "glob": ("zzz", "mid", "glob"),
    }
    del new["node_modules/mid/node_modules/glob"], new["node_modules/inflight"]
    assert [change.why for change in changes(old, new)] == [("zzz", "mid", "glob")]


def test_a_second_copy_of_a_direct_requirement_is_not_direct() -> None:
    old = {
        "": {"dependencies": {"debug": "4", "lib": "1"}},
        "node_modules/debug": installed("4.3.4"),
        "node_modules/lib": installed("1.0.0", debug="*"),
        "node_modules/lib/node_modules/debug": installed("3.2.7"),
    }
    new = old | {"node_modules/lib/node_modules/debug": installed("2.6.9")}
    (change,) = changes(old, new)
    assert (change.direct, change.why, change.stays) == (False, ("lib", "debug"), ("4.3.4",))
    new = old | {"node_modules/debug": installed("4.4.0")}
    (change,) = changes(old, new)
    assert (change.direct, change.why) == (True, ("debug",))


def test_a_change_of_a_workspace_member_is_shown() -> None:
    link = {"resolved": "packages/lib", "link": True}
    old: Packages = {
        "": {"workspaces": ["packages/*"]},
        "node_modules/@us/lib": link,
        "packages/lib": {"version": "1.0.0", "devDependencies": {"a": "1"}},
        "node_modules/a": installed("1.0.0"),
    }
    (change,) = changes(old, old | {"packages/lib": {"version": "2.0.0"}})
    assert (change.name, change.kind, change.direct) == ("@us/lib", "upgraded", True)
    without = {path: entry for path, entry in old.items() if "lib" not in path}
    (change,) = changes(old, without)
    assert (change.name, change.kind) == ("@us/lib", "removed")
    (change,) = changes(old, old | {"node_modules/a": installed("1.1.0")})
    assert change.why == ("a",)


def linked(root: dict[str, Any], folder: str) -> Packages:
    return {
        "": root,
        "node_modules/lib": {"resolved": folder, "link": True},
        folder: {"version": "1.0.0", "dependencies": {"a": "1"}},
        f"{folder}/node_modules/a": installed("1.0.0"),
        "node_modules/a": installed("2.0.0"),
    }


def test_changes_of_a_link_are_shown() -> None:
    root = {"dependencies": {"lib": "*"}}
    registry: Packages = {"": root, "node_modules/lib": installed("1.0.0")}
    link, other = linked(root, "../lib"), linked(root, "../other")
    moved = {change.name: change for change in changes(registry, link)}
    assert moved["lib"].kind == "moved"
    assert moved["lib"].where[0].new[0].source == "../lib"
    assert moved["a"].why == ("lib", "a")
    (change,) = changes(link, other)
    assert (change.name, change.kind) == ("lib", "moved")
    (change,) = changes({"": root}, {"": root, "node_modules/lib": link["node_modules/lib"]})
    assert (change.name, change.kind) == ("lib", "added")


LOCKS = (
    "pairs/package-lock/03-chp-v2-to-v3/new",
    "pairs/package-lock/05-lonboard/old",
    "package-lock/testing-rebuild-bundle__parent",
    "package-lock/workspaces-conflicting-versions-virtual",
    "package-lock/workspaces-version-unsatisfied-virtual",
)


@pytest.mark.slow  # each test runs npm
@pytest.mark.index
@pytest.mark.parametrize("path", LOCKS)
def test_all_chains_are_those_of_npm(path: str, tmp_path: Path) -> None:
    text = gzip.decompress((DATA / f"{path}.package-lock.json.gz").read_bytes()).decode()
    paths: Packages = json.loads(text)["packages"]
    (tmp_path / "package-lock.json").write_text(text)
    _write_manifests(tmp_path, paths)
    listed = program.run(["ls", "--package-lock-only", "--all", "--json", "--long"], cwd=tmp_path)
    packages = package_lock.read("x", text).packages[Scope()]
    requirements = RequirementChains()
    found = {
        copy.id: requirements.chain(packages, [replace(package, copies=(copy,))])
        for package in packages
        for copy in package.copies
    }
    assert found == _npm_chains(json.loads(listed), tmp_path, paths)


def _write_manifests(folder: Path, packages: Packages) -> None:
    """Write the package.json of each workspace member, in which npm looks for its name."""
    for path, package in packages.items():
        if "node_modules/" not in path:
            names = [
                link.rpartition("node_modules/")[2]
                for link, entry in packages.items()
                if path and entry.get("resolved") == path
            ]
            (folder / path).mkdir(parents=True, exist_ok=True)
            manifest = {"name": (*names, "project")[0], **package}
            (folder / path / "package.json").write_text(json.dumps(manifest))


def _npm_chains(tree: Any, folder: Path, packages: Packages) -> dict[str, tuple[str, ...]]:
    """Return the shortest chain of names to each path, the first by path of several."""
    names: dict[str, str] = {}
    requires: dict[str, set[str]] = {}
    for parent, name, child in _edges(tree, folder, packages):
        names[child] = name
        requires.setdefault(parent, set()).add(child)
    members = [path for path in packages if path and "node_modules/" not in path]
    level = sorted(set().union(*(requires.get(path, ()) for path in ("", *members))))
    chains: dict[str, tuple[str, ...]] = {path: (names[path],) for path in level}
    while level:
        following = []
        for parent in level:
            for child in requires.get(parent, set()) - chains.keys():
                chains[child] = (*chains[parent], names[child])
                following.append(child)
        level = sorted(following)
    return chains


def _edges(tree: Any, folder: Path, packages: Packages) -> Iterator[tuple[str, str, str]]:
    """Yield the path of each package with the name and path of each one it requires."""
    stack = [("", tree)]
    while stack:
        parent, node = stack.pop()
        for key, child in node.get("dependencies", {}).items():
            if "path" in child:  # npm lists missing optional packages, too
                path = str(Path(child["path"]).relative_to(folder))
                entry = packages[path]
                is_link = entry.get("link", False)
                target = entry["resolved"] if is_link else path
                yield parent, key if is_link else child.get("name", key), target
                stack.append((target, child))
