"""Properties that the comparison of any two locks has."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.diff.compare import diff
from orbiter.diff.types import KINDS, Diff
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

SHA = tuple(f"sha256:{digit * 64}" for digit in "012")

NAMES = st.sampled_from("abcdef")
PACKAGES = st.builds(
    PackageEntry,
    manager=st.sampled_from(["conda", "pip", "npm"]),
    name=NAMES,
    version=st.sampled_from(["1.0", "1.1", "2.0", "2.0.1", "odd version"]),
    build=st.sampled_from(["", "h0", "h1"]),
    source=st.sampled_from(["", "main"]),
    files=st.lists(
        st.builds(PackageFile, st.sampled_from(["", "f"]), st.tuples(st.sampled_from(SHA))),
        max_size=2,
    ).map(tuple),
    requires=st.lists(NAMES, max_size=2).map(tuple),
    direct=st.sampled_from([True, False, None]),
)
PLACES = st.builds(Scope, st.sampled_from(["", "base"]), st.sampled_from(["linux-64", "osx-64"]))
LOCKS = st.builds(
    Lock,
    name=st.just("a.lock"),
    format=st.just("test 1"),
    packages=st.dictionaries(PLACES, st.lists(PACKAGES, max_size=6).map(tuple), max_size=3),
    facts=st.dictionaries(
        st.just("tool"), st.dictionaries(NAMES, st.sampled_from(["1", "2"]), max_size=2), max_size=1
    ),
)
MIRROR = {
    "added": "removed",
    "removed": "added",
    "upgraded": "downgraded",
    "downgraded": "upgraded",
}


@given(LOCKS)
def test_a_lock_equals_itself(same: Lock) -> None:
    result = diff(same, same)
    assert (result.changes, result.facts, result.suggestion.step) == ((), (), "")
    assert result.kept == len(
        {(p.manager, p.name) for packages in same.packages.values() for p in packages}
    )


@given(LOCKS, LOCKS)
def test_the_reverse_comparison_is_a_mirror(one: Lock, other: Lock) -> None:
    def seen(result: Diff, *, mirrored: bool = False) -> set[object]:
        return {
            (
                MIRROR.get(c.kind, c.kind),
                c.manager,
                c.name,
                c.new,
                c.old,
                c.stays,
                c.altered,
                c.step,
            )
            if mirrored
            else (c.kind, c.manager, c.name, c.old, c.new, c.stays, c.altered, c.step)
            for c in result.changes
        }

    there, back = diff(one, other), diff(other, one)
    assert seen(there) == seen(back, mirrored=True)
    assert there.kept == back.kept
    assert {(f.kind, f.name, f.old, f.new) for f in there.facts if f.kind == "tool"} == {
        (f.kind, f.name, f.new, f.old) for f in back.facts if f.kind == "tool"
    }


@given(LOCKS, LOCKS)
def test_every_name_in_every_scope_counts_once(old: Lock, new: Lock) -> None:
    result = diff(old, new)
    names: dict[Scope, set[tuple[str, str]]] = {}
    for side in (old, new):
        for scope, packages in side.packages.items():
            names.setdefault(scope, set()).update((p.manager, p.name) for p in packages)
    # Without a common scope, scopes with different names may be compared.
    if old.packages.keys() & new.packages.keys():
        assert {scope: sum(counts.values()) for scope, counts in result.counts.items()} == {
            scope: len(all_) for scope, all_ in names.items()
        }
    lines = [
        (change.manager, change.name, where.scope)
        for change in result.changes
        for where in change.where
    ]
    assert len(lines) == len(set(lines))
    in_both = {scope for scope in result.counts if scope in old.packages and scope in new.packages}
    if in_both:
        changed = sum(result.counts[scope][kind] for scope in in_both for kind in KINDS)
        assert len(lines) == changed


@given(LOCKS, LOCKS)
def test_the_order_of_a_lock_does_not_matter(old: Lock, new: Lock) -> None:
    def turned(lock: Lock) -> Lock:
        return replace(
            lock,
            packages={
                scope: lock.packages[scope][::-1] for scope in sorted(lock.packages, reverse=True)
            },
        )

    assert diff(turned(old), turned(new)) == diff(old, new)
