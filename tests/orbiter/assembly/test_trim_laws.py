"""Laws of trimming, for any files and any rules."""

from collections.abc import Mapping

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.assembly.tree import Entry
from orbiter.assembly.trim import Trimmed, trim
from orbiter.assembly.trim_view import is_licence
from tests.support.trim_trees import ALL_RULES, PACKAGES, Stage, file

ROOTS = (
    PACKAGES,
    "usr/lib/python3.13",
    "usr/lib/python3/dist-packages",
    "opt/env/lib/npm/node_modules",
    "usr/share",
    "usr/local/share",
    "opt/env",
    "home/jovyan/node_modules",
    "etc",
    "srv",
)
FOLDERS = ("a", "b", "tests", "test", "docs", "doc", "man", "node_modules", "de", "LC_MESSAGES")
FILES = (
    "LICENSE",
    "__init__.py",
    "a.py",
    "a.pyi",
    "a.js",
    "a.js.map",
    "a.mo",
    "a.exe",
    "a.a",
    "package.json",
    "x",
)
CONTENTS = (
    b"",
    b"from . import tests",
    b"from ..tests import a\nfrom a.tests import b",
    b"require('../test/a.js'); require('./docs')",
    b"lazy.attach_stub",
    b"\xcf\xfa\xed\xfe",
    b"x" * 4096,
    b"y" * 5000,
)
PATHS = st.builds(
    lambda root, folders, name: "/".join((root, *folders, name)),
    st.sampled_from(ROOTS),
    st.lists(st.sampled_from(FOLDERS), max_size=4),
    st.sampled_from(FILES),
)
PACKAGES_OF_FILES = st.sampled_from(["", "pip:a", "npm:b", "apt:c"])
RULES = st.frozensets(st.sampled_from(sorted(ALL_RULES)), min_size=1)


class Case(msgspec.Struct, frozen=True):
    """The arguments of ``trim``."""

    own: Mapping[str, Entry]
    owner: Mapping[str, str]
    contents: Mapping[str, bytes]
    rules: frozenset[str]
    keep: frozenset[str]

    def run(self) -> Trimmed:
        return trim(self.own, self.owner, self.rules, self.contents.__getitem__, self.keep)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    contents = draw(st.dictionaries(PATHS, st.sampled_from(CONTENTS), max_size=12))
    # A path is either a file or a folder.
    folders = {path[:end] for path in contents for end, mark in enumerate(path) if mark == "/"}
    contents = {path: data for path, data in contents.items() if path not in folders}
    paths = sorted(contents)
    stage = Stage(contents)
    for path in draw(st.sets(st.sampled_from(paths or ["x"]))) & set(paths):
        # Files with one content are hard links of one file.
        stage.own[path] = file(contents[path], inode=1 + CONTENTS.index(contents[path]))
    owner = {path: draw(PACKAGES_OF_FILES) for path in paths}
    keep = draw(st.sets(st.sampled_from(paths or ["x"]), max_size=2))
    return Case(
        stage.own,
        {path: name for path, name in owner.items() if name},
        contents,
        draw(RULES),
        frozenset(keep),
    )


@settings(max_examples=50)
@given(cases())
def test_every_path_is_either_kept_or_listed(case: Case) -> None:
    trimmed = case.run()
    listed = [path for paths in trimmed.removed.values() for path in paths]
    folders = tuple(path for path in listed if path.endswith("/"))
    gone = {path for path in case.own if f"{path}/".startswith(folders or ("//",))}
    gone |= {path for path in listed if not path.endswith("/")}
    assert gone | trimmed.entries.keys() == case.own.keys()
    assert not gone & trimmed.entries.keys()


@settings(max_examples=50)
@given(cases())
def test_trimming_twice_is_trimming_once(case: Case) -> None:
    once = case.run()
    twice = msgspec.structs.replace(case, own=once.entries).run()
    assert twice.entries == once.entries
    assert not twice.removed
    assert not twice.linked


@settings(max_examples=50)
@given(cases())
def test_licences_own_files_and_files_of_people_stay(case: Case) -> None:
    kept = case.run().entries
    for path in case.contents:
        if is_licence(path) or path in case.keep or path.startswith(("etc/", "home/", "srv/")):
            assert path in kept


@settings(max_examples=50)
@given(cases())
def test_the_folders_of_every_kept_path_stay(case: Case) -> None:
    kept = case.run().entries
    for path in kept:
        parent = path.rpartition("/")[0]
        assert not parent or parent in kept


@settings(max_examples=50)
@given(cases())
def test_nothing_but_the_inode_of_a_path_changes(case: Case) -> None:
    for path, entry in case.run().entries.items():
        assert entry == msgspec.structs.replace(case.own[path], inode=entry.inode)


@settings(max_examples=50)
@given(cases())
def test_hard_links_stay_and_only_join_equal_files(case: Case) -> None:
    kept = case.run().entries
    links: dict[int, set[int]] = {}
    contents: dict[int, set[bytes]] = {}
    for path in kept.keys() & case.contents.keys():
        links.setdefault(case.own[path].inode, set()).add(kept[path].inode)
        contents.setdefault(kept[path].inode, set()).add(case.contents[path])
    assert all(len(inodes) == 1 for inode, inodes in links.items() if inode)
    assert all(len(each) == 1 for inode, each in contents.items() if inode)


@settings(max_examples=50)
@given(cases())
def test_the_order_of_paths_and_rules_has_no_effect(case: Case) -> None:
    other = trim(
        dict(sorted(case.own.items(), reverse=True)),
        dict(sorted(case.owner.items(), reverse=True)),
        sorted(case.rules, reverse=True),
        case.contents.__getitem__,
        sorted(case.keep, reverse=True),
    )
    assert other == case.run()
