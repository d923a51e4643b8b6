"""The comparison of hand-made pairs for each kind."""

from collections.abc import Iterable
from typing import Any

import pytest

from orbiter.diff.compare import KEPT, diff
from orbiter.diff.filter import filter_changes, matches_any, restrict_lock
from orbiter.diff.importance import MAX_TRANSITIVE
from orbiter.diff.scopes import align_scopes
from orbiter.diff.types import KINDS, Change, Diff, Occurrence, Variant
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

LINUX, MAC = Scope("", "linux-64"), Scope("", "osx-64")
SHA = tuple(f"sha256:{digit * 64}" for digit in "0123456789")


def locked(name: str, version: str = "1.0", manager: str = "conda", **more: Any) -> PackageEntry:
    return PackageEntry(manager=manager, name=name, version=version, **more)


def lock(*packages: PackageEntry, scope: Scope = LINUX, **more: Any) -> Lock:
    return Lock(name="a.lock", format="test 1", packages={scope: packages}, **more)


def by_platform(**packages: Iterable[PackageEntry]) -> Lock:
    return Lock(
        name="a.lock",
        format="test 1",
        packages={Scope("", platform): tuple(result) for platform, result in packages.items()},
    )


def the(result: Diff) -> Change:
    (change,) = result.changes
    return change


@pytest.mark.parametrize(
    ("old", "new", "kind", "step"),
    [
        ({"version": "1.9"}, {"version": "1.10"}, "upgraded", "minor"),
        ({"version": "2.0"}, {"version": "1.9"}, "downgraded", "major"),
        (
            {"version": "1.0.0", "build": "h1_0"},
            {"version": "1.0.1", "build": "h2_0"},
            "upgraded",
            "patch",
        ),
        ({"build": "h1_0"}, {"build": "h1_1"}, "rebuilt", "build"),
        ({"source": "conda-forge"}, {"source": "main"}, "moved", "build"),
        (
            {"files": (PackageFile("a-1.conda", SHA[:1]),)},
            {"files": (PackageFile("a-1.conda", SHA[1:2]),)},
            "rebuilt",
            "build",
        ),
    ],
)
def test_kinds(old: dict[str, Any], new: dict[str, Any], kind: str, step: str) -> None:
    change = the(diff(lock(locked("a", **old)), lock(locked("a", **new))))
    assert (change.kind, change.step) == (kind, step)
    assert change.altered is ("files" in old)


def test_added_and_removed() -> None:
    result = diff(lock(locked("a"), locked("b")), lock(locked("b"), locked("c", manager="pip")))
    assert [(c.kind, c.manager, c.name, c.old, c.new) for c in result.changes] == [
        ("added", "pip", "c", (), ("1.0",)),
        ("removed", "conda", "a", ("1.0",), ()),
    ]
    assert result.kept == 1
    assert result.counts[LINUX] == dict.fromkeys(KINDS, 0) | {"added": 1, "removed": 1, KEPT: 1}


def npm(*versions: str) -> Lock:
    return lock(*(locked("semver", version, "npm") for version in versions), scope=Scope())


@pytest.mark.parametrize(
    ("old", "new", "kind", "gone", "came", "stays"),
    [
        (["5.7.2", "7.3.0"], ["5.7.2", "7.6.0"], "upgraded", ("7.3.0",), ("7.6.0",), ("5.7.2",)),
        (["5.7.2"], ["5.7.2", "7.6.0"], "upgraded", (), ("7.6.0",), ("5.7.2",)),
        (["5.7.2", "7.6.0"], ["5.7.2"], "downgraded", ("7.6.0",), (), ("5.7.2",)),
        (["5.7.2", "7.6.0"], ["7.6.0"], "changed", ("5.7.2",), (), ("7.6.0",)),
        (
            ["9.0.0", "10.0.0"],
            ["9.0.1", "10.0.1"],
            "upgraded",
            ("9.0.0", "10.0.0"),
            ("9.0.1", "10.0.1"),
            (),
        ),
        (["1.0.0"], ["not a version"], "changed", ("1.0.0",), ("not a version",), ()),
    ],
)
def test_several_versions_of_a_name_are_compared_as_sets(
    old: list[str], new: list[str], kind: str, gone: tuple[str], came: tuple[str], stays: tuple[str]
) -> None:
    change = the(diff(npm(*old), npm(*new)))
    assert (change.kind, change.old, change.new, change.stays) == (kind, gone, came, stays)


def files(*named: tuple[str, str]) -> tuple[PackageFile, ...]:
    return tuple(PackageFile(name, (each,)) for name, each in named)


