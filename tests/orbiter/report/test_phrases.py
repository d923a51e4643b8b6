"""Phrases that all reports share."""

import pytest
from msgspec.structs import replace

from orbiter import sizes
from orbiter.diff.types import Change, Diff, Occurrence, Side, Suggestion, Variant
from orbiter.lockfiles.types import Scope
from orbiter.report import chains, phrases
from orbiter.report.sections import sections
from tests.support.diff_samples import (
    ALTERED,
    ARM,
    EMPTY,
    FACTS,
    LINUX,
    MAC,
    PLACES,
    SMALL,
    change,
    counted,
    many,
)

WIN = Scope("", "win-64")


@pytest.mark.parametrize(
    ("grown", "expected"),
    [
        (None, ""),
        (0, ""),
        (1, "+1 B"),
        (-999, "-999 B"),
        (1000, "+1.0 kB"),
        (999_949, "+999.9 kB"),
        (999_950, "+1.0 MB"),
        (-12_345_678, "-12.3 MB"),
        (5_000_000_000_000_000, "+5000.0 TB"),
    ],
)
def test_sizes_have_a_sign_and_a_unit(grown: int | None, expected: str) -> None:
    assert sizes.format_size_change(grown) == expected


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([LINUX], "linux-64 only"),
        ([LINUX, ARM], "linux-64, linux-aarch64 only"),
        ([LINUX, ARM, MAC], "not on win-64"),
        ([LINUX, ARM, MAC, WIN], ""),
    ],
)
def test_the_scopes_of_a_change(scopes: list[Scope], expected: str) -> None:
    some = change("some", "added", "", "1", scopes=scopes, everywhere=not expected)
    diff = replace(EMPTY, changes=(some,), counts=counted(LINUX, ARM, MAC, WIN))
    assert phrases.scopes_of(diff)(some) == expected


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["a x"], "a on x only"),
        (["a x", "a y"], "a only"),
        (["a x", "b x", "c x", "d x", "e x"], "x only"),
        (["b x", "b y", "c x", "c y", "d x", "d y", "e x", "e y"], "not in a"),
        (["a x", "b y"], "a x, b y only"),
        (["a x", "b y", "c x", "d x"], "4 of 10 places"),
        (["a x", "b x", "c x", "d x"], "not in e, x only"),
    ],
)
def test_images_and_platforms(scopes: list[str], expected: str) -> None:
    every = [Scope(environment, platform) for environment in "abcde" for platform in "xy"]
    some = change(
        "some",
        "added",
        "",
        "1",
        scopes=[Scope(*place.split()) for place in scopes],
        everywhere=False,
    )
    diff = replace(EMPTY, changes=(some,), counts=counted(*every))
    assert phrases.scopes_of(diff)(some) == expected


def test_an_added_scope_does_not_count_as_unchanged() -> None:
    some = change("some", "added", "", "1", scopes=[LINUX, ARM], everywhere=False)
    diff = replace(
        EMPTY, changes=(some,), counts={**counted(LINUX, ARM), MAC: {"added": 100, "kept": 0}}
    )
    assert phrases.scopes_of(diff)(some) == ""


def test_a_long_chain_keeps_its_ends() -> None:
    assert chains.chain(change("d", "added", why=("a", "b", "c", "d"))) == "via a > b > c"
    assert chains.chain(change("e", "added", why=("a", "b", "c", "d", "e"))) == "via a > … > d"
    assert chains.chain(change("a", "added", why=("a",))) == ""


def test_packages_and_changes_are_counted() -> None:
    assert phrases.tally(PLACES) == {"added": 2, "upgraded": 1, "rebuilt": 1}
    assert sections(PLACES)[1].title == "Upgraded (1 package in 2 changes)"


@pytest.mark.parametrize("diff", [SMALL, ALTERED, PLACES, FACTS, EMPTY, many(700)])
def test_sections_contain_every_change_once(diff: Diff) -> None:
    listed = [change for section in sections(diff) for change in section.changes]
    assert sorted(map(repr, listed)) == sorted(map(repr, diff.changes))


def test_the_largest_steps_come_first() -> None:
    steps = [
        change.step
        for section in sections(many(700))
        for change in section.changes
        if section.key == "upgraded"
    ]
    assert steps == sorted(steps, key=phrases.STEPS.index)


