"""conda-lock.yml read with the regular expression and with the YAML parser."""

import gzip
import re
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orbiter.lockfiles import conda_lock, pixi
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
SPECIMENS = sorted((DATA / "conda-lock").glob("*.gz"))
PAIRS = sorted((DATA / "pairs" / "conda-lock").glob("*/*.gz"))
MD5, SHA256 = (
    "d7c89558ba9fa0495403155b64376d81",
    "fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726",
)
HEAD = (
    "version: 1\nmetadata:\n  channels:\n  - url: conda-forge\n  platforms:\n  - linux-64\n"
    "package:\n"
)
ENTRY = f"""- name: xz
  version: 5.8.1
  manager: conda
  platform: linux-64
  dependencies:
    libgcc: '>=13'
    liblzma: 5.8.1
  url: https://conda.anaconda.org/conda-forge/linux-64/xz-5.8.1-hbcc6ac9_2.conda
  hash:
    md5: {MD5}
    sha256: {SHA256}
  category: main
  optional: false
"""
URL = "https://conda.anaconda.org/conda-forge/linux-64/xz-5.8.1-hbcc6ac9_2"
NOT_CONDA = "the url of the package xz is not that of a conda package"
ORIGIN = "conda.anaconda.org/conda-forge"
XZ = PackageEntry(
    manager="conda",
    name="xz",
    version="5.8.1",
    build="hbcc6ac9_2",
    source="conda-forge",
    files=(PackageFile("xz-5.8.1-hbcc6ac9_2.conda", (f"md5:{MD5}", f"sha256:{SHA256}"), ORIGIN),),
    requires=("libgcc", "liblzma"),
    groups=("main",),
)
LINUX = Scope("", "linux-64")


def text_of(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


def outcome(text: str, *, fast: bool) -> Lock | str:
    """Return the lock, or the message of the error."""
    try:
        return conda_lock.read("a.yml", text) if fast else conda_lock.read_irregular("a.yml", text)
    except ExpectedError as error:
        return error.message


def message(text: str) -> str:
    with pytest.raises(ExpectedError) as caught:
        conda_lock.read("a.yml", text)
    assert caught.value.hint
    return caught.value.message


def only(text: str) -> PackageEntry:
    (package,) = conda_lock.read("a.yml", text).packages[LINUX]
    return package


@pytest.mark.parametrize(
    "file", [*SPECIMENS, *PAIRS], ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_both_readers_agree_on_real_files(file: Path) -> None:
    text = text_of(file)
    assert conda_lock.recognises(text)
    assert not pixi.recognises(text)
    fast = conda_lock.read_regular(file.name, text)
    assert fast
    assert fast == conda_lock.read_irregular(file.name, text)
    assert not fast.notes


@pytest.mark.parametrize(
    ("file", "entries", "names"),
    [
        ("pairs/conda-lock/01-base-next-tag/old", 264, 264),
        ("pairs/conda-lock/04-base-17-months/new", 277, 277),
        ("pairs/conda-lock/05-base-4-platforms/new", 1105, 287),
        ("pairs/conda-lock/06-pangeo-4-platforms/old", 2953, 780),
        ("pairs/conda-lock/06-pangeo-4-platforms/new", 3048, 809),
        ("pairs/conda-lock/07-pangeo-pip-entry/old", 644, 644),
        ("pairs/conda-lock/08-base-pip-entries/new", 1082, 286),
        ("conda-lock/test-multiple-categories", 115, 101),
    ],
)
def test_every_entry_is_read(file: str, entries: int, names: int) -> None:
    lock = conda_lock.read("a.yml", text_of(DATA / f"{file}.conda-lock.yml.gz"))
    packages = [package for place in lock.packages.values() for package in place]
    assert sum(len(package.groups) for package in packages) == entries
    assert len({(package.manager, package.name) for package in packages}) == names


def test_an_entry_in_full() -> None:
    lock = conda_lock.read("a.yml", HEAD + ENTRY)
    assert lock == Lock(
        name="a.yml",
        format="conda-lock.yml 1",
        packages={LINUX: (XZ,)},
        facts={"channels": {"in order": "conda-forge"}},
    )


# Properties


WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=5)
VERSIONS = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(_[0-9])?", fullmatch=True) | st.just(
    "1!2.0+cu12"
)
CONSTRAINTS = st.sampled_from(
    ["", "*", ">=1.0,<2", "1.0.*", "3.10", "==1.0", "~=1.0", "<2", "null", "a 'b' # c", "^1: 2"]
)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    name, version = draw(WORDS), draw(VERSIONS)
    manager = draw(st.sampled_from(["conda", "pip"]))
    file = (
        f"linux-64/{name}-{version}-h1_0.conda"
        if manager == "conda"
        else f"{name}-{version}-py3-none-any.whl"
    )
    return {
        "name": name,
        "version": version,
        "manager": manager,
        "platform": draw(st.sampled_from(["linux-64", "osx-arm64", "noarch"])),
        "dependencies": draw(st.dictionaries(WORDS, CONSTRAINTS, max_size=3)),
        "url": f"https://{draw(WORDS)}.example.com/{draw(WORDS)}/{file}",
        "hash": draw(
            st.sampled_from([{"md5": MD5, "sha256": SHA256}, {"sha256": SHA256}, {"md5": "1" * 32}])
        ),
        "category": draw(st.sampled_from(["main", "dev"])),
        "optional": draw(st.booleans()),
    }


