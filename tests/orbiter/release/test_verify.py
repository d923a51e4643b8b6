"""Comparison of images with a release: the first difference, its file, and its cause."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.lockset.record import RecordedBuilder, RecordedImage, RecordedLayer
from orbiter.release.causes import compressions, likely_cause
from orbiter.release.entries import (
    EntryChange,
    EntryDifference,
    first_difference,
    format_difference,
)
from orbiter.release.layers import ListedEntry
from orbiter.release.verify import LayerReader, compare_images, difference_kind

OLD = RecordedBuilder(engine="26.1.5", compression="zstandard 0.25.0, level 12")
NEW = RecordedBuilder(buildkit="v0.25.1", compression="zstandard 0.26.0, level 12")
SAME = (OLD, replace(OLD, buildx="0.29.0"))
VERSIONS = "released with the BuildKit of Engine 26.1.5, built now with BuildKit v0.25.1"


def sha(word: str) -> str:
    return f"sha256:{word:0>64}"


def image(*layers: str, digest: str = "1", config: str = "c", packed: str = "") -> RecordedImage:
    found = tuple(
        RecordedLayer(diff_id=sha(name), digest=sha(name + packed), size=2_500_000)
        for name in layers
    )
    return RecordedImage(digest=sha(digest), config=sha(config), layers=found)


def entry(path: str, content: str = "") -> ListedEntry:
    return ListedEntry(path, f"{content or path:0>6}"[:6])


def lines(*entries: ListedEntry) -> list[str]:
    return [entry.line for entry in entries]


A, B, C, D = (entry(path) for path in "abcd")


@pytest.mark.parametrize(
    ("built", "kind"),
    [
        (image("a", "b"), "same"),
        (image("a", "b", digest="2", packed="0"), "compression"),
        (image("a", "c", digest="2"), "layer"),
        (image("a", digest="2"), "layer"),
        (image("a", "b", digest="2", config="d"), "configuration"),
        (image("a", "b", digest="2", config="d", packed="0"), "configuration"),
        (image("a", "b", digest="2"), "record"),  # nothing but the digest of it all
        (image("a", "c"), "record"),  # the digest of it all is the same
        (image("a", "b", config="d"), "record"),
        (image("a", "b", packed="0"), "record"),
    ],
)
def test_the_kind_of_the_first_difference(built: RecordedImage, kind: str) -> None:
    assert difference_kind(image("a", "b"), built) == kind


@pytest.mark.parametrize(
    ("released", "built", "path", "change"),
    [
        ([A, B, C], [A, D, C], "d", "changed"),
        ([A, C], [A, B, C], "b", "added"),
        ([A], [A, B], "b", "added"),
        ([A, B, C], [A, C], "c", "missing"),
        ([A, B], [A], "", "missing"),
        ([A, C], [A, B, D, C], "b", "added"),
        ([], [A], "a", "added"),
    ],
)
def test_the_first_file(
    released: list[ListedEntry], built: list[ListedEntry], path: str, change: EntryChange
) -> None:
    assert first_difference(lines(*released), built) == EntryDifference(path=path, change=change)


@given(
    st.lists(st.sampled_from([A, B, C, D])),
    st.lists(st.sampled_from([A, B, C, D])),
)
def test_only_equal_lists_have_no_first_file(
    released: list[ListedEntry], built: list[ListedEntry]
) -> None:
    assert (first_difference(lines(*released), built) is None) == (
        lines(*released) == lines(*built)
    )
    assert first_difference(lines(*built), built) is None


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("./usr/lib/python3/__pycache__/a.cpython-313.pyc", "byte-code"),
        ("usr/lib/python3/a.pyc", "byte-code"),
        ("opt/env/build.log", "log"),
        ("opt/env/build.log.1", "log"),
        ("var/cache/ldconfig/aux-cache", "cache"),
        ("home/jovyan/.cache/x", "cache"),
        ("etc/ld.so.cache", "cache"),
        ("etc/machine-id", "package script"),
        ("var/lib/dpkg/status", "package script"),
        ("opt/env/bin/tool", "a step of the stage"),
        ("opt/catalog", "a step of the stage"),
    ],
)
def test_the_likely_cause(path: str, cause: str) -> None:
    assert likely_cause(path).startswith(cause)


def layer_reader(recorded: Sequence[str] | None, built: Sequence[ListedEntry]) -> LayerReader:
    """Return a reader that has these lines and entries for every layer."""
    return LayerReader(recorded=lambda _: recorded, built=lambda _: built)


def why(
    released: RecordedImage,
    built: RecordedImage,
    recorded: Sequence[str] | None,
    entries: Sequence[ListedEntry],
    other: bool = False,
) -> tuple[str, ...]:
    """Return the explanation of a difference; ``other`` means that the builders differ."""
    builders = (OLD, NEW) if other else SAME
    return compare_images(released, built, builders, layer_reader(recorded, entries))[1]


def test_a_differing_layer_is_reported_with_its_first_file() -> None:
    log = entry("./opt/x.log", "other")
    assert why(image("a", "b"), image("a", "c", digest="2"), lines(A, B), [A, log]) == (
        "layer 2 of 2 (2.5 MB) is the first that differs",
        "first file: /opt/x.log: its content, owner, mode or name differs",
        "likely cause: log: a step wrote it, and it contains the time or a name",
    )


def test_another_builder_is_reported_beside_the_cause() -> None:
    tool = entry("opt/tool")
    assert why(image("a"), image("c", digest="2"), lines(A), [tool], other=True)[1:] == (
        "first file: /opt/tool: its content, owner, mode or name differs",
        "likely cause: a step of the stage that writes other bytes each time",
        VERSIONS,
    )


def test_missing_and_additional_layers() -> None:
    released, more = image("a"), image("a", "b", digest="2")
    assert why(more, replace(released, digest=sha("3")), [], []) == (
        "layer 2 of 2 of the release is missing",
    )
    assert why(released, more, None, [entry("etc/x")]) == (
        "layer 2 of 2 (2.5 MB) is the first that differs",
        "first file: /etc/x: the release does not have it",
        "likely cause: package script: scripts of packages or a step wrote it",
    )


def test_a_differing_layer_without_a_list() -> None:
    assert why(image("a"), image("b", digest="2"), None, [A]) == (
        "layer 1 of 1 (2.5 MB) is the first that differs: the release has no record of it",
        "likely cause: the record itself was changed",
    )


def test_a_differing_layer_with_equal_files() -> None:
    released, built = image("a"), image("b", digest="2")
    for builders in (SAME, (OLD, NEW)):
        kind, why_lines = compare_images(released, built, builders, layer_reader(lines(A), [A]))
        assert (kind, why_lines[1:]) == (
            "record",
            ("likely cause: the record itself was changed: every file is as released",),
        )


def test_compression_names_both_libraries() -> None:
    (_, versions) = why(image("a"), image("a", digest="2", packed="0"), None, [], other=True)
    assert versions == (
        "released with zstandard 0.25.0, level 12, compressed now with zstandard 0.26.0, level 12"
    )
    unknown = compressions((RecordedBuilder(), NEW))
    assert unknown.startswith("released with an unknown library, compressed now with zstandard")


def test_a_differing_configuration_with_equal_layers() -> None:
    explanation = why(image("a"), image("a", digest="2", config="d"), None, [])
    assert explanation[0].startswith(
        "all 1 layers are equal, but the configuration is not: labels, environment, command"
    )
    other = why(image("a"), image("a", digest="2", config="d"), None, [], other=True)
    assert other == (*explanation, VERSIONS)


def test_a_difference_for_people() -> None:
    added = EntryDifference(path="./a", change="added")
    assert format_difference(added) == "/a: the release does not have it"
    assert format_difference(EntryDifference(path="a", change="missing")).startswith(
        "/a: the release has another file before it"
    )
    assert (
        format_difference(EntryDifference(path="", change="missing"))
        == "an entry is missing at the end"
    )
