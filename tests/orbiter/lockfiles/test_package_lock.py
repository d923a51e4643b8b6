"""package-lock.json, versions 1 to 3."""

import gzip
import json
from typing import Any

import pytest

from orbiter.lockfiles import package_lock
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
SHA1, SHA512 = "sha1-" + "A" * 27 + "=", "sha512-" + "A" * 86 + "=="


def text_of(path: str) -> str:
    return gzip.decompress((DATA / f"{path}.gz").read_bytes()).decode()


def read(text: str) -> Lock:
    assert package_lock.recognises(text)
    return package_lock.read("package-lock.json", text)


def specimen(name: str) -> tuple[PackageEntry, ...]:
    return read(text_of(f"package-lock/{name}.package-lock.json")).packages[Scope()]


def lock(packages: dict[str, Any], root: dict[str, Any] | None = None) -> tuple[PackageEntry, ...]:
    entries = {"": root or {}} | {f"node_modules/{path}": entry for path, entry in packages.items()}
    return read(json.dumps({"lockfileVersion": 3, "packages": entries}, indent=2)).packages[Scope()]


def tree(packages: dict[str, Any]) -> tuple[PackageEntry, ...]:
    return read(json.dumps({"lockfileVersion": 1, "dependencies": packages}, indent=2)).packages[
        Scope()
    ]


def tarball(name: str, version: str, host: str = "") -> str:
    return f"https://{host}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


@pytest.mark.parametrize(
    ("pair", "formats", "paths", "names"),
    [
        ("01-orbiter", (2, 2), (202, 193), (184, 174)),
        ("02-chp-v2", (2, 2), (245, 243), (227, 226)),
        ("03-chp-v2-to-v3", (2, 3), (251, 117), (234, 103)),
        ("06-warehouse-v2-to-v3", (2, 3), (2224, 1267), (1185, 936)),
    ],
)
def test_counts_of_real_locks(
    pair: str, formats: tuple[int, int], paths: tuple[int, int], names: tuple[int, int]
) -> None:
    texts = [
        text_of(f"pairs/package-lock/{pair}/{side}.package-lock.json") for side in ("old", "new")
    ]
    locks = [read(text) for text in texts]
    assert tuple(each.format for each in locks) == tuple(
        f"package-lock.json {each}" for each in formats
    )
    entries = [[key for key in json.loads(text)["packages"] if key] for text in texts]
    assert tuple(len(each) for each in entries) == paths
    found = [each.packages[Scope()] for each in locks]
    assert tuple(len({p.name for p in packages}) for packages in found) == names
    assert all(len({(p.name, p.version) for p in packages}) == len(packages) for packages in found)
    assert {p.source for packages in found for p in packages} == {""}
    assert [each.notes for each in locks] == [(), ()]


def test_a_real_package() -> None:
    found = read(text_of("pairs/package-lock/03-chp-v2-to-v3/new.package-lock.json")).packages[
        Scope()
    ]
    (commander,) = [each for each in found if each.name == "commander"]
    assert (commander.direct, commander.groups, commander.licence) == (True, (), "MIT")
    assert len(commander.files[0].hashes[0]) == len("sha512:") + 128
    direct = {each.name for each in found if each.direct}
    assert {"http-proxy-3", "prom-client", "ws"} <= direct
    assert len(direct) < len(found)


def test_all_three_versions_agree() -> None:
    """Version 2 contains both the tree of version 1 and the paths of version 3."""
    for path in ("package-lock/testing-rebuild-bundle__parent", "pairs/package-lock/02-chp-v2/new"):
        data = json.loads(text_of(f"{path}.package-lock.json"))
        data["lockfileVersion"] = 3
        third = read(json.dumps(data)).packages[Scope()]
        data["lockfileVersion"] = 1
        first = read(json.dumps(data)).packages[Scope()]
        assert [each.direct for each in first] == [None] * len(third)
        told = [
            [(p.name, p.version, p.files, p.source, p.groups) for p in packages]
            for packages in (first, third)
        ]
        assert told[0] == told[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("audit-one-vuln", ["minimist 1.0.0"]),
        ("semver-installed-with-old-package-lock", ["semver 7.3.2"]),
        ("link-dep", ["linked-dep "]),
        (
            "link-meta-deps",
            ["@isaacs/testing-link-dep 1.0.0", "@isaacs/testing-link-dev-dep 1.0.1", "linked-dep "],
        ),
        ("root-bundler", ["child 1.2.3"]),
        (
            "workspaces-conflicting-versions-virtual",
            ["a 1.0.0", "abbrev 1.0.4", "abbrev 1.1.0", "abbrev 1.1.1", "b 1.0.0"],
        ),
        ("workspaces-version-unsatisfied-virtual", ["a 1.0.0", "abbrev 1.1.1", "abbrev 2.0.0"]),
        (
            "dev-deps",
            ["diff-frag 1.0.1", "inflight 1.0.6", "once 1.4.0", "tcompare 4.0.1", "wrappy 1.0.2"],
        ),
    ],
)
def test_specimens(name: str, expected: list[str]) -> None:
    assert [f"{each.name} {each.version}" for each in specimen(name)] == expected


