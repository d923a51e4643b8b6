"""images.toml is read into an image set, and described by a JSON Schema."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import UNSET

from orbiter.config.image_set import Builder, CondaSettings, ImageSet, NotebookUser, Stage
from orbiter.config.read import json_schema, read_image_set
from orbiter.config.requirements import package_name
from orbiter.config.snapshot import dump, load
from orbiter.config.starter import starter_text
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT
from tests.support.runtimes import runtimes

DATA = ROOT / "tests/data/images"
VALID = [ROOT / "images.toml", *sorted((DATA / "valid").glob("*.toml"))]

words = st.text(max_size=8)
lists = st.lists(words, max_size=3).map(tuple)
# What becomes a path or a part of a Dockerfile must match a pattern of image_set.py.
names = st.from_regex(r"\A[a-z0-9][a-z0-9.-]{0,7}\Z")
optional_names = st.just("") | names
references = st.from_regex(r"\A[A-Za-z0-9._:/-]{0,8}\Z")
by_manager = st.dictionaries(st.sampled_from(["apk", "apt", "conda", "pip", "npm"]), lists)
image_sets = st.builds(
    ImageSet,
    version=st.from_regex(r"\A[0-9A-Za-z.-]{1,8}\Z"),
    repository=references,
    maintainer=words,
    source=words,
    platforms=st.lists(st.from_regex(r"\A[a-z0-9]{1,5}(/[a-z0-9]{1,5}){1,2}\Z"), max_size=3).map(
        tuple
    ),
    user=st.builds(
        NotebookUser,
        name=st.from_regex(r"\A[a-z_][a-z0-9_-]{0,7}\Z"),
        uid=st.integers(0, 2**31 - 1),
        gid=st.integers(0, 2**31 - 1),
    ),
    compression=st.sampled_from([UNSET, "gzip"]),
    builders=st.dictionaries(
        words,
        st.builds(
            Builder,
            name=names,
            base=references,
            suite=words,
            python=words,
            pip_engine=words,
            conda=st.just(UNSET)
            | st.builds(
                CondaSettings,
                channels=lists,
                virtual=st.dictionaries(words, words),
                keep_installer=st.booleans(),
            ),
        ),
        max_size=2,
    ),
    stages=st.lists(
        st.builds(
            Stage,
            name=names,
            builder=names,
            image=words,
            kind=st.sampled_from(["final", "build", "base"]),
            parent=optional_names,
            build=optional_names,
            requirements=by_manager,
            sources=by_manager,
            prebuild=st.one_of(st.just(UNSET), lists),
            normalize=st.one_of(st.just(UNSET), lists),
            recommends=st.sampled_from([True, UNSET]),
            debconf=st.sampled_from([("tzdata tzdata/Areas select Europe",), UNSET]),
            postbuild=lists,
            network=st.booleans(),
            runtime=st.one_of(st.just(UNSET), runtimes),
            trim=st.sampled_from([UNSET, ("docs", "tests")]),
        ),
        max_size=3,
    ).map(tuple),
)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_snapshot_is_read_back_with_the_same_bytes(path: Path) -> None:
    image_set = read_image_set(path)
    assert load(dump(image_set)) == image_set
    assert dump(load(dump(image_set))) == dump(image_set)


def test_a_snapshot_without_rules_is_as_before_the_key_existed() -> None:
    texts = [dump(read_image_set(path)) for path in VALID if path.stem not in {"apt", "commands"}]
    keys = ("normalize", "prebuild", "debconf", "recommends")
    assert not any(key in text for text in texts for key in keys)


@settings(deadline=None)
@given(image_sets)
def test_any_snapshot_is_read_back(image_set: ImageSet) -> None:
    assert load(dump(image_set)) == image_set


@pytest.mark.parametrize("text", ["", "version = 1", "version ="])
def test_another_text_is_not_a_snapshot(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"images\.toml of the lock set cannot be read"):
        load(text)


def reversed_order(value: Any, key: str = "") -> Any:
    """Return the document with all tables and lists reversed, except lists whose order matters.

    ``finish`` is a set of commands in the project's own images.toml, ``zone`` one of answers.
    """
    if isinstance(value, dict):
        return {name: reversed_order(value[name], name) for name in reversed(value)}
    commands = {
        "debconf",
        "prebuild",
        "normalize",
        "postbuild",
        "finish",
        "entrypoint",
        "cmd",
        "test",
        "zone",
    }
    if isinstance(value, list) and key not in {*commands, "channels"}:
        return value[::-1]
    return value


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_the_order_of_lines_does_not_matter(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "images.toml"
    other.write_text(
        tomli_w.dumps(reversed_order(tomllib.loads(path.read_text()))), encoding="utf-8"
    )
    assert dump(read_image_set(other)) == dump(read_image_set(path))


def test_stages_are_sorted_parents_first_and_then_by_name() -> None:
    stages = read_image_set(DATA / "valid/original.toml").stages
    assert [(stage.name, stage.parent, stage.build) for stage in stages] == [
        ("debian-core", "", ""),
        ("debian-base-build", "debian-core", ""),
        ("debian-base", "debian-core", "debian-base-build"),
        ("debian-geospatial-build", "debian-base-build", ""),
        ("debian-geospatial", "debian-core", "debian-geospatial-build"),
    ]
    assert [(stage.image, stage.kind) for stage in stages[:3]] == [
        ("core", "final"),
        ("base", "build"),
        ("base", "final"),
    ]


def test_sets_are_expanded_and_requirements_kept_as_written() -> None:
    image_set = read_image_set(DATA / "valid/requirements.toml")
    (stage,) = image_set.stages
    assert stage.requirements == {
        "apt": (
            "bash",
            "curl",
            "g++",
            "git=1:2.47.3-0+deb13u1",
            "libstdc++6=14.2.0-19",
            "openssl=3.5.1-1~deb13u1",
            "tar",
        ),
        "pip": (
            "dask[array,dataframe]~=2025.1",
            "jupyter_server_proxy===4.4.0",
            "numpy",
            "Pandas >= 2.2, < 4",
            "tomli; python_version < '3.11'",
        ),
        "npm": (
            "@types/node@^20",
            "canvas@3.1.x",
            "configurable-http-proxy@latest",
            "d3@5 - 7",
            "JSONStream@*",
            "vega-cli@^5 || ^6.0.0-beta.1",
            "vega-lite@>=5 <7",
        ),
    }
    assert stage.sources == {"pip": ("my-package", "numpy"), "npm": ("@types/node", "canvas")}
    assert stage.postbuild == ("python --version", 'echo "$HOME"')
    assert stage.network
    assert image_set.platforms == ("linux/amd64", "linux/arm64")
    assert image_set.user == NotebookUser(name="ada", uid=2000, gid=0)
    assert image_set.builders == {
        "debian": Builder(
            name="debian",
            base="127.0.0.1:5000/library/debian:trixie-slim",
            python="3.13.5",
            pip_engine="uv",
        )
    }


def test_missing_keys_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.write_bytes(
        b'\xef\xbb\xbfversion = "0.1.0"\r\nrepository = "a/b"\r\n'
        b'builder.debian.from = "debian"\r\nimage.debian.core.network = false\r\n'
    )
    assert read_image_set(path) == ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=("linux/amd64",),
        builders={"debian": Builder(name="debian", base="debian")},
        stages=(Stage(name="debian-core", builder="debian", image="core", kind="final"),),
    )


def test_nodefaults_is_not_a_channel(tmp_path: Path) -> None:
    file = tmp_path / "images.toml"
    text = (DATA / "valid/micromamba.toml").read_text()
    file.write_text(re.sub(r"channels = .*", 'channels = ["bioconda", "nodefaults"]', text))
    settings = read_image_set(file).builders["micromamba"].conda
    assert isinstance(settings, CondaSettings)
    assert settings.channels == ("bioconda",)


def test_the_project_has_the_requirements_of_the_original() -> None:
    stages = {stage.name: stage for stage in read_image_set(ROOT / "images.toml").stages}
    ours = stages["debian-base-build"].requirements
    original = read_image_set(DATA / "valid/original.toml").stages[1].requirements
    assert {*original["npm"]} <= {*ours["npm"]}
    assert {*original["pip"]} - {*ours["pip"]} == {"jupyter-book"}
    assert "jupyter-book<2" in ours["pip"]
    assert {"bash", "bzip2", "curl", "git", "python3", "sudo", "tar"} <= {
        *stages["debian-core"].requirements["apt"]
    }


def test_its_alpine_builder_has_them_too_except_those_in_its_comments() -> None:
    stages = {stage.name: stage for stage in read_image_set(ROOT / "images.toml").stages}
    names = [name for name in stages if name.startswith("alpine-")]
    assert names == [
        "alpine-core",
        "alpine-base-build",
        "alpine-base",
        "alpine-geospatial-build",
        "alpine-geospatial",
    ]
    for manager in ("pip", "npm"):
        assert (
            stages["alpine-base-build"].requirements[manager]
            == stages["debian-base-build"].requirements[manager]
        )
    original = {stage.name: stage for stage in read_image_set(DATA / "valid/original.toml").stages}
    alpine, debian = (
        {package_name("pip", requirement) for requirement in stage.requirements["pip"]}
        for stage in (stages["alpine-geospatial-build"], original["debian-geospatial-build"])
    )
    assert (debian - alpine, alpine - debian) == (
        {"fiona", "sat-search", "ttygif"},
        {"pystac-client"},
    )
    assert stages["alpine-geospatial-build"].parent == "alpine-base-build"
    pulled: set[str] = set()
    for stage in stages.values():
        if stage.kind == "final":
            pulled |= {*stage.requirements.get("apk", ())}
    assert not [name for name in pulled if name.endswith("-dev") or name.startswith("build-")]


def test_the_schema_is_valid_and_accepts_what_the_reader_accepts() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for text in [starter_text(), *(path.read_text() for path in VALID)]:
        validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "stem",
    [
        "unknown-key",
        "unknown-key-of-another-table",
        "unknown-pip-engine",
        "unknown-builder",
        "unknown-platform",
        "type-text-for-list",
        "missing-version",
        "bad-version-short",
        "bad-user-root",
        "bad-uid",
        "bad-image-name",
        "bad-from",
        "empty-builder-and-image",
    ],
)
def test_the_schema_rejects_what_the_reader_rejects(stem: str) -> None:
    broken = tomllib.loads((DATA / f"broken/{stem}.toml").read_text())
    assert not Draft202012Validator(json_schema()).is_valid(broken)


def test_the_schema_describes_every_key_with_valid_examples() -> None:
    schema = json_schema()
    for table in schema["$defs"].values():
        assert table.get("description"), table["title"]
        for name, key in table["properties"].items():
            assert key.get("description"), name
            assert key.get("examples"), name
            validator = Draft202012Validator({**key, "$defs": schema["$defs"]})
            for example in key["examples"]:
                validator.validate(example)


def test_a_base_of_packages_is_the_parent_stage_of_the_others() -> None:
    image_set = read_image_set(DATA / "valid/made-of-packages.toml")
    assert image_set.builders["debian"] == Builder(name="debian", suite="trixie")
    assert [(stage.name, stage.kind, stage.parent) for stage in image_set.stages] == [
        ("debian", "base", ""),
        ("debian-core", "final", "debian"),
        ("debian-base-build", "build", "debian-core"),
        ("debian-base", "final", "debian-core"),
    ]
    assert image_set.stages[0].requirements == {"apt": ("?essential", "?priority(required)", "apt")}
