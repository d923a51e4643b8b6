"""Real lock files: each finding in them is listed here, so that none is a false alarm."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from orbiter.lint.check import check_lock_file
from orbiter.lint.types import Settings
from tests.support.paths import TESTS

LOCKS = TESTS / "data" / "locks"
PAIRS = sorted(LOCKS.glob("pairs/*/*/*.gz"))
EXPECTED = {
    "package-lock/01-orbiter/new": {"weak-hash": 32, "install-script": 1},
    "package-lock/01-orbiter/old": {"weak-hash": 36, "install-script": 1},
    "package-lock/02-chp-v2/new": {"weak-hash": 64},
    "package-lock/02-chp-v2/old": {"weak-hash": 64},
    "package-lock/03-chp-v2-to-v3/old": {"weak-hash": 61},
    "package-lock/04-jupyterhub-jsx/new": {"install-script": 2},
    "package-lock/04-jupyterhub-jsx/old": {"install-script": 2},
    "package-lock/05-lonboard/new": {"install-script": 5},
    "package-lock/05-lonboard/old": {"install-script": 3},
    "package-lock/06-warehouse-v2-to-v3/new": {"install-script": 7},
    "package-lock/06-warehouse-v2-to-v3/old": {
        "insecure-address": 34,
        "weak-hash": 494,
        "install-script": 10,
    },
    "poetry/01-orbiter/new": {"sdist-only": 18},
    "poetry/01-orbiter/old": {"sdist-only": 2},
    "poetry/03-poetry-1.1-to-2.0/new": {"sdist-only": 2},
    "poetry/03-poetry-1.1-to-2.0/old": {"sdist-only": 2},
    "poetry/04-poetry-2.0-to-2.1/new": {"sdist-only": 1},
    "poetry/04-poetry-2.0-to-2.1/old": {"sdist-only": 1},
    "poetry/05-lonboard-early/new": {"sdist-only": 1},
    "poetry/06-lonboard-later/old": {"sdist-only": 1},
    "requirements/02-rules-python-docs/new": {"index-option": 1},
    "requirements/02-rules-python-docs/old": {"index-option": 1},
    "requirements/03-rules-python-bzlmod/new": {"index-option": 2},
    "requirements/03-rules-python-bzlmod/old": {"index-option": 1},
    "requirements/07-orbiter-markers-no-hashes/new": {"no-hash": 1},
    "requirements/07-orbiter-markers-no-hashes/old": {"no-hash": 1},
}


@pytest.mark.parametrize(
    "pair", sorted({path.parent for path in PAIRS}), ids=lambda path: path.name
)
def test_findings_in_real_locks_are_known(pair: Path) -> None:
    for path in (each for each in PAIRS if each.parent == pair):
        found = check_lock_file(path.name, gzip.decompress(path.read_bytes()), Settings()).findings
        kind, name = path.parent.parent.name, path.parent.name
        key = f"{kind}/{name}/{path.name.partition('.')[0]}"
        assert dict(Counter(each.rule for each in found)) == EXPECTED.get(key, {}), key


def test_all_expected_files_exist() -> None:
    names = {
        f"{path.parent.parent.name}/{path.parent.name}/{path.name.partition('.')[0]}"
        for path in PAIRS
    }
    assert EXPECTED.keys() <= names
    assert len(names) > 70
