"""Make the list of known names of packages from the real lock files of this repository.

The list is ``orbiter/lint/known_names.json``. Write it again after a lock file was added:
``python -m tests.support.known_names``. A name is widely used if lock files of at least two
repositories contain it. Files of which the repository is unknown only make a name known. The names
are facts of these lock files, not of another list.
"""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from orbiter.advisories.subjects import NotCovered, index_identity
from orbiter.lint.entries import is_own
from orbiter.lint.known_names import MANAGERS, PATH
from orbiter.lint.npm_entries import npm_facts
from orbiter.lockfiles.recognise import decode, find_reader
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT, TESTS

LOCKS = TESTS / "data" / "locks"
PAIRS = LOCKS / "pairs"
SPECIMENS = ("conda-lock", "explicit", "mamba", "package-lock", "pixi", "poetry", "requirements")
ROW = re.compile(r"\| (?P<folder>[\w./-]+) \| (?P<repository>[\w.-]+/[\w.-]+) \|")
DATE = re.compile(r"\((20\d\d-\d\d-\d\d)\)")
OWN_LOCKS = ("package-lock.json", "poetry.lock", "conda-lock.yml")
OWN_REPOSITORY = "dorgeln/orbiter"
"""The original Orbiter, whose images the lock sets of this repository describe."""
ECOSYSTEMS = {"PyPI": "pip", "npm": "npm"}
WIDELY_USED = 2
"""Repositories whose lock files contain a widely used name."""

Names = dict[str, dict[str, set[str]]]
"""Repositories by manager and name."""


def known_names() -> str:
    """Return the list as JSON with one name per line."""
    names = _names()
    document = {
        "date": max(DATE.findall((PAIRS / "README.md").read_text(encoding="utf-8"))),
        "managers": {
            manager: {
                "widely_used": sorted(
                    name for name, found in names[manager].items() if len(found) >= WIDELY_USED
                ),
                "others": sorted(
                    name for name, found in names[manager].items() if len(found) < WIDELY_USED
                ),
            }
            for manager in MANAGERS
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _names() -> Names:
    names: Names = defaultdict(lambda: defaultdict(set))
    for path, repository in _files():
        for manager, name in _names_in(path):
            names[manager][name].add(repository)
    for folder in SPECIMENS:
        for path in sorted((LOCKS / folder).glob("*.gz")):
            # Some of these files are invalid or too new on purpose.
            with suppress(ExpectedError):
                for manager, name in _names_in(path):
                    names[manager].setdefault(name, set())
    return names


def _files() -> Iterator[tuple[Path, str]]:
    """Yield the lock files with their repositories."""
    for row in ROW.finditer((PAIRS / "README.md").read_text(encoding="utf-8")):
        for path in sorted((PAIRS / row["folder"]).glob("*.gz")):
            yield path, row["repository"]
    for folder in sorted((ROOT / "locks").glob("*/*")):
        for name in OWN_LOCKS:
            if (folder / name).is_file():
                yield folder / name, OWN_REPOSITORY


def _names_in(path: Path) -> Iterator[tuple[str, str]]:
    content = path.read_bytes()
    text = decode(path.name, gzip.decompress(content) if path.suffix == ".gz" else content)
    reader = find_reader(path.name.removesuffix(".gz"), text)
    facts = npm_facts(reader, text)
    for entries in reader.read(path.name, text).packages.values():
        for entry in entries:
            identity = index_identity(entry)
            if not is_own(entry, facts) and not isinstance(identity, NotCovered):
                # Python packages from conda channels are usually in the Python index too.
                ecosystem, name, *_ = identity
                yield ECOSYSTEMS[ecosystem], name


if __name__ == "__main__":
    PATH.write_text(known_names(), encoding="utf-8")
