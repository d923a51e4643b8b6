"""Locks of Pipenv, PDM, Yarn, pnpm, Cargo and renv, and outputs that have versions only."""

from contextlib import suppress

import pytest

from orbiter.diff.compare import diff
from orbiter.diff.requirement_chains import RequirementChains
from orbiter.lockfiles import recognise
from orbiter.lockfiles.types import Lock, PackageEntry
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks" / "other"
FORMATS = {
    "Cargo.lock": "Cargo.lock 4",
    "Pipfile.lock": "Pipfile.lock 6",
    "pdm.lock": "pdm.lock 4.5.0",
    "pnpm-lock.yaml": "pnpm-lock.yaml 9.0",
    "renv.lock": "renv.lock (versions only)",
    "yarn-1.lock": "yarn.lock 1",
    "yarn-berry.lock": "yarn.lock 10",
}
VERSIONS_ONLY = ("it has versions only, so a file that was replaced is not noticed",)


def read(file: str) -> Lock:
    return recognise.read("x", (DATA / file).read_bytes())


def entries(lock: Lock) -> tuple[PackageEntry, ...]:
    (packages,) = lock.packages.values()
    return packages


def versions(lock: Lock) -> list[str]:
    return [f"{each.manager} {each.name} {each.version}" for each in entries(lock)]


@pytest.mark.parametrize("file", FORMATS)
def test_the_content_determines_the_format(file: str) -> None:
    lock = read(file)
    assert lock.format == FORMATS[file]
    assert not diff(lock, lock).changes


@pytest.mark.parametrize("file", FORMATS)
def test_a_truncated_file_is_an_error_or_a_lock(file: str) -> None:
    content = (DATA / file).read_bytes()
    for size in range(1, len(content), 97):
        with suppress(ExpectedError):
            assert recognise.read("x", content[:size]).packages


NPM = [
    "npm ansi-regex 5.0.1",
    "npm debug 4.4.3",
    "npm emoji-regex 8.0.0",
    "npm is-fullwidth-code-point 3.0.0",
    "npm is-number 6.0.0",
    "npm is-odd 3.0.1",
    "npm left-pad 1.3.0",
    "npm ms 2.0.0",
    "npm ms 2.1.3",
    "npm string-width 4.2.3",
    "npm strip-ansi 6.0.1",
]


@pytest.mark.parametrize("file", ["pnpm-lock.yaml", "yarn-1.lock", "yarn-berry.lock"])
def test_the_same_project_locked_by_yarn_and_pnpm(file: str) -> None:
    lock = read(file)
    assert versions(lock) == NPM
    packages = entries(lock)
    assert all(each.files and not each.source for each in packages)
    chains = {
        f"{each.name} {each.version}": RequirementChains().chain(packages, [each])
        for each in packages
    }
    assert chains["ms 2.1.3"] == ("debug", "ms")
    assert chains["ms 2.0.0"] == ("ms",)
    assert chains["ansi-regex 5.0.1"] == ("string-width", "strip-ansi", "ansi-regex")


def test_files_of_yarn_1_and_pnpm_are_the_same() -> None:
    result = diff(read("yarn-1.lock"), read("pnpm-lock.yaml"))
    assert not result.changes


def test_pnpm_distinguishes_copies_by_their_peers() -> None:
    text = """lockfileVersion: '6.0'
dependencies:
  a:
    specifier: ^1
    version: 1.0.0(b@2.0.0)
packages:
  /a@1.0.0(b@2.0.0):
    resolution: {integrity: sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=}
    dependencies:
      c: 1.10.0
  /c@1.10.0:
    resolution: {integrity: sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=}
"""
    lock = recognise.read("x", text.encode())
    assert versions(lock) == ["npm a 1.0.0", "npm c 1.10.0"]
    assert [each.direct for each in entries(lock)] == [True, False]
    assert entries(lock)[0].requires == ("c",)
    with pytest.raises(ExpectedError, match="not supported"):
        recognise.read("x", b"lockfileVersion: '10.0'\n")