def test_a_tree_with_many_packages_without_a_hash() -> None:
    found = specimen("tap-old-lockfile")
    assert (len(found), sum(bool(each.files) for each in found)) == (354, 265)


def test_bundled_packages_are_read() -> None:
    outer, inner = specimen("testing-rebuild-bundle__parent")
    assert (outer.direct, outer.requires) == (True, ("@isaacs/testing-rebuild-bundle-b",))
    assert (inner.direct, inner.files, inner.source) == (False, (), "")


def test_requirements_of_workspace_members_are_direct() -> None:
    packages = specimen("workspaces-conflicting-versions-virtual")
    assert all(each.direct for each in packages)


def test_direct_packages_are_at_the_paths_that_node_finds() -> None:
    packages = {
        "a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "a/node_modules/b": {"version": "1.0.0"},
    }
    packages |= {
        "b": {"version": "2.0.0"},
        "c": {"version": "1.0.0", "dev": True},
        "d": {"version": "1.0.0"},
    }
    root = {
        "dependencies": {"a": "1"},
        "devDependencies": {"c": "1"},
        "optionalDependencies": {"b": "2"},
    }
    found = {(each.name, each.version): each for each in lock(packages, root)}
    assert {key: each.direct for key, each in found.items()} == {
        ("a", "1.0.0"): True,
        ("b", "1.0.0"): False,
        ("b", "2.0.0"): True,
        ("c", "1.0.0"): True,
        ("d", "1.0.0"): False,
    }
    assert found["a", "1.0.0"].requires == ("b",)
    assert found["c", "1.0.0"].groups == ("dev",)


def test_aliases_are_read_with_their_real_names() -> None:
    alias = {"name": "string-width", "version": "4.2.3"}
    (found,) = lock(
        {"string-width-cjs": alias}, {"dependencies": {"string-width-cjs": "npm:string-width@^4"}}
    )
    assert (found.name, found.version, found.direct) == ("string-width", "4.2.3", True)
    (found,) = tree({"a": {"version": "npm:@scope/b@1.0.0"}})
    assert (found.name, found.version) == ("@scope/b", "1.0.0")


def test_one_package_at_several_paths() -> None:
    packages = {
        "a": {"version": "1.0.0", "dev": True, "peer": True, "integrity": SHA1},
        "b/node_modules/a": {"version": "1.0.0", "dev": True, "integrity": SHA512},
        "c": {"version": "1.0.0", "devOptional": True, "license": {"type": "MIT"}},
    }
    first, second = lock(packages)
    hashes = {each for file in first.files for each in file.hashes}
    assert hashes == {"sha1:" + "0" * 40, "sha512:" + "0" * 128}
    assert (first.groups, second.groups, second.licence) == (("dev",), ("dev", "optional"), "MIT")


def test_several_hashes_of_one_file() -> None:
    (found,) = lock({"a": {"version": "1.0.0", "integrity": f"{SHA1} {SHA512}?why"}})
    assert found.files == (PackageFile("a-1.0.0.tgz", ("sha1:" + "0" * 40, "sha512:" + "0" * 128)),)


