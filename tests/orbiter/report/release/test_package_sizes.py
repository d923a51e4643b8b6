"""The sizes of packages, and of images over releases."""

from orbiter.lockfiles.types import PackageEntry, PackageFile, Scope
from orbiter.lockset.record import Digests, RecordedBuilder, RecordedImage, RecordedLayer
from orbiter.report.release.history import HistoryRow, PastRelease, histories
from orbiter.report.release.package_sizes import PackageSize, sizes_of, unknown_text

DIGEST = f"sha256:{'0' * 64}"


def entry(name: str, size: int, manager: str = "pip", files: int = 1) -> PackageEntry:
    names = (PackageFile(f"{name}-{number}.whl", (f"{name}:{number}",)) for number in range(files))
    return PackageEntry(manager=manager, name=name, version="1", files=tuple(names), size=size)


def test_the_store_adds_sizes_that_the_lock_lacks() -> None:
    stored = {"wheel:0": 30, "locked:0": 99}
    sizes = sizes_of([entry("locked", 20), entry("wheel", 0)], stored)
    assert sizes.packages == (
        PackageSize("pip", "wheel", "1", 30),
        PackageSize("pip", "locked", "1", 20),
    )
    assert (sizes.total, unknown_text(sizes)) == (50, "")


def test_unknown_sizes_are_counted_and_not_zero() -> None:
    entries = [entry("a", 0), entry("b", 0, "npm"), entry("c", 0, "npm"), entry("d", 5, "apt")]
    sizes = sizes_of(entries, {})
    assert unknown_text(sizes) == "2 of npm and 1 of pip"
    assert [package.name for package in sizes.packages] == ["d"]


def test_a_package_inside_another_one_has_no_size() -> None:
    sizes = sizes_of([entry("outer", 5, "npm"), entry("inner", 0, "npm", files=0)], {})
    assert (sizes.inside, sizes.unknown) == (1, {})


def test_only_the_largest_packages_are_single() -> None:
    entries = [entry(f"p{number}", number) for number in range(1, 6)] + [entry("deb", 1, "apt")]
    sizes = sizes_of(entries, {}, most=3)
    assert [(each.manager, each.name, each.size) for each in sizes.packages] == [
        ("pip", "p5", 5),
        ("pip", "p4", 4),
        ("pip", "p3", 3),
        ("pip", "2 other packages", 3),
        ("apt", "1 other package", 1),
    ]
    assert sizes.managers() == {"pip": 15, "apt": 1}


def past(release: str, **images: int) -> PastRelease:
    """Return a recorded release; each image has two layers."""
    recorded = {
        name: {
            "linux/amd64": RecordedImage(
                digest=DIGEST,
                config=DIGEST,
                layers=tuple(
                    RecordedLayer(diff_id=DIGEST, digest=DIGEST, size=part)
                    for part in (size - 100, 100)
                ),
            )
        }
        for name, size in images.items()
    }
    digests = Digests(
        release=release, lockset=DIGEST, builder=RecordedBuilder(), stages=recorded, lists={}
    )
    return PastRelease(release, "2026-11-30", digests)


SCOPES = (Scope("base", "linux/amd64"),)


def test_a_release_without_the_image_or_the_record_says_so() -> None:
    releases = [
        past("0.1.0", core=1000),
        past("0.2.0", base=4000),
        PastRelease("0.3.0", "2026-11-30", None),
        past("0.4.0", base=2000),
    ]
    (history,) = histories(releases, SCOPES)
    assert history.rows == (
        HistoryRow("0.1.0", "2026-11-30", "not in this release", "", 0),
        HistoryRow("0.2.0", "2026-11-30", "4.0 kB", "", 100),
        HistoryRow("0.3.0", "2026-11-30", "not recorded", "", 0),
        HistoryRow("0.4.0", "2026-11-30", "2.0 kB", "-2.0 kB", 50),
    )


def test_a_release_that_is_not_recorded_has_no_history() -> None:
    assert histories([past("0.1.0", base=1000), PastRelease("0.2.0", "", None)], SCOPES) == ()


def test_only_the_newest_releases_are_shown() -> None:
    releases = [past(f"0.{number}.0", base=1000) for number in range(30)]
    (history,) = histories(releases, SCOPES)
    assert [row.release for row in history.rows] == [f"0.{number}.0" for number in range(10, 30)]