@given(st.lists(entries(), max_size=6), st.booleans(), st.booleans())
def test_both_readers_agree_on_generated_lists(
    listed: list[dict[str, Any]], ordered: bool, quoted: bool
) -> None:
    if quoted:
        listed = [{**entry, "optional": "false"} for entry in listed]
    data = {"version": "1", "metadata": {"platforms": ["linux-64"]}, "package": listed}
    text = yaml.safe_dump(data, sort_keys=ordered, default_style="'" if quoted else None)
    assert outcome(text, fast=True) == outcome(text, fast=False)
    assert isinstance(outcome(text, fast=True), Lock)


SMALL = (
    HEAD
    + ENTRY
    + ENTRY.replace("xz", "zstd").replace("linux-64", "osx-64")
    + ENTRY.replace("main", "dev")
)


@given(st.data())
def test_both_readers_agree_on_damaged_files(data: st.DataObject) -> None:
    """Remove, duplicate or move a line, or replace a character: the results are equal."""
    lines = SMALL.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    way = data.draw(st.sampled_from(["remove", "double", "move", "character", "cut"]))
    if way == "double":
        lines.insert(at, lines[at])
    elif way == "move":
        lines.insert(data.draw(st.integers(0, len(lines) - 1)), lines.pop(at))
    elif way == "remove":
        del lines[at]
    text = "".join(lines)
    spot = data.draw(st.integers(0, len(text) - 1))
    if way == "cut":
        text = text[:spot]
    elif way == "character":
        text = (
            text[:spot]
            + data.draw(st.sampled_from(" \n:-'\"#&*!{}[]|>?%@`0aZ_.,=~"))
            + text[spot + 1 :]
        )
    assert outcome(text, fast=True) == outcome(text, fast=False)


# Contents of real files


@pytest.mark.parametrize("version", ["1.3_31", "3.10", "017", "1e5", "0x1F", "1_000"])
def test_a_version_is_text(version: str) -> None:
    text = HEAD + ENTRY.replace("version: 5.8.1", f"version: {version}").replace(
        "xz-5.8.1", f"xz-{version}"
    )
    for found in (conda_lock.read_regular("a.yml", text), conda_lock.read_irregular("a.yml", text)):
        assert found
        assert found.packages[LINUX][0].version == version
        assert not found.notes


def test_a_package_in_two_categories_is_read_once() -> None:
    lock = conda_lock.read(
        "a.yml", text_of(DATA / "conda-lock" / "test-multiple-categories.conda-lock.yml.gz")
    )
    (libblas,) = [package for package in lock.packages[LINUX] if package.name == "libblas"]
    assert libblas.groups == ("dev", "test")


def test_pip_entries() -> None:
    lock = conda_lock.read(
        "a.yml", text_of(DATA / "conda-lock" / "test-install-with-pip-deps.conda-lock.yml.gz")
    )
    found = {package.name: package for package in lock.packages[LINUX] if package.manager == "pip"}
    file = "charset_normalizer-3.3.2-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    assert found["charset-normalizer"].files[0].name == file
    assert found["charset-normalizer"].source == ""
    assert found["requests"].requires == ("charset-normalizer", "idna", "urllib3", "certifi")