def test_sources() -> None:
    packages = {
        "a": {"version": "1.0.0", "resolved": tarball("a", "1.0.0", "registry.example.org")},
        "b": {
            "version": "1.0.0",
            "resolved": tarball("b", "1.0.0", "me:secret@registry.example.org"),
        },
        "c": {"version": "1.0.0", "resolved": tarball("c", "1.0.0", "me:secret@other.example.org")},
        "d": {"version": "1.0.0", "resolved": "git+ssh://git@example.org/d.git#0123abc"},
        "e": {"version": "1.0.0", "resolved": "file:e-1.0.0.tgz"},
        "f": {"version": "1.0.0"},
        "g": {"version": "1.0.0", "resolved": False},
        "h": {"resolved": "../h", "link": True},
    }
    assert {each.name: (each.source, each.build) for each in lock(packages)} == {
        "a": ("", ""),
        "b": ("", ""),
        "c": ("other.example.org", ""),
        "d": ("git+ssh://example.org/d.git", "0123abc"),
        "e": ("file:e-1.0.0.tgz", ""),
        "f": ("", ""),
        "g": ("", ""),
        "h": ("../h", ""),
    }
    data = {
        "lockfileVersion": 3,
        "packages": {f"node_modules/{path}": entry for path, entry in packages.items()},
    }
    assert read(json.dumps(data)).facts == {
        "registry": {"of most packages": "registry.example.org"}
    }


def test_sources_of_the_first_version() -> None:
    found = tree(
        {
            "a": {"version": "git+ssh://git@example.org/a.git#0123abc", "from": "a@github:x/a"},
            "b": {"version": "https://example.org/b-1.2.0.tgz", "integrity": SHA512},
            "c": {"version": "file:../c"},
            "d": {"version": "1.0.0", "bundled": True},
        }
    )
    assert [(each.name, each.version, each.source, each.build) for each in found] == [
        ("a", "", "git+ssh://example.org/a.git", "0123abc"),
        ("b", "1.2.0", "", ""),
        ("c", "", "../c", ""),
        ("d", "1.0.0", "", ""),
    ]


def test_a_tarball_of_another_package_is_noted() -> None:
    packages = {
        "node_modules/a": {"version": "1.0.0", "resolved": tarball("a", "1.1.0")},
        "node_modules/@s/b": {"version": "1.0.0+build", "resolved": tarball("@s/b", "1.0.0")},
        "node_modules/-": {"version": "0.0.1", "resolved": tarball("-", "0.0.1")},
        "node_modules/c": {"version": "1.0.0", "resolved": tarball("d", "1.0.0")},
    }
    assert read(json.dumps({"lockfileVersion": 3, "packages": packages})).notes == (
        "node_modules/a is a 1.0.0, but its tarball is a-1.1.0.tgz",
        "node_modules/c is c 1.0.0, but its tarball is d-1.0.0.tgz",
    )


def written(packages: object, version: object = 3) -> str:
    return json.dumps({"lockfileVersion": version, "packages": packages}, indent=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (written({}, 4), ": package-lock.json 4 is not supported (newest supported version: 3)"),
        (written({}, "3"), ": the 'lockfileVersion' must be a number from 1 to 3, not '3'"),
        (written({}, True), ": the 'lockfileVersion' must be a number from 1 to 3, not True"),
        (written({}, 0), ": the 'lockfileVersion' must be a number from 1 to 3, not 0"),
        (
            written({"node_modules/a": {"version": 1}}),
            ":4: node_modules/a: version: Expected `str`, got `int`",
        ),
        (written({"node_modules/a": []}), ":4: node_modules/a: Expected `object`, got `array`"),
        (written([]), ": Expected `object`, got `array`"),
        (
            written({"node_modules/a": {"version": "1", "integrity": "x"}}),
            ":4: node_modules/a: the integrity is not a valid hash",
        ),
        (
            '{"lockfileVersion": 1, "dependencies": {\n"a": 1}}',
            ":2: a: a package must be an object",
        ),
        (written({"node_modules/a": {}})[:60], ":4: Unterminated string starting at"),
        (
            '{"lockfileVersion": 3, "packages": {\n"a": {},\n"a": {}}}',
            ":3: duplicate key 'a'",
        ),
    ],
)
def test_broken_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        package_lock.read("package-lock.json", text)
    assert caught.value.message == f"package-lock.json{expected}"


def test_tree_and_paths_of_version_2_are_compared() -> None:
    entry = {"version": "1.0.0", "integrity": SHA512}
    text = json.dumps(
        {
            "lockfileVersion": 2,
            "packages": {"": {}, "node_modules/a": entry},
            "dependencies": {"a": {**entry, "integrity": SHA1}},
        }
    )
    (note,) = package_lock.read("package-lock.json", text).notes
    assert note.endswith("differ from its 'packages', compared here: node_modules/a")
    assert package_lock.read("package-lock.json", text.replace(SHA1, SHA512)).notes == ()
