"""Formats detected by content, and other files that users name by mistake."""

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
def test_the_content_determines_the_format(path: Path) -> None:
    kind = path.parent.parent.name
    lock = recognise.read("some-file", gzip.decompress(path.read_bytes()))
    assert lock.name == "some-file"
    assert lock.format.split()[0] == FORMATS.get(kind, f"{kind}.lock")


@pytest.mark.parametrize(
    "path", REQUIREMENTS, ids=lambda path: path.name.removesuffix(".requirements.txt.gz")
)
def test_requirements_written_by_hand(path: Path) -> None:
    if path.name.startswith(("uv-constraints-a", "uv-include-b")):
        with pytest.raises(ExpectedError, match=r"^x: no version is pinned: "):
            recognise.read("x", gzip.decompress(path.read_bytes()))
        return
    lock = recognise.read("x", gzip.decompress(path.read_bytes()))
    assert lock.format.removesuffix(" (versions only)") == "requirements.txt"


PYPROJECT = (
    '# ours\n[build-system]\nrequires = ["hatchling"]\n\n[project]\nname = "a"\n'
    'dependencies = ["b>=1"]\n'
)
WORKFLOW = (
    "name: CI\non:\n  push:\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - run: make\n"
)
ENVIRONMENT = (
    "name: base\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip:\n"
    "    - a==1.0\n"
)
NOT_LOCKED = "it lists requirements, not locked versions"
EMPTY = "the file is empty"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EMPTY),
        (" \n\n", EMPTY),
        ("\ufeff", EMPTY),
        (
            "../base/conda-linux-64.lock",
            "the file is a symbolic link to ../base/conda-linux-64.lock",
        ),
        ("poetry.lock", "the file is a symbolic link to poetry.lock"),
        (PYPROJECT, f"the file is a pyproject.toml: {NOT_LOCKED}"),
        (
            "[tool.poetry.dependencies]\npython = '3'\n",
            f"the file is a pyproject.toml: {NOT_LOCKED}",
        ),
        (ENVIRONMENT, f"the file is an environment.yml: {NOT_LOCKED}"),
        ("dependencies:\n- python\n", f"the file is an environment.yml: {NOT_LOCKED}"),
        (WORKFLOW, "the file is a GitHub workflow"),
        (WORKFLOW.replace("on:", '"on":'), "the file is a GitHub workflow"),
        ("\n<!DOCTYPE html>\n<html></html>", "the file is a web page"),
        ("<HTML></HTML>", "the file is a web page"),
        ('{"name": "a", "dependencies": {"b": "^1"}}', f"the file is a package.json: {NOT_LOCKED}"),
        ('root = "sha256:00"\nformat = 1\n', "the file is part of a lock set"),
        ("# Written by Orbiter: what apt adds\n\nformat = 1\n", "the file is part of a lock set"),
        (
            "github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=\n"
            "github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=\n",
            "the file is a go.sum",
        ),
        (
            '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}',
            "the file is a CycloneDX SBOM",
        ),
        ('{"spdxVersion": "SPDX-2.3", "packages": []}', "the file is an SPDX SBOM"),
        ("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", "the file is an SPDX SBOM"),
        (
            "conda-forge/linux-64::numpy==2.1.2=py312h58c1407_0\n",
            "the file is a list of conda specs without addresses or hashes",
        ),
        (
            '{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {"name": "x"},\n  },\n}\n',
            "the file is a bun.lock",
        ),
        (
            '{"nodes": {"root": {}}, "root": "root", "version": 7}',
            "the file is a flake.lock",
        ),
        (
            'julia_version = "1.11.1"\nmanifest_format = "2.0"\n\n[[deps.Dates]]\nuuid = "a"\n',
            "the file is a Manifest.toml of Julia",
        ),
        (
            "GEM\n  remote: https://gems.example/\n  specs:\n    rake (13.2.1)\n\nDEPENDENCIES\n",
            "the file is a Gemfile.lock",
        ),
        ("numpy>=1.26\nscipy\n", "no version is pinned: numpy>=1.26, scipy"),
        ("attrs==1.0\rsix==1.17.0\r", "1: carriage return (CR) without a line feed (LF)"),
        ("a==1\nb==1\rc==1\n", "2: carriage return (CR) without a line feed (LF)"),
        ("This lock file is broken!\n", "unknown lock file format"),
        ("{}", "unknown lock file format"),
        ("[[package]]\n", "unknown lock file format"),
    ],
)
def test_files_that_are_not_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        recognise.read("it", text.encode())
    assert caught.value.message in {f"it: {expected}", f"it:{expected}"}
    assert caught.value.hint


def test_the_hint_for_an_unknown_format_lists_the_supported_ones() -> None:
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
        (gzip.compress(b"{}", mtime=0), "it: the file is gzip, not UTF-8 text"),
        (
            b'{"lockfileVersion": 3,\n"packages": {',
            "it:2: Expecting property name enclosed in double quotes",
        ),
        (b'{"lockfileVersion": 3,\n<<<<<<< HEAD\n', "it:2: unresolved merge conflict"),
        (
            b'{"lockfileVersion": 9}',
            "it: package-lock.json 9 is not supported (newest supported version: 3)",
        ),
        (
            b'version = 7\nrequires-python = ">=3"\n',
            "it: uv.lock 7 is not supported (newest supported version: 1)",
        ),
        (
            b'lock-version = "3.0"\n',
            "it: pylock.toml 3.0 is not supported (newest supported version: 1.0)",
        ),
        (
            b'[metadata]\nlock-version = "3.0"\n',
            "it: poetry.lock 3.0 is not supported (newest supported version: 2.1)",
        ),
    ],
)
def test_invalid_files_and_newer_formats(content: bytes, expected: str) -> None:
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
def test_invalid_versions_are_expected_errors(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"^a\.lock: "):
        recognise.read("a.lock", text.encode())