def pip_entry(url: str, sha256: str = SHA256) -> PackageEntry:
    entry = ENTRY.replace("manager: conda", "manager: pip").replace("name: xz", "name: Some_Thing")
    return only(
        HEAD
        + re.sub("url: .*", f"url: {url}", entry)
        .replace(SHA256, sha256)
        .replace(f"    md5: {MD5}\n", "")
    )


def test_a_git_source_keeps_its_commit() -> None:
    commit = "0106aced5faa299e6ede89d1230bd6784f2c3660"
    found = pip_entry("git+https://user:secret@example.com/some/thing.git@main", commit)
    assert (found.name, found.build, found.files) == ("some-thing", commit, ())
    assert found.source == "git+https://example.com/some/thing.git@main"


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (f"https://a.example/packages/ab/cd/{'0' * 60}/", ""),
        (f"https://b.example/pypi/web/packages/ab/cd/{'0' * 60}/", "pypi/web"),
        ("https://a.example/packages/source/s/some-thing/", ""),
        ("https:///packages/", ""),
        ("https://download.example/whl/cu121/", "https://download.example/whl/cu121"),
        ("https://user:secret@download.example/whl/", "https://download.example/whl"),
        ("./wheels/", "wheels"),
    ],
)
def test_the_index_of_a_python_package(url: str, source: str) -> None:
    assert pip_entry(f"{url}some_thing-5.8.1-py3-none-any.whl").source == source


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://conda.anaconda.org/conda-forge", "conda-forge"),
        ("https://mirror.example/conda-forge", "conda-forge"),
        ("https://repo.example/pkgs/main", "pkgs/main"),
        ("https://conda.anaconda.org/t/tk-123-abc/private/label/dev", "private/label/dev"),
        ("file:///srv/channel", "file:///srv/channel"),
    ],
)
def test_the_channel_of_a_conda_package(url: str, source: str) -> None:
    assert (
        only(HEAD + ENTRY.replace("https://conda.anaconda.org/conda-forge", url)).source == source
    )


def test_other_notations_of_the_same_package() -> None:
    expected = conda_lock.read("a.yml", HEAD + ENTRY)
    folded = ENTRY.replace("url: ", "url:\n    ").replace("'>=13'", '">=13"')
    block = ENTRY.replace("url: ", "url: >-\n    ")
    old = ENTRY.replace(f"hash:\n    md5: {MD5}\n    sha256: {SHA256}", f"hash: sha256:{SHA256}")
    indented = "".join(f"  {line}\n" for line in ENTRY.splitlines())
    assert conda_lock.read("a.yml", HEAD + folded) == expected
    assert conda_lock.read("a.yml", HEAD + block) == expected
    assert conda_lock.read("a.yml", HEAD + indented) == expected
    assert only(HEAD + old).files == (
        PackageFile("xz-5.8.1-hbcc6ac9_2.conda", (f"sha256:{SHA256}",), ORIGIN),
    )
    assert (
        conda_lock.read("a.yml", "package:\n" + ENTRY + HEAD.replace("package:\n", "")) == expected
    )


def test_a_hash_without_an_algorithm_is_recognised_by_its_length() -> None:
    for algorithm, digits in (("md5", MD5), ("sha256", SHA256)):
        hashes = f"hash: {digits}"
        text = ENTRY.replace(f"hash:\n    md5: {MD5}\n    sha256: {SHA256}", hashes)
        (file,) = only(HEAD + text).files
        assert file.hashes == (f"{algorithm}:{digits}",)


def test_a_version_in_braces_is_text() -> None:
    flow = (
        "- {name: xz, version: 1.10, manager: conda, platform: linux-64, dependencies: "
        "{libgcc: 1.0}, url: 'https://conda.anaconda.org/conda-forge/linux-64/xz-1.10-0.conda', "
        f"hash: {{md5: {MD5}}}, category: main, optional: false}}\n"
    )
    assert only(HEAD + flow).version == "1.10"