def test_pipenv() -> None:
    lock = read("Pipfile.lock")
    assert versions(lock) == [
        "pip anyio 4.6.0",
        "pip idna 3.20",
        "pip sniffio 1.3.1",
        "pip iniconfig 2.0.0",
    ]
    groups = {each.name: each.groups for each in entries(lock)}
    assert groups["idna"] == ("default", "develop")
    assert groups["iniconfig"] == ("develop",)
    assert all(len(each.files) == 2 for each in entries(lock))


def test_pdm() -> None:
    requests, idna = entries(read("pdm.lock"))
    assert (requests.name, requests.version, requests.requires) == ("requests", "2.32.3", ("idna",))
    assert idna.files[0].name == "idna-3.10-py3-none-any.whl"


def test_cargo() -> None:
    packages = entries(read("Cargo.lock"))
    assert [(each.name, each.version, each.direct) for each in packages] == [
        ("app", "0.1.0", True),
        ("itoa", "0.4.8", False),
        ("itoa", "1.0.11", True),
        ("serde", "1.0.200", True),
    ]
    chain = RequirementChains().chain(packages, [packages[1]])
    assert chain == ("serde", "itoa")
    assert packages[3].build == "0123456789abcdef0123456789abcdef01234567"


def test_renv() -> None:
    lock = read("renv.lock")
    assert versions(lock) == ["r R 4.4.1", "r cli 3.6.3", "r pillar 1.9.0-1"]
    pillar = entries(lock)[2]
    assert (pillar.source, pillar.requires) == ("api.github.com: r-lib/pillar", ("cli",))
    assert lock.notes == VERSIONS_ONLY
    text = (DATA / "renv.lock").read_text().replace("3.6.3", "3.10.0")
    (change,) = diff(lock, recognise.read("y", text.encode())).changes
    assert (change.kind, change.step) == ("upgraded", "minor")


TABLE = """# packages in environment at /opt/env:
#
# Name                    Version                   Build  Channel
attrs                     25.1.0                   pypi_0    pypi
numpy                     2.2.0           py312h58c1407_0    conda-forge
tzdata                    2025a                h78e105d_0
"""
EXPORT = """# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
attrs=25.1.0=pypi_0
numpy=2.2.0=py312h58c1407_0
"""
EXPLICIT = "@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/linux-64/xz-5.8.1-hbcc6ac9_2.conda\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TABLE, ["pip attrs 25.1.0", "conda numpy 2.2.0", "conda tzdata 2025a"]),
        (EXPORT, ["pip attrs 25.1.0", "conda numpy 2.2.0"]),
        (EXPLICIT, ["conda xz 5.8.1"]),
        ("attrs==25.1.0\nsix==1.17.0\n", ["pip attrs 25.1.0", "pip six 1.17.0"]),
    ],
)
def test_outputs_with_versions_only(text: str, found: list[str]) -> None:
    lock = recognise.read("x", text.encode())
    assert versions(lock) == found
    assert lock.format.endswith(" (versions only)")
    assert lock.notes == VERSIONS_ONLY


def test_a_version_that_a_format_omits_did_not_change() -> None:
    head = "environments:\n  default:\n    channels: []\n    packages:\n      linux-64:\n"
    package = "      - pypi: ./lib\npackages:\n- pypi: ./lib\n  name: lib\n"
    old = f"version: 6\n{head}{package}  version: 2025.3.0\n"
    new = f"version: 7\nplatforms:\n- name: linux-64\n{head}{package}"
    locks = [recognise.read("x", text.encode()) for text in (old, new)]
    assert not diff(*locks).changes
    other = recognise.read("x", old.replace("2025.3.0", "2025.4.0").encode())
    assert [change.kind for change in diff(locks[0], other).changes] == ["upgraded"]