@pytest.mark.parametrize(
    ("old", "new", "differs", "altered"),
    [
        (files(("a.whl", SHA[1])), files(("a.whl", SHA[2])), True, True),
        (files(("a.whl", SHA[1])), files(("a.whl", SHA[1]), ("b.whl", SHA[2])), True, False),
        (
            files(("a.whl", SHA[1]), ("b.whl", SHA[2])),
            files(("a.whl", SHA[1]), ("b.whl", SHA[3])),
            True,
            True,
        ),
        (files(("a.whl", SHA[1])), files(("b.whl", SHA[2])), True, False),
        (files(("", SHA[1])), files(("", SHA[2])), True, True),
        (files(("", SHA[1]), ("", SHA[2])), files(("", SHA[2])), True, False),
        (files(("", SHA[1]), ("", SHA[2])), files(("", SHA[2]), ("", SHA[3])), True, True),
        (files(("a.tgz", SHA[1])), files(("a.tgz", SHA[1]), ("a.tgz", SHA[2])), True, True),
        (files(("", SHA[1])), files(("a.whl", SHA[1]), ("b.whl", SHA[2])), True, False),
        (files(("", SHA[1])), files(("a.whl", SHA[3]), ("b.whl", SHA[2])), True, True),
        (files(("a.whl", "md5:12")), files(("a.whl", SHA[1])), False, False),
        ((PackageFile("a", ("md5:1", SHA[1])),), (PackageFile("a", (SHA[1],)),), False, False),
        (
            (PackageFile("a", ("md5:1", SHA[1])),),
            (PackageFile("a", ("md5:1", SHA[2])),),
            True,
            True,
        ),
        ((), files(("a.whl", SHA[1])), False, False),
    ],
)
def test_only_signs_of_tampering_are_altered(
    old: tuple[PackageFile, ...], new: tuple[PackageFile, ...], differs: bool, altered: bool
) -> None:
    result = diff(
        lock(locked("a", "1.0", "pip", files=old)), lock(locked("a", "1.0", "pip", files=new))
    )
    assert bool(result.changes) is differs
    assert any(change.altered for change in result.changes) is altered


def test_a_changed_hash_beside_another_version_is_altered() -> None:
    old = lock(locked("a", "1.0.0", "npm", files=files(("", SHA[1]))), locked("a", "2.0.0", "npm"))
    new = lock(locked("a", "1.0.0", "npm", files=files(("", SHA[2]))), locked("a", "2.1.0", "npm"))
    change = the(diff(old, new))
    assert (change.kind, change.altered, change.stays) == ("upgraded", True, ("1.0.0",))


def test_equal_changes_on_all_platforms_are_merged() -> None:
    old = {
        "linux-64": [locked("a", "1", build="l0"), locked("b")],
        "osx-64": [locked("a", "1", build="m0")],
    }
    new = {
        "linux-64": [locked("a", "2", build="l1"), locked("b", "2")],
        "osx-64": [locked("a", "2", build="m1")],
    }
    a, b = diff(by_platform(**old), by_platform(**new)).changes
    assert (a.name, a.everywhere, [where.scope for where in a.where]) == ("a", True, [LINUX, MAC])
    assert a.where[0] == Occurrence(LINUX, (Variant("1", "l0"),), (Variant("2", "l1"),))
    assert (b.name, b.everywhere) == ("b", True)


def test_different_changes_on_platforms_are_separate() -> None:
    old = by_platform(**{"linux-64": [locked("a", "1")], "osx-64": [locked("a", "1")]})
    new = by_platform(**{"linux-64": [locked("a", "2")], "osx-64": [locked("a", "3")]})
    assert [(c.new, c.everywhere, c.where[0].scope) for c in diff(old, new).changes] == [
        (("2",), False, LINUX), (("3",), False, MAC),
    ]  # fmt: skip


def test_an_added_platform_is_one_fact() -> None:
    old = by_platform(**{"linux-64": [locked("a")]})
    new = by_platform(**{"linux-64": [locked("a")], "osx-64": [locked("a"), locked("b")]})
    result = diff(old, new)
    assert result.changes == ()
    assert [(fact.kind, fact.name, fact.old, fact.new) for fact in result.facts] == [
        ("platform", "osx-64", "", "2 packages")
    ]
    assert result.counts[MAC]["added"] == 2
    assert result.suggestion.step == "minor"


def test_unnamed_scopes_match_named_ones() -> None:
    old = lock(locked("a", "1"), scope=Scope("", "linux-64"))
    assert (
        the(diff(old, lock(locked("a", "2"), scope=Scope("default", "linux-64")))).kind
        == "upgraded"
    )
    assert the(diff(old, lock(locked("a", "2"), scope=Scope()))).where[0].scope == LINUX