def test_a_list_without_a_value_is_not_a_pixi_lock() -> None:
    assert conda_lock.recognises(HEAD)
    assert not pixi.recognises(HEAD)


def test_a_faulty_merge_is_noted() -> None:
    text = HEAD + ENTRY.replace("name: xz", "name: zlib")
    assert conda_lock.read("a.yml", text).notes == (
        "zlib 5.8.1 lists the file xz-5.8.1-hbcc6ac9_2.conda, which is not its own",
    )
    other = ENTRY.replace("version: 5.8.1", "version: 5.8.2")
    assert conda_lock.read("a.yml", HEAD + other).notes == (
        "xz 5.8.2 lists the file xz-5.8.1-hbcc6ac9_2.conda, which is not its own",
    )


def test_another_notation_of_a_version_is_not_a_mistake() -> None:
    text = HEAD + ENTRY.replace("version: 5.8.1", "version: '3.0'").replace("xz-5.8.1", "xz-3.000")
    assert not conda_lock.read("a.yml", text).notes


def test_credentials_of_channels_are_removed() -> None:
    text = HEAD.replace("conda-forge", "https://user:secret@example.com/t/tk-1/private")
    assert conda_lock.read("a.yml", f"{text}{ENTRY}").facts == {
        "channels": {"in order": "https://example.com/private"}
    }


# Invalid files


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD.replace("1", "2", 1) + ENTRY,
            "a.yml: conda-lock.yml 2 is not supported (newest supported version: 1)",
        ),
        (
            HEAD.replace("version: 1", "version: x") + ENTRY,
            "a.yml: the 'version' of the format must be 1, not 'x'",
        ),
        (HEAD.replace("version: 1\n", "") + ENTRY, "a.yml: the 'version' of the format is missing"),
        (HEAD + ENTRY + ENTRY.partition("  hash")[0], "a.yml:21: the package xz has no 'hash'"),
        (
            HEAD + ENTRY + ENTRY.partition("  optional")[0],
            "a.yml:21: the package xz has no 'optional'",
        ),
        (
            HEAD + ENTRY.replace(MD5, MD5[:20]),
            f"a.yml:8: the package xz: '{MD5[:20]}' is not a valid md5",
        ),
        (
            HEAD + ENTRY.replace(": conda", ": apt"),
            "a.yml:8: the package xz has the manager 'apt' instead of conda or pip",
        ),
        (HEAD + ENTRY.replace("    liblzma", "    libgcc"), "a.yml:14: duplicate key 'libgcc'"),
        (HEAD + ENTRY.replace("  version", "  name"), "a.yml:9: duplicate key 'name'"),
        (HEAD + ENTRY + "package: []\n", "a.yml:21: duplicate key 'package'"),
        (HEAD + ENTRY.replace(".conda\n", "\n"), f"a.yml:8: {NOT_CONDA}: '{URL}'"),
        (
            HEAD + ENTRY.replace(f"md5: {MD5}", "md5:\n      x: y"),
            "a.yml:8: the package xz: a hash is not text",
        ),
        (HEAD + "- xz\n", "a.yml:8: an item of 'package' is not a mapping"),
        (HEAD, "a.yml: 'package' must be a list of packages"),
        (
            HEAD + ENTRY.replace("'>=13'", "&a '>=13'"),
            "a.yml:13: YAML anchors are not supported in lock files",
        ),
    ],
)  # fmt: skip
def test_errors_contain_the_line(text: str, expected: str) -> None:
    assert message(text) == expected
    assert outcome(text, fast=False) == expected


def test_an_empty_list_is_valid() -> None:
    lock = conda_lock.read("a.yml", HEAD.replace("package:\n", "package: []\n"))
    assert lock.packages == {LINUX: ()}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (HEAD + ENTRY, True),
        (HEAD.replace("version: 1", "version: 9") + ENTRY, True),
        (HEAD + ENTRY.replace("  optional: false", "  subdir: linux-64"), False),
        ("name: env\ndependencies:\n- numpy\n", False),
        ("package:\n  name: recipe\n", False),
    ],
)
def test_recognised_by_content(text: str, known: bool) -> None:
    assert conda_lock.recognises(text) is known
