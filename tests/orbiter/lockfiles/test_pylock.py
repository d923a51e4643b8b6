"""pylock.toml as specified in PEP 751."""

import pytest

from orbiter.lockfiles import pylock
from orbiter.lockfiles.types import Lock, PackageFile, Scope
from resolvers.errors import ExpectedError

LOCK = """# written by a tool
lock-version = "1.0"
created-by = "some tool"
requires-python = ">=3.11"

[[packages]]
name = "Jinja2"
version = "3.1.6"
index = "https:///simple"
dependencies = [{ name = "MarkupSafe" }]

[packages.sdist]
name = "jinja2-3.1.6.tar.gz"
url = "https:///packages/b/3"
size = 245115
hashes = { sha256 = "AB" }

[[packages.wheels]]
url = "https:///packages/a/jinja2-3.1.6-py3-none-any.whl"
size = 134899
hashes = { md5 = "1", sha256 = "2" }

[[packages]]
name = "markupsafe"
version = "3.0.4"
marker = "sys_platform == 'linux'"
index = "https:///simple"

[[packages.wheels]]
path = "markupsafe-3.0.4-cp311-cp311-win32.whl"
upload-time = 2026-10-02
size = 1
hashes = { sha256 = "3" }

[[packages.wheels]]
url = "https:///packages/markupsafe-3.0.4-cp311-cp311-win_amd64.whl"
size = 2
hashes = { sha256 = "4" }

[[packages]]
name = "private"
version = "1.0"
index = "https://me:secret@example.org/simple"

[[packages]]
name = "from-git"

[packages.vcs]
type = "git"
url = "https://example.org/a.git"
requested-revision = "main"
commit-id = "0123abc"

[[packages]]
name = "from-here"
directory = { path = "../here", editable = true }

[[packages]]
name = "from-archive"
archive = { url = "https://example.org/from_archive-2.0.zip", size = 9, hashes = { sha256 = "5" } }
"""


@pytest.fixture
def lock() -> Lock:
    assert pylock.recognises(LOCK)
    return pylock.read("pylock.toml", LOCK)


def test_files_sizes_and_requirements(lock: Lock) -> None:
    jinja, markup, *_ = lock.packages[Scope()]
    assert (jinja.name, jinja.version, jinja.requires, jinja.direct) == (
        "jinja2",
        "3.1.6",
        ("markupsafe",),
        None,
    )
    assert jinja.files == (
        PackageFile("jinja2-3.1.6-py3-none-any.whl", ("md5:1", "sha256:2")),
        PackageFile("jinja2-3.1.6.tar.gz", ("sha256:ab",)),
    )
    assert (jinja.size, markup.size) == (134899, 0)
    assert [file.name for file in markup.files] == [
        "markupsafe-3.0.4-cp311-cp311-win32.whl",
        "markupsafe-3.0.4-cp311-cp311-win_amd64.whl",
    ]


def test_sources(lock: Lock) -> None:
    assert {each.name: (each.source, each.build) for each in lock.packages[Scope()]} == {
        "jinja2": ("", ""),
        "markupsafe": ("", ""),
        "private": ("https://example.org/simple", ""),
        "from-git": ("https://example.org/a.git", "0123abc"),
        "from-here": ("../here", ""),
        "from-archive": ("https://example.org/from_archive-2.0.zip", ""),
    }
    assert lock.packages[Scope()][-1].size == 9
    assert lock.facts == {"index": {"of most packages": "https:///simple"}}
    assert (lock.format, lock.notes) == ("pylock.toml 1.0", ())


def test_a_lock_version_within_a_table_is_another_format() -> None:
    assert not pylock.recognises('[metadata]\nname = "a"\n[[package]]\nlock-version = "1.0"\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            LOCK.replace('"1.0"', '"2.0"', 1),
            ": pylock.toml 2.0 is not supported (newest supported version: 1.0)",
        ),
        (
            LOCK.replace("size = 245115", "size = -1"),
            ":6: packages[0].sdist.size: Expected `int` >= 0",
        ),
        (
            LOCK.replace('name = "private"\n', ""),
            ":40: packages[2]: Object missing required field `name`",
        ),
        (
            LOCK.partition(' = "https:///packages/a')[0],
            ":19: Expected '=' after a key in a key/value pair",
        ),
    ],
)
def test_broken_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        pylock.read("pylock.toml", text)
    assert caught.value.message == f"pylock.toml{expected}"
