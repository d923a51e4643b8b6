"""The list of known names, and names that look like those in it."""

import gzip
import json

import pytest

from orbiter.lint.check import check_lock_file
from orbiter.lint.known_names import MANAGERS, PATH, known_names, look_alikes
from orbiter.lint.types import Finding, Settings
from tests.support import known_names as generator
from tests.support.paths import ROOT, TESTS


def similar(manager: str, name: str) -> str:
    names = look_alikes(manager)
    assert names is not None
    return names.find(name)


def test_the_list_follows_from_the_real_lock_files() -> None:
    assert generator.known_names() == PATH.read_text(encoding="utf-8")


def test_the_documentation_has_the_date_of_the_list() -> None:
    page = (ROOT / "docs" / "reference" / "lint.md").read_text(encoding="utf-8")
    assert f"of {known_names().date}" in page


@pytest.mark.parametrize(
    ("manager", "name", "expected"),
    [
        ("pip", "reqeusts", "requests"),  # swapped
        ("pip", "requets", "requests"),  # removed
        ("pip", "numpyy", "numpy"),  # added
        ("pip", "colourama", "colorama"),
        ("npm", "loda5h", "lodash"),  # replaced
        ("npm", "crossspawn", "cross-spawn"),
        ("npm", "rnicrornatch", "micromatch"),  # letters that look like others
        ("npm", "@bable/core", "@babel"),
    ],
)
def test_look_alikes_are_found(manager: str, name: str, expected: str) -> None:
    assert similar(manager, name) == expected


@pytest.mark.parametrize(
    ("manager", "name"),
    [
        ("pip", "requests"),
        ("pip", "jinja3"),  # another version of a name
        ("pip", "six2"),
        ("pip", "sox"),  # too short
        ("pip", "wholly-different"),
        ("npm", "@babel/cor"),  # of the same owner
        ("npm", "@example/lodahs"),
        ("npm", "a" * 100_000),
    ],
)
def test_other_names_are_not_reported(manager: str, name: str) -> None:
    assert similar(manager, name) == ""


def test_managers_with_reviewed_packages_are_not_compared() -> None:
    assert look_alikes("apt") is None
    assert look_alikes("conda") is None


@pytest.mark.parametrize("manager", MANAGERS)
def test_no_known_name_is_a_look_alike(manager: str) -> None:
    names = known_names().managers[manager]
    assert not any(similar(manager, name) for name in names.widely_used | names.others)


def findings(text: bytes, *known: str) -> list[Finding]:
    found = check_lock_file("lock", text, Settings(known_names=frozenset(known))).findings
    return [each for each in found if each.rule == "look-alike-name"]


def test_a_finding_names_the_imitated_package_and_the_date_of_the_list() -> None:
    lock = f"reqeusts==2.32.0 \\\n    --hash=sha256:{'a' * 64}\n".encode()
    (finding,) = findings(lock)
    expected = "reqeusts 2.32.0: looks like requests, and is not in the list of "
    assert finding.message == expected + known_names().date
    assert finding.line == 1
    assert findings(lock, "reqeusts") == []


def test_a_folder_of_the_project_is_not_a_look_alike() -> None:
    packages = {"": {}, "packages/lodahs": {"name": "lodahs", "version": "1.0.0"}}
    text = json.dumps({"lockfileVersion": 3, "packages": packages})
    assert findings(text.encode()) == []
    assert findings(text.replace("packages/", "node_modules/").encode())


def test_no_real_lock_file_has_a_look_alike() -> None:
    for path in sorted((TESTS / "data" / "locks").glob("package-lock/*.gz")):
        assert findings(gzip.decompress(path.read_bytes())) == []