@pytest.mark.parametrize(
    ("one", "other"), [(LINUX, MAC), (Scope("a", "linux-64"), Scope("b", "linux-64"))]
)
def test_different_names_of_scopes_never_match(one: Scope, other: Scope) -> None:
    result = diff(lock(locked("a", "1"), scope=one), lock(locked("a", "2"), scope=other))
    assert result.changes == ()
    assert [(fact.old, fact.new) for fact in result.facts].count(("1 package", "")) == 1
    assert result.suggestion.step == "major"
    assert matches_any(result, ("removed",))
    assert matches_any(result, ("added",))


def test_packages_that_lose_their_hashes_are_reported() -> None:
    hashed = lock(*(locked(name, files=files(("f", SHA[1]))) for name in "abcdefg"))
    plain = lock(*(locked(name) for name in "abcdefg"))
    (fact,) = diff(hashed, plain).facts
    assert (fact.kind, fact.name, fact.old) == (
        "hashes", "no longer in the lock", "conda a, conda b, conda c, conda d, conda e and 2 more",
    )  # fmt: skip
    assert matches_any(diff(hashed, plain), ("any",))
    assert diff(plain, hashed).facts[0].name == "now in the lock"


def test_scopes_are_aligned_before_a_filter_selects_an_image() -> None:
    whole = (
        lock(locked("a", "1"), scope=Scope("", "linux-64")),
        lock(locked("a", "2"), scope=Scope("base", "linux-64")),
    )
    old, new = (restrict_lock(side, images=("base",)) for side in align_scopes(*whole))
    assert the(diff(old, new)).kind == "upgraded"
    assert restrict_lock(lock(facts={"tool": {"uv": "1"}}), managers=("pip",)).facts == {}


def test_forks_of_a_python_package_have_no_size() -> None:
    old = lock(locked("a", "1", "pip", size=10))
    new = lock(locked("a", "2", "pip", size=10), locked("a", "3", "pip", size=12))
    assert the(diff(old, new)).grown is None


def test_the_minor_number_of_python_is_a_major_step() -> None:
    old, new = (
        lock(release="1.0.0", facts={"python": {"debian": version}})
        for version in ("3.12.0", "3.13.0")
    )
    assert diff(old, new).suggestion.release == "2.0.0"


def test_chains_start_at_a_direct_requirement() -> None:
    before = [
        locked("top", direct=True, requires=("mid", "other")),
        locked("mid", direct=False, requires=("leaf",)),
        locked("other", direct=False), locked("leaf", "1", direct=False),
    ]  # fmt: skip
    after = [*before[:3], locked("leaf", "2", direct=False)]
    change = the(diff(lock(*before), lock(*after)))
    assert (change.direct, change.why) == (False, ("top", "mid", "leaf"))


def test_packages_that_no_other_requires_are_direct_if_unknown() -> None:
    old = lock(locked("top", requires=("leaf",)), locked("leaf", "1"))
    new = lock(locked("top", "2.0", requires=("leaf",)), locked("leaf", "2"))
    leaf, top = diff(old, new).changes
    assert (top.name, top.direct, top.guessed, top.why) == ("top", True, True, ("top",))
    assert (leaf.direct, leaf.guessed, leaf.why) == (False, True, ("top", "leaf"))


def test_without_requests_runtimes_come_first_and_then_packages_with_many_dependents() -> None:
    def side(version: str) -> list[PackageEntry]:
        return [
            locked("app", version, requires=("python", "mid")),
            locked("mid", version, requires=("low", "python")),
            locked("low", version, requires=("lowest",)),
            locked("lowest", version, requires=("low",)),  # a cycle
            locked("python", version),
        ]

    result = diff(lock(*side("1.0")), lock(*side("1.1")))
    assert [(change.name, change.dependents) for change in result.changes] == [
        ("python", 2), ("low", 3), ("lowest", 3), ("mid", 1), ("app", 0),
    ]  # fmt: skip
    requested = locked("app", "1.0", direct=True), locked("app", "1.1", direct=True)
    old, new = (lock(*side(each.version)[1:], each) for each in requested)
    change = diff(old, new).changes[0]
    assert (change.name, change.direct, change.guessed) == ("app", True, False)


def test_large_locks_count_direct_dependents_only() -> None:
    chain = [locked(f"p{n}", "1", requires=(f"p{n + 1}",)) for n in range(MAX_TRANSITIVE + 1)]
    old = lock(*chain, locked(f"p{MAX_TRANSITIVE + 1}", "1"))
    new = lock(*chain, locked(f"p{MAX_TRANSITIVE + 1}", "2"))
    assert the(diff(old, new)).dependents == 1


def test_a_lock_without_dependencies_has_no_chains() -> None:
    change = the(diff(lock(locked("a", "1")), lock(locked("a", "2"))))
    assert (change.direct, change.why) == (False, ())


