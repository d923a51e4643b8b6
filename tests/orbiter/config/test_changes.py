"""The keys of images.toml that differ between two image sets."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.config.runtime import NO_SETTINGS
from tests.support.paths import TESTS
from tests.support.runtimes import runtimes

ORIGINAL = TESTS / "data/images/valid/original.toml"
TEXT = ORIGINAL.read_text()


def edited(tmp_path: Path, edit: tuple[str, str]) -> ImageSet:
    assert edit[0] in TEXT
    path = tmp_path / "images.toml"
    path.write_text(TEXT.replace(*edit, 1), encoding="utf-8")
    return read_image_set(path)


EDITS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "release": ('"0.1.1"', '"0.2.0"', ()),
    "added": ('"numpy", ', '"numpy", "polars", ', ("image.debian.base.build.pip: polars added",)),
    "changed": ('"numpy", ', '"NumPy>=2", ', ("image.debian.base.build.pip: numpy -> NumPy>=2",)),
    "removed": ('"sudo", ', "", ("image.debian.core.apt: sudo removed",)),
    "npm": (', "canvas"', ', "canvas@^3"', ("image.debian.base.build.npm: canvas -> canvas@^3",)),
    "npm-scripts": (
        "postbuild = [",
        'npm-scripts = ["canvas"]\npostbuild = [',
        ("image.debian.base.build.npm-scripts: canvas added",),
    ),
    "npm-overrides": (
        'python = "3.13"',
        'python = "3.13"\n'
        'npm-overrides = { "glob@7" = "^11", mocha = { "." = "11", glob = "^10" } }',
        (
            'builder.debian.npm-overrides."glob@7": (none) -> ^11',
            'builder.debian.npm-overrides.mocha.".": (none) -> 11',
            "builder.debian.npm-overrides.mocha.glob: (none) -> ^10",
        ),
    ),
    "user": ("[sets]", '[user]\nname = "ada"\n\n[sets]', ("user.name: jovyan -> ada",)),
    "source": (
        "version =",
        'source = "https://x.example"\nversion =',
        ("source: (none) -> https://x.example",),
    ),
    "platforms": (
        "version =",
        'platforms = ["linux/arm64"]\nversion =',
        ("platforms: linux/arm64 added", "platforms: linux/amd64 removed"),
    ),
    "builder": (
        'python = "3.13"',
        'pip-engine = "uv"',
        ("builder.debian.python: 3.13 -> (none)", "builder.debian.pip-engine: poetry -> uv"),
    ),
    "index": (
        "[sets]",
        '[index.other]\nurl = "https://x.example"\n\n[sets]',
        ("index.other: added",),
    ),
    "rules": (
        'python = "3.13"',
        'python = "3.13"\nconstraints = ["numpy<3"]\nindex-priority = "disabled"',
        (
            "builder.debian.index-priority: strict -> disabled",
            "builder.debian.constraints: numpy<3 added",
        ),
    ),
    "base": (
        "trixie-slim",
        "trixie",
        ("builder.debian.from: debian:trixie-slim -> debian:trixie",),
    ),
    "base-of-packages": (
        '"debian:trixie-slim"',
        '{ debian = "trixie" }',
        ('builder.debian.from: debian:trixie-slim -> { debian = "trixie" }',),
    ),
    "no-from": (
        '[image.debian.geospatial]\nfrom = "core"',
        "[image.debian.geospatial]",
        ("image.debian.geospatial.from: core -> (none)",),
    ),
    "from": (
        'from = "base-build"',
        'from = "core"',
        ("image.debian.geospatial.build.from: base-build -> core",),
    ),
    "network": (
        "[image.debian.base.build]",
        "network = true\n[image.debian.base.build]",
        ("image.debian.base.network: false -> true",),
    ),
    "prebuild": (
        "[image.debian.core]",
        '[image.debian.core]\nprebuild = ["""\ncat > /etc/example <<EOF\nx\nEOF\n"""]',
        ("image.debian.core.prebuild: cat > /etc/example <<EOF … added",),
    ),
    "normalize": (
        "[image.debian.core]",
        '[image.debian.core]\nnormalize = ["rm -f /etc/example.id"]',
        ("image.debian.core.normalize: rm -f /etc/example.id added",),
    ),
    "apt-repository": (
        "[image.debian.core]",
        '[apt-repository.bpo]\nsuite = "trixie-backports"\n[image.debian.core]',
        ("apt-repository.bpo: added",),
    ),
    "recommends": (
        "[image.debian.core]",
        "[image.debian.core]\nrecommends = true",
        ("image.debian.core.recommends: false -> true",),
    ),
    "debconf": (
        "[image.debian.core]",
        '[image.debian.core]\ndebconf = ["tzdata tzdata/Areas select Europe"]',
        ("image.debian.core.debconf: tzdata tzdata/Areas select Europe added",),
    ),
    "trim": (
        "[image.debian.core]",
        '[image.debian.core]\ntrim = ["tests", "docs"]',
        ("image.debian.core.trim: docs added", "image.debian.core.trim: tests added"),
    ),
    "compression": (
        "version =",
        'compression = "gzip"\nversion =',
        ("compression: zstd -> gzip",),
    ),
    "default-compression": ("version =", 'compression = "zstd"\nversion =', ()),
    "settings": (
        "[image.debian.core]",
        '[image.debian.core]\nenv = { A = "b" }\ncmd = []\nuser = "root"\nexpose = [80]\n'
        'labels = { "org.example.x" = "a b" }\nhealthcheck = false\nworkdir = "/a"',
        (
            "image.debian.core.cmd: (default) -> []",
            'image.debian.core.env.A: (default) -> "b"',
            "image.debian.core.expose: (default) -> 80/tcp",
            "image.debian.core.healthcheck: (default) -> false",
            'image.debian.core.labels."org.example.x": (default) -> "a b"',
            "image.debian.core.user: (default) -> root",
            "image.debian.core.workdir: (default) -> /a",
        ),
    ),
    "healthcheck": (
        "[image.debian.core]",
        '[image.debian.core]\nhealthcheck = { test = ["curl", "-f", "x"], retries = 3 }',
        (
            "image.debian.core.healthcheck.retries: (default) -> 3",
            'image.debian.core.healthcheck.test: (default) -> ["curl", "-f", "x"]',
        ),
    ),
    "command": (
        '    "jupyter lab clean -y",\n',
        "",
        ("image.debian.base.build.postbuild: jupyter lab clean -y removed",),
    ),
    "commands": (
        "postbuild = [",
        'postbuild = [\n"jupyter lab clean -y",\n',
        ("image.debian.base.build.postbuild: order changed",),
    ),
    "image": (
        "[image.debian.geospatial]",
        "[image.debian.spare]\n\n[image.debian.geospatial]",
        ("image.debian.spare: added",),
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), EDITS.values(), ids=EDITS)
def test_a_change_names_its_key(
    tmp_path: Path, old: str, new: str, expected: tuple[str, ...]
) -> None:
    assert changed_keys(read_image_set(ORIGINAL), edited(tmp_path, (old, new))) == expected


def test_a_removed_build_stage_is_one_line(tmp_path: Path) -> None:
    spare = "[image.debian.spare]\n"
    build = "[image.debian.spare.build]\n"
    rest = "[image.debian.geospatial]"
    before = edited(tmp_path, (rest, spare + rest))
    after = edited(tmp_path, (rest, spare + build + rest))
    assert changed_keys(before, after) == ("image.debian.spare.build: added",)
    assert changed_keys(after, before) == ("image.debian.spare.build: removed",)


small_runtimes = runtimes.filter(lambda runtime: runtime != NO_SETTINGS)
trims = st.sampled_from([UNSET, ("docs",), ("docs", "tests")])
small = st.lists(st.sampled_from(["b", "c", "d"]), unique=True, max_size=3)


@st.composite
def variants(draw: st.DrawFn) -> ImageSet:
    """Return image sets that differ from each other in any of their parts."""
    image_set = read_image_set(ORIGINAL)
    stages = [
        msgspec.structs.replace(
            stage,
            requirements={"pip": tuple(sorted(names))} if (names := draw(small)) else {},
            prebuild=tuple(draw(small)) or UNSET,
            normalize=tuple(draw(small)) or UNSET,
            recommends=draw(st.sampled_from([True, UNSET])),
            debconf=tuple(draw(small)) or UNSET,
            postbuild=tuple(draw(small)),
            network=draw(st.booleans()),
            runtime=draw(st.just(UNSET) | small_runtimes),
            trim=draw(trims),
        )
        for stage in image_set.stages[: draw(st.integers(1, 3))]
    ]
    return msgspec.structs.replace(
        image_set,
        maintainer=draw(st.sampled_from(["", "x"])),
        compression=draw(st.sampled_from([UNSET, "gzip"])),
        stages=tuple(stages),
        version=draw(st.sampled_from("12")),
    )


@settings(deadline=None)
@given(variants(), variants())
def test_only_equal_image_sets_have_no_changes(old: ImageSet, new: ImageSet) -> None:
    same = msgspec.structs.replace(old, version=new.version) == new
    assert (changed_keys(old, new) == ()) == same
    assert len(changed_keys(old, new)) == len(changed_keys(new, old))


def test_a_change_of_an_index_names_the_package(tmp_path: Path) -> None:
    index = '[index.{}]\nurl = "https://{}.example"\n\n[sets]'
    plain = index.format("one", "one") + index.format("two", "two").removesuffix("[sets]")
    parts = TEXT.replace("[sets]", plain.replace("[sets]", "") + "[sets]", 1)
    sides = []
    for written in (
        '"numpy"',
        *(f'{{ requirement = "numpy", index = "{n}" }}' for n in ("one", "two")),
    ):
        path = tmp_path / "images.toml"
        path.write_text(parts.replace('"numpy"', written, 1), encoding="utf-8")
        sides.append(read_image_set(path))
    place = "image.debian.base.build.pip: index of numpy"
    assert changed_keys(sides[0], sides[1]) == (f"{place}: (none) -> one",)
    assert changed_keys(sides[1], sides[2]) == (f"{place}: one -> two",)
    moved = msgspec.structs.replace(sides[2], indexes={"two": "https://new.example"})
    assert changed_keys(sides[2], moved) == (
        "index.one: removed",
        "index.two.url: https://two.example -> https://new.example",
    )
