"""The report of orbiter lock: counts, and changes of direct requirements."""

from orbiter.locking.changes import ManagerChanges, report

ROW = ManagerChanges(
    builder="debian",
    manager="npm",
    count=4,
    added={"is-number": ("6.0.0", "7.0.0"), "kind-of": ("6.0.3",)},
    removed={"left-pad": ("1.3.0",)},
    changed={"canvas": (("2.11.2",), ("3.2.3",))},
)


def test_versions_are_counted_and_only_direct_requirements_get_a_line() -> None:
    text = report((ROW,), {("debian", "npm"): frozenset({"canvas", "kind-of", "left-pad"})})
    assert text.splitlines() == [
        "debian npm      4 packages: 3 added, 1 removed, 1 changed",
        "    + kind-of 6.0.3",
        "    - left-pad 1.3.0",
        "    ~ canvas 2.11.2 -> 3.2.3",
    ]


def test_unchanged_packages_are_one_line() -> None:
    row = ManagerChanges(builder="debian", manager="apt", count=9, added={}, removed={}, changed={})
    assert report((row,), {}) == "debian apt      9 packages: unchanged"