def test_a_conda_package_may_require_one_of_pip() -> None:
    old = lock(locked("top", requires=("leaf",)), locked("leaf", "1", "pip"))
    new = lock(locked("top", requires=("leaf",)), locked("leaf", "2", "pip"))
    assert the(diff(old, new)).why == ("top", "leaf")


def test_bytes_and_licences() -> None:
    change = the(
        diff(
            lock(locked("a", "1", size=10, licence="MIT")),
            lock(locked("a", "2", size=25, licence="BSD")),
        )
    )
    assert (change.grown, change.licences) == (15, ("MIT", "BSD"))
    change = the(diff(lock(locked("a", "1", size=10)), lock(locked("a", "2", licence="BSD"))))
    assert (change.grown, change.licences) == (None, None)


def test_facts_of_kinds_that_both_sides_have() -> None:
    old = lock(facts={"tool": {"uv": "1", "npm": "1"}, "channel": {"main": "x"}})
    new = lock(facts={"tool": {"uv": "2", "apt": "3"}})
    assert [(fact.name, fact.old, fact.new) for fact in diff(old, new).facts] == [
        ("apt", "", "3"), ("npm", "1", ""), ("uv", "1", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "old", "new", "step", "suggested"),
    [
        ("1.2.3", [locked("a", "1.0", direct=True)], [], "major", "2.0.0"),
        ("0.2.3", [locked("a", "1.0", direct=True)], [], "minor", "0.3.0"),
        (
            "1.2.3",
            [locked("a", "1.0", direct=True)],
            [locked("a", "2.0", direct=True)],
            "major",
            "2.0.0",
        ),
        (
            "1.2.3",
            [locked("a", "1.0", direct=False)],
            [locked("a", "2.0", direct=False)],
            "minor",
            "1.3.0",
        ),
        (
            "1.2.3",
            [locked("a", "1.0", direct=True)],
            [locked("a", "1.1", direct=True)],
            "minor",
            "1.3.0",
        ),
        (
            "1.2.3",
            [locked("a", "1.0", direct=False)],
            [locked("a", "1.1", direct=False)],
            "patch",
            "1.2.4",
        ),
        (
            "1.2.3",
            [locked("a", "1.1", direct=False)],
            [locked("a", "1.0", direct=False)],
            "minor",
            "1.3.0",
        ),
        (
            "1.2.3",
            [locked("python", "3.12.1", direct=True)],
            [locked("python", "3.13.0", direct=True)],
            "major",
            "2.0.0",
        ),
        ("1.2.3", [], [locked("a", direct=False)], "minor", "1.3.0"),
        ("1.2.3", [locked("a", build="0")], [locked("a", build="1")], "patch", "1.2.4"),
        ("", [locked("a", build="0")], [locked("a", build="1")], "patch", ""),
        ("1.2.3", [locked("a")], [locked("a")], "", ""),
    ],
)
def test_the_suggested_release(
    release: str, old: list[PackageEntry], new: list[PackageEntry], step: str, suggested: str
) -> None:
    result = diff(lock(*old, release=release), lock(*new)).suggestion
    assert (result.step, result.release) == (step, suggested)


def test_filters() -> None:
    old = lock(
        locked("a", "1", direct=True),
        locked("b", "1", "pip", direct=False),
        locked("c", direct=False),
    )
    new = lock(locked("a", "2", direct=True), locked("b", "2", "pip", direct=False))
    direct = filter_changes(diff(old, new), direct=True)
    assert [c.name for c in direct.changes] == ["a"]
    assert direct.left_out == 2
    assert filter_changes(diff(old, new)) == diff(old, new)
    assert [c.name for c in filter_changes(diff(old, new), kinds=("removed",)).changes] == ["c"]
    assert [
        c.name
        for c in diff(
            restrict_lock(old, managers=("pip",)), restrict_lock(new, managers=("pip",))
        ).changes
    ] == ["b"]
    assert restrict_lock(old, platforms=("osx-64",)).packages == {}


def test_failures() -> None:
    result = diff(lock(locked("a", "1.0")), lock(locked("a", "1.1")))
    assert matches_any(result, ("any",))
    assert not matches_any(result, ("major", "added", "removed", "downgraded", "moved", "rebuilt"))
    assert matches_any(diff(lock(locked("a", "1.0")), lock(locked("a", "2.0"))), ("major",))
    altered = diff(
        lock(locked("a", files=files(("", SHA[1])))), lock(locked("a", files=files(("", SHA[2]))))
    )
    assert matches_any(altered, ("added",))
    assert not matches_any(diff(lock(), lock()), ("any",))
