"""Was what is released built? What differs first, in which file, and why."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orbiter.lockset.record import RecordedBuilder, RecordedImage, RecordedLayer
from orbiter.release.layers import LayerEntry
from orbiter.release.verify import (
    EntryChange,
    EntryDifference,
    compare_images,
    difference_kind,
    first_difference,
    format_difference,
    likely_cause,
)

OLD, NEW = RecordedBuilder(engine="26.1.5"), RecordedBuilder(buildkit="v0.25.1")
SAME = (OLD, replace(OLD, buildx="0.29.0"))


def sha(word: str) -> str:
    return f"sha256:{word:0>64}"


def image(*layers: str, digest: str = "1", config: str = "c", packed: str = "") -> RecordedImage:
    found = tuple(
        RecordedLayer(diff_id=sha(name), digest=sha(name + packed), size=2_500_000)
        for name in layers
    )
    return RecordedImage(digest=sha(digest), config=sha(config), layers=found)


def entry(path: str, what: str = "", time: str = "000") -> LayerEntry:
    return LayerEntry(path, f"{what or path:0>6}"[:6] + time)


def lines(*entries: LayerEntry) -> list[str]:
    return [each.line for each in entries]


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
def test_what_the_first_difference_is_in(built: RecordedImage, kind: str) -> None:
    assert difference_kind(image("a", "b"), built) == kind


@pytest.mark.parametrize(
    ("released", "built", "path", "what"),
    [
        ([A, B, C], [A, D, C], "d", "changed"),
        ([A, C], [A, B, C], "b", "added"),
        ([A], [A, B], "b", "added"),
        ([A, B, C], [A, C], "c", "missing"),
        ([A, B], [A], "", "missing"),
        ([A, C], [A, B, D, C], "b", "added"),
        ([A, B], [A, entry("b", time="111")], "b", "time"),
        (
            [A, B, C],
            [entry("a", time="111"), D, C],
            "d",
            "changed",
        ),  # more than the time comes first
        ([], [A], "a", "added"),
    ],
)
def test_the_first_file(
    released: list[LayerEntry], built: list[LayerEntry], path: str, what: EntryChange
) -> None:
    assert first_difference(lines(*released), built) == EntryDifference(path=path, what=what)


@given(
    st.lists(st.sampled_from([A, B, C, D, entry("a", time="111")])),
    st.lists(st.sampled_from([A, B, C, D])),
)
def test_only_equal_lists_have_no_first_file(
    released: list[LayerEntry], built: list[LayerEntry]
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
        ("var/log/apt/term", "log"),
        ("opt/env/build.log", "log"),
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
    change = EntryDifference(path=path, what="changed")
    assert likely_cause(change, SAME).startswith(cause)
    assert likely_cause(EntryDifference(path=path, what="time"), SAME).startswith("time stamp")
    assert likely_cause(EntryDifference(path=path, what="time"), (OLD, NEW)).startswith(
        "builder version"
    )


def test_another_builder_is_named_where_the_path_says_nothing() -> None:
    cause = likely_cause(EntryDifference(path="opt/x", what="added"), (OLD, NEW))
    assert cause == (
        "builder version: it was released with the BuildKit of Engine 26.1.5, and built now with BuildKit v0.25.1"
    )


def why(
    released: RecordedImage,
    built: RecordedImage,
    before: Sequence[str] | None,
    now: Sequence[LayerEntry],
    other: bool = False,
) -> tuple[str, ...]:
    builders = (OLD, NEW) if other else SAME
    return compare_images(
        released, built, builders, recorded=lambda _: before, entries=lambda _: now
    )[1]


def test_a_layer_that_differs_is_told_with_its_first_file() -> None:
    log = entry("./var/log/x", "other")
    assert why(image("a", "b"), image("a", "c", digest="2"), lines(A, B), [A, log]) == (
        "layer 2 of 2 (2.5 MB) is the first that differs",
        "first file: /var/log/x: its content, owner, mode or name is another",
        "likely cause: log: a step wrote one, and it holds the time or a name",
    )
    assert why(image("a"), image("c", digest="2"), lines(A), [log], other=True)[-1].startswith(
        "it was released with"
    )


def test_layers_more_or_less() -> None:
    released, more = image("a"), image("a", "b", digest="2")
    assert why(more, replace(released, digest=sha("3")), [], []) == (
        "layer 2 of 2 of the release is missing",
    )
    assert why(released, more, [], [A])[0].startswith(
        "layer 2 of 2 (2.5 MB) is the first that differs: nothing is"
    )


def test_equal_files_in_a_layer_that_differs() -> None:
    released, built = image("a"), image("b", digest="2")
    kind, told = compare_images(
        released, built, SAME, recorded=lambda _: lines(A), entries=lambda _: [A]
    )
    assert (kind, told[1]) == (
        "record",
        "likely cause: the record itself was changed: every file is as it was released",
    )
    kind, told = compare_images(
        released, built, (OLD, NEW), recorded=lambda _: lines(A), entries=lambda _: [A]
    )
    assert kind == "layer"
    assert "builder version" in told[1]


def test_compression_names_both_builders() -> None:
    (_, told) = why(image("a"), image("a", digest="2", packed="0"), None, [], other=True)
    assert (
        told
        == "it was released with the BuildKit of Engine 26.1.5, and built now with BuildKit v0.25.1"
    )


def test_a_configuration_is_told_with_equal_layers() -> None:
    told = why(image("a"), image("a", digest="2", config="d"), None, [])
    assert told[0].startswith(
        "all 1 layers are equal, the configuration is not: labels, environment, command"
    )


def test_what_became_of_a_file_for_people() -> None:
    assert (
        format_difference(EntryDifference(path="./a", what="time"))
        == "/a: only its time is another"
    )
    assert format_difference(EntryDifference(path="a", what="missing")).startswith(
        "/a: the release has another file before it"
    )
    assert (
        format_difference(EntryDifference(path="", what="missing"))
        == "one behind the last is missing"
    )