@pytest.mark.parametrize(
    ("suggested", "expected"),
    [
        (Suggestion(), "no new release is needed: nothing changed"),
        (Suggestion(step="patch", release="0.1.1"), "suggested release: 0.1.1 (patch)"),
        (
            Suggestion(step="major", reason="python 3.12 → 3.13"),
            "suggested step: major (python 3.12 → 3.13)",
        ),
    ],
)
def test_suggestions(suggested: Suggestion, expected: str) -> None:
    assert phrases.suggestion(suggested) == expected


def test_sides_of_the_same_release_have_their_names_as_title() -> None:
    same = replace(SMALL, old=replace(SMALL.old, name="locks/0.2.0", release="0.2.0"))
    assert phrases.title(same) == "locks/0.2.0 → 0.2.0"


def test_unprintable_characters_are_replaced() -> None:
    assert phrases.printable("a\x1b[31m\n\u202eb\ud800→é") == "a�[31m��b�→é"


def test_digests_are_short() -> None:
    assert phrases.shorten_digests(f"sha256:{'ab' * 32}") == "ab" * 6
    assert phrases.shorten_digests("cd" * 32) == "cd" * 6
    assert phrases.shorten_digests("uv 0.8.0") == "uv 0.8.0"


def test_a_rebuilt_package_has_its_builds_if_they_are_equal_in_all_scopes() -> None:
    builds = [("h1", "h2"), ("h3", "h4")]
    wheres = [
        Occurrence(place, (Variant("1", old),), (Variant("1", new),))
        for place, (old, new) in zip((LINUX, MAC), builds, strict=True)
    ]
    one = Change(
        manager="conda", name="x", kind="rebuilt", old=("1",), new=("1",), where=(wheres[0],)
    )
    assert phrases.versions(one) == ("1 h1", "h2")
    two = replace(one, where=tuple(wheres))
    assert phrases.versions(two) == ("1", "other builds")
    assert phrases.by_scope(two) == ["linux-64: h1 → h2", "osx-64: h3 → h4"]


def test_a_command_is_quoted_for_a_shell() -> None:
    assert phrases.command(many(1), "--all") == (
        "orbiter diff-locks 'old folder/conda-lock.yml' 'new folder/conda-lock.yml' --all"
    )


@pytest.mark.parametrize(("altered", "expected"), [(True, "other hash"), (False, "other files")])
def test_other_files_on_several_platforms_are_not_other_builds(
    altered: bool, expected: str
) -> None:
    where = tuple(
        Occurrence(p, (Variant("1.0", b),), (Variant("1.0", b),))
        for p, b in ((LINUX, "l_0"), (MAC, "m_0"))
    )
    rebuilt = Change(
        manager="conda",
        name="a",
        kind="rebuilt",
        old=("1.0",),
        new=("1.0",),
        where=where,
        altered=altered,
    )
    assert phrases.versions(rebuilt) == ("1.0", expected)
    assert phrases.by_scope(rebuilt) == ["linux-64", "osx-64"]


@pytest.mark.parametrize("width", [1, 18, 24, 30, 40, 80])
@pytest.mark.parametrize("number", range(1, 12))
def test_a_chain_is_shortened_in_the_middle(number: int, width: int) -> None:
    names = [f"package-{each}" for each in range(number)]
    short = chains.shorten_chain("via " + " > ".join(names), width)
    assert len(short) <= max(width, len(f"via package-0 > … > {names[-1]}"))
    assert short.startswith("via package-0")
    assert short.endswith(names[-1])


@pytest.mark.parametrize(
    ("new", "unsized", "expected"),
    [
        (1_500_000, 0, "download: 1.0 MB → 1.5 MB (+500.0 kB)"),
        (1_000_000, 0, "download: 1.0 MB → 1.0 MB"),
        # New files may be among those of unknown size, so nothing is said about the growth.
        (1_000_000, 2, "download: 1.0 MB → 1.0 MB, without 2 files of unknown size"),
    ],
)
def test_the_total_download_of_lock_sets(new: int, unsized: int, expected: str) -> None:
    old_side = Side(name="0.1.0", format="lock set 1", download=1_000_000)
    new_side = Side(name="0.2.0", format="lock set 1", download=new, unsized=unsized)
    assert phrases.download(Diff(old=old_side, new=new_side)) == expected
