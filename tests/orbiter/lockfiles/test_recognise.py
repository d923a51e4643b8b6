"""Which lock file it is, whatever its name; and what people name by mistake."""

import gzip
from pathlib import Path

import pytest

from orbiter.lockfiles import recognise
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
PAIRS = sorted((DATA / "pairs").glob("*/*/*.gz"))
REQUIREMENTS = sorted((DATA / "requirements").glob("*.gz"))
FORMATS = {
    "conda-lock": "conda-lock.yml",
    "package-lock": "package-lock.json",
    "requirements": "requirements.txt",
}


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: f"{path.parent.name}-{path.name[:3]}")
def test_content_tells(path: Path) -> None:
    kind = path.parent.parent.name
    lock = recognise.read("some-file", gzip.decompress(path.read_bytes()))
    assert lock.name == "some-file"
    assert lock.format.split()[0] == FORMATS.get(kind, f"{kind}.lock")


@pytest.mark.parametrize(
    "path", REQUIREMENTS, ids=lambda path: path.name.removesuffix(".requirements.txt.gz")
)
def test_requirements_that_people_write(path: Path) -> None:
    assert recognise.read("x", gzip.decompress(path.read_bytes())).format == "requirements.txt"


PYPROJECT = '# ours\n[build-system]\nrequires = ["hatchling"]\n\n[project]\nname = "a"\ndependencies = ["b>=1"]\n'
WORKFLOW = "name: CI\non:\n  push:\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n"
ENVIRONMENT = "name: base\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip:\n    - a==1.0\n"
WISHED = "it says what is wished for, not what was locked"
EMPTY = "the file is empty"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EMPTY),
        (" \n\n", EMPTY),
        ("\ufeff", EMPTY),
        (
            "../base/conda-linux-64.lock",
            "this is a symbolic link's target (../base/conda-linux-64.lock), as git keeps it",
        ),
        ("poetry.lock", "this is a symbolic link's target (poetry.lock), as git keeps it"),
        (PYPROJECT, f"this is a pyproject.toml: {WISHED}"),
        ("[tool.poetry.dependencies]\npython = '3'\n", f"this is a pyproject.toml: {WISHED}"),
        (ENVIRONMENT, f"this is an environment.yml: {WISHED}"),
        ("dependencies:\n- python\n", f"this is an environment.yml: {WISHED}"),
        (WORKFLOW, "this is a GitHub workflow"),
        (WORKFLOW.replace("on:", '"on":'), "this is a GitHub workflow"),
        ("\n<!DOCTYPE html>\n<html></html>", "this is a web page"),
        ("<HTML></HTML>", "this is a web page"),
        ('{"name": "a", "dependencies": {"b": "^1"}}', f"this is a package.json: {WISHED}"),
        ('root = "sha256:00"\nformat = 1\n', "this is one file of a lock set"),
        ("# Written by Orbiter: what apt adds\n\nformat = 1\n", "this is one file of a lock set"),
        ("This lock file is broken!\n", "this is no lock file that Orbiter knows"),
        ("{}", "this is no lock file that Orbiter knows"),
        ("[[package]]\n", "this is no lock file that Orbiter knows"),
    ],
)
def test_what_is_none(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        recognise.read("it", text.encode())
    assert caught.value.message == f"it: {expected}"
    assert caught.value.hint


def test_what_is_unknown_is_told_what_is_known() -> None:
    with pytest.raises(ExpectedError) as caught:
        recognise.read("it", b"hello, world\n")
    for name in (
        "conda-lock.yml",
        "pixi.lock",
        "poetry.lock",
        "uv.lock",
        "pylock.toml",
        "package-lock.json",
    ):
        assert name in caught.value.hint


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (gzip.compress(b"{}", mtime=0), "it: this is gzip, not text in UTF-8"),
        (
            b'{"lockfileVersion": 3,\n"packages": {',
            "it:2: Expecting property name enclosed in double quotes",
        ),
        (b'{"lockfileVersion": 3,\n<<<<<<< HEAD\n', "it:2: a merge conflict was left here"),
        (
            b'{"lockfileVersion": 9}',
            "it: package-lock.json 9 is newer than Orbiter knows (up to 3)",
        ),
        (
            b'version = 7\nrequires-python = ">=3"\n',
            "it: uv.lock 7 is newer than Orbiter knows (up to 1)",
        ),
        (b'lock-version = "3.0"\n', "it: pylock.toml 3.0 is newer than Orbiter knows (up to 1.0)"),
        (
            b'[metadata]\nlock-version = "3.0"\n',
            "it: poetry.lock 3.0 is newer than Orbiter knows (up to 2.1)",
        ),
    ],
)
def test_what_is_broken_or_of_the_future(content: bytes, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        recognise.read("it", content)
    assert caught.value.message == expected


MANY = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        f'{{"lockfileVersion": {MANY}}}',
        f'{{"lockVersion": "{MANY}", "packages": {{}}}}',
        f"version = {MANY}\n[[package]]\nname = 'a'\nsource = {{ virtual = '.' }}\n",
        f"[metadata]\nlock-version = '{MANY}'\npython-versions = '*'\ncontent-hash = ''\n",
        "[metadata]\nlock-version = '²'\npython-versions = '*'\ncontent-hash = ''\n",
        f"version: {MANY}\nmetadata:\n  platforms: []\npackage: []\n",
        f"version: {MANY}\nenvironments: {{}}\npackages: []\n",
        "version: ²\nenvironments: {}\npackages: []\n",
    ],
)
def test_numbers_that_are_none_are_expected_errors(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"^a\.lock: "):
        recognise.read("a.lock", text.encode())
