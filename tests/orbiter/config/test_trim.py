"""The keys ``trim`` and ``compression`` of images.toml."""

from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from orbiter.assembly.trim_rules import RULES
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.layer_keys import TRIM_RULES
from orbiter.config.mistakes import ConfigError, Mistake
from orbiter.config.read import read_image_set
from orbiter.config.snapshot import dump, load
from orbiter.lockset.inputs import LOCK_FILES, inputs_digest
from orbiter.lockset.model import BuilderFacts
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT, TESTS

IMAGES = """
TOP
version = "0.1.0"
repository = "example/notebooks"
sets.slim = ["tests", "docs"]

[builder.debian]
from = "debian:trixie-slim"

[image.debian.base]
TRIM

[image.debian.base.build]
apt = ["binutils"]
pip = ["numpy"]
"""
KNOWN = "one of debug-symbols, docs, duplicates, locales, other-platforms, source-maps, "
KNOWN += "static-libraries, tests, type-stubs"


def read(folder: Path, line: str, top: str = "") -> ImageSet:
    path = folder / "images.toml"
    path.write_text(IMAGES.replace("TRIM", line).replace("TOP", top), encoding="utf-8")
    return read_image_set(path)


def final_stage(image_set: ImageSet) -> Stage:
    (stage,) = (stage for stage in image_set.stages if stage.kind == "final")
    return stage


def mistake(folder: Path, line: str, top: str = "") -> Mistake:
    with pytest.raises(ConfigError) as caught:
        read(folder, line, top)
    (found,) = caught.value.mistakes
    return found


def test_the_rules_are_those_of_assembly_and_two_others() -> None:
    assert set(TRIM_RULES) == {*RULES, "debug-symbols", "duplicates"}
    assert list(TRIM_RULES) == sorted(TRIM_RULES)


def test_every_rule_is_described() -> None:
    page = (ROOT / "docs/how-to/trim.md").read_text(encoding="utf-8")
    sections = [line.removeprefix("### ") for line in page.splitlines() if line[:4] == "### "]
    assert sections == [f"`{rule}`" for rule in TRIM_RULES]


def test_rules_are_sorted_and_part_of_the_snapshot(tmp_path: Path) -> None:
    image_set = read(tmp_path, 'trim = ["source-maps", "@slim", "debug-symbols"]')
    rules = ("debug-symbols", "docs", "source-maps", "tests")
    assert final_stage(image_set).trim == rules
    assert load(dump(image_set)) == image_set


def test_every_rule_is_accepted(tmp_path: Path) -> None:
    image_set = read(tmp_path, f"trim = {list(TRIM_RULES)}")
    assert final_stage(image_set).trim == TRIM_RULES


def test_a_build_stage_has_no_rules(tmp_path: Path) -> None:
    image_set = read(tmp_path, 'trim = ["tests"]')
    assert [stage.trim for stage in image_set.stages if stage.kind == "build"] == [UNSET]
    found = mistake(tmp_path, '[image.debian.other.build]\ntrim = ["tests"]')
    assert (found.key, found.problem) == ("image.debian.other.build.trim", "unknown key")
    assert found.hint == "'trim' belongs to [image.BUILDER.IMAGE]"


@pytest.mark.parametrize("line", ["", "trim = []"])
def test_without_rules_the_snapshot_is_as_before_the_keys_existed(
    tmp_path: Path, line: str
) -> None:
    text = dump(read(tmp_path, line))
    assert "trim" not in text
    assert "compression" not in text


def test_an_unknown_rule_names_its_line_and_the_known_rules(tmp_path: Path) -> None:
    found = mistake(tmp_path, 'trim = [\n    "docs",\n    "test",\n]')
    assert (found.key, found.line) == ("image.debian.base.trim[1]", 13)
    assert (found.problem, found.expected) == ("unknown value 'test'", KNOWN)
    assert found.hint == "did you mean 'tests'?"


def test_an_unknown_rule_in_a_set_is_reported_in_the_set(tmp_path: Path) -> None:
    found = mistake(tmp_path, 'trim = ["@other"]', 'sets.other = ["docs", "headers"]')
    assert str(found) == f"sets.other[1]: unknown rule 'headers'; expected {KNOWN}"
    assert found.line == 2


@pytest.mark.parametrize(
    ("line", "key", "problem"),
    [
        (
            'trim = ["docs", "docs"]',
            "image.debian.base.trim[1]",
            "'docs' is listed twice: also in image.debian.base.trim[0]",
        ),
        (
            'trim = ["docs", "@slim"]',
            "image.debian.base.trim[1]",
            "'docs' (through sets.slim[1]) is listed twice: also in image.debian.base.trim[0]",
        ),
        ('trim = ["@thin"]', "image.debian.base.trim[0]", "unknown set 'thin'"),
        ('trim = "tests"', "image.debian.base.trim", "is a string in quotes"),
        ("trim = [1]", "image.debian.base.trim[0]", "is a whole number"),
    ],
)
def test_a_mistake_in_the_list(tmp_path: Path, line: str, key: str, problem: str) -> None:
    found = mistake(tmp_path, line)
    assert (found.key, found.problem) == (key, problem)
    assert found.hint


def test_gzip_is_part_of_the_snapshot_and_the_default_is_not(tmp_path: Path) -> None:
    plain = read(tmp_path, "")
    zstd = read(tmp_path, "", 'compression = "zstd"')
    gzip = read(tmp_path, "", 'compression = "gzip"')
    assert (plain.compression, gzip.compression) == (UNSET, "gzip")
    assert dump(zstd) == dump(plain)
    assert load(dump(gzip)) == gzip


def test_an_unknown_compression_names_the_known_ones(tmp_path: Path) -> None:
    found = mistake(tmp_path, "", 'compression = "zst"')
    assert str(found) == "compression: unknown value 'zst'; expected one of zstd, gzip"
    assert (found.line, found.hint) == (2, "did you mean 'zstd'?")


@pytest.mark.parametrize(
    ("old", "new"), [('"docs"', '"headers"'), ('compression = "gzip"', 'compression = "xz"')]
)
def test_a_snapshot_with_another_value_is_refused(tmp_path: Path, old: str, new: str) -> None:
    snapshot = dump(read(tmp_path, 'trim = ["docs"]', 'compression = "gzip"'))
    assert old in snapshot
    with pytest.raises(ExpectedError, match=r"images\.toml of the lock set cannot be read"):
        load(snapshot.replace(old, new))


def test_the_keys_do_not_make_any_manager_resolve_again(tmp_path: Path) -> None:
    before = read(tmp_path, "")
    after = read(tmp_path, 'trim = ["tests"]', 'compression = "gzip"')
    assert digests(after) == digests(before)
    more = msgspec.structs.replace(after, platforms=("linux/arm64",))
    assert digests(more) != digests(before)


def digests(image_set: ImageSet) -> list[str]:
    builder = image_set.builders["debian"]
    return [
        inputs_digest(image_set, builder, manager, BuilderFacts(), {}) for manager in LOCK_FILES
    ]


def test_released_lock_sets_read_as_before_the_keys_existed() -> None:
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("locks/*/images.toml")]
    texts.append((TESTS / "data/lock-set/small/locks/0.1.0/images.toml").read_text("utf-8"))
    for text in texts:
        assert dump(load(text)) == text
