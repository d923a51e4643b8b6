"""requirements.txt as pip-tools, uv, Poetry and people write it."""

import gzip
from pathlib import Path

import pytest

from orbiter.lockfiles import requirements
from orbiter.lockfiles.document import VERSIONS_ONLY
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
SPECIMENS = sorted((DATA / "requirements").glob("*.gz"))
HASH = "sha256:" + "a" * 64


def unpacked(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


def read(text: str) -> Lock:
    assert requirements.recognises(text)
    return requirements.read("requirements.txt", text)


def by_name(text: str) -> dict[str, PackageEntry]:
    return {each.name: each for each in read(text).packages[Scope()]}


def versions(text: str) -> dict[str, str]:
    return {name: each.version for name, each in by_name(text).items()}


@pytest.mark.parametrize(
    ("pair", "entries"),
    [
        ("01-warehouse-deploy", (18, 14)),
        ("02-rules-python-docs", (32, 35)),
        ("03-rules-python-bzlmod", (28, 47)),
        ("05-warehouse-lint", (55, 59)),
        ("07-orbiter-markers-no-hashes", (97, 149)),
    ],
)
def test_counts_of_real_locks(pair: str, entries: tuple[int, int]) -> None:
    folder = DATA / "pairs" / "requirements" / pair
    locks = [read(unpacked(folder / f"{side}.requirements.txt.gz")) for side in ("old", "new")]
    found = [lock.packages[Scope()] for lock in locks]
    assert tuple(len(packages) for packages in found) == entries
    assert tuple(len({p.name for p in packages}) for packages in found) == entries
    has_hashes = pair != "07-orbiter-markers-no-hashes"
    notes = () if has_hashes else (VERSIONS_ONLY,)
    assert [lock.notes for lock in locks] == [notes, notes]
    assert all(bool(p.files) == has_hashes for packages in found for p in packages)
    assert all((p.direct is None) != has_hashes for packages in found for p in packages)


LOOSE = ("uv-constraints-a", "uv-include-b")
"""Specimens in which nothing is pinned."""


@pytest.mark.parametrize(
    "path", SPECIMENS, ids=lambda path: path.name.removesuffix(".requirements.txt.gz")
)
def test_every_specimen_is_read(path: Path) -> None:
    if path.name.startswith(LOOSE):
        with pytest.raises(ExpectedError, match="no version is pinned"):
            read(unpacked(path))
        return
    lock = read(unpacked(path))
    assert lock.packages[Scope()] or lock.notes


def test_requiring_packages_of_a_real_file() -> None:
    found = by_name(
        unpacked(DATA / "pairs/requirements/01-warehouse-deploy/old.requirements.txt.gz")
    )
    assert found["attrs"].direct is False
    assert (found["ddtrace"].direct, "attrs" in found["ddtrace"].requires) == (True, True)
    assert "attrs" in found["cattrs"].requires


@pytest.mark.parametrize(
    ("comment", "direct", "needed_by_b"),
    [
        ("    # via -r x.in", True, False),
        ("    # via x.y (pyproject.toml)", True, False),
        ("    # via the-project", True, False),
        ("    # via b", False, True),
        ("    # via -c constraints.txt, b", False, True),
        ("    # via b, -r x.in", True, True),
        ("    # via\n    #   b\n    #   -r x.in", True, True),
        ("    # via\n    #   -c constraints.txt\n    #   B[extra]", False, True),
        ("    # via\n    #   -r x.in\n    # from https:///simple", True, False),
    ],
)
def test_via(comment: str, direct: bool, needed_by_b: bool) -> None:
    found = by_name(
        f"a==1.0 \\\n    --hash={HASH}\n{comment}\n\n# via nothing\nb==2.0  # via -r x.in\n"
    )
    assert (found["a"].direct, found["b"].direct) == (direct, True)
    assert found["b"].requires == (("a",) if needed_by_b else ())


def test_a_package_without_a_comment_is_direct_if_others_have_one() -> None:
    found = by_name("a==1.0\n    # via b\nb==2.0\n")
    assert (found["a"].direct, found["b"].direct) == (False, True)
    assert by_name("a==1.0\nb==2.0  # a comment\n")["a"].direct is None


def test_hashes() -> None:
    text = f"A_b.c[x,y]==1.0 ; python_version > '3' \\\n  --hash={HASH} --hash sha512:{'B' * 128}\n"
    found = by_name(text)["a-b-c"]
    assert (found.version, found.files) == (
        "1.0",
        (PackageFile("", (HASH,)), PackageFile("", ("sha512:" + "b" * 128,))),
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a==1.0", {"a": "1.0"}),
        ("a===1.0+local", {"a": "1.0+local"}),
        ("a (==1.0)", {"a": "1.0"}),
        ("a == 1.0,<2", {"a": "1.0"}),
        ('a==1.0;python_version<"3"', {"a": "1.0"}),
        ("a==1.0 # not b==2.0", {"a": "1.0"}),
        ("a==1.*\nc==1", {"c": "1"}),
        ("a~=1.0\nc==1", {"c": "1"}),
        ("a\nc==1", {"c": "1"}),
        ("a[b]>=1,<2\nc==1", {"c": "1"}),
    ],
)
def test_pins(line: str, found: dict[str, str]) -> None:
    assert versions(line) == found


@pytest.mark.parametrize(
    ("line", "name", "version", "source", "build"),
    [
        (
            "a @ git+https://me:secret@example.org/b.git@0123abc#subdirectory=x",
            "a",
            "",
            "git+https://example.org/b.git",
            "0123abc",
        ),
        (
            "git+https://example.org/b.git@v1#egg=a[x]",
            "a",
            "",
            "git+https://example.org/b.git",
            "v1",
        ),
        (
            "https://example.org/a_b-1.0-py3-none-any.whl",
            "a-b",
            "1.0",
            "https://example.org/a_b-1.0-py3-none-any.whl",
            "",
        ),
        (
            "a@https://example.org/a-1.0.tar.gz ; python_version > '3'",
            "a",
            "1.0",
            "https://example.org/a-1.0.tar.gz",
            "",
        ),
        ("./wheels/a-1.0-py3-none-any.whl", "a", "1.0", "./wheels/a-1.0-py3-none-any.whl", ""),
        (
            "-e ./folder/My_Package[dev]  # comment",
            "my-package",
            "",
            "./folder/My_Package[dev]",
            "",
        ),
        ("--editable=file:///folder/a", "a", "", "file:///folder/a", ""),
        ("-e .", ".", "", ".", ""),
    ],
)
def test_urls_and_paths(line: str, name: str, version: str, source: str, build: str) -> None:
    (found,) = read(line).packages[Scope()]
    assert (found.name, found.version, found.source, found.build) == (name, version, source, build)


def test_a_hash_in_a_url() -> None:
    (found,) = read(f"https://example.org/a-1.0.tar.gz#sha256={'a' * 64}").packages[Scope()]
    assert found.files == (PackageFile("a-1.0.tar.gz", (HASH,)),)


def test_notes_and_indexes() -> None:
    options = (
        "--index-url https://me:secret@example.org/simple\n"
        "--extra-index-url=https:///simple/\n--no-binary :all:\n"
    )
    lock = read(
        f"{options}-r other.txt\n-c limits.txt\na==1.0\nb>=2\nc\n"
        + "".join(f"x{n}\n" for n in range(8))
    )
    assert [each.name for each in lock.packages[Scope()]] == ["a"]
    assert lock.notes == (
        "left out, because no version is pinned: b>=2, c, x0, x1, x2, x3, x4, x5 and 2 more",
        VERSIONS_ONLY,
        "other files that it names are not read: other.txt, limits.txt",
    )
    assert lock.facts == {
        "index option": {
            "--index-url": "https://example.org/simple",
            "--extra-index-url https:///simple/": "https:///simple/",
        }
    }


def test_a_package_without_a_hash_is_noted() -> None:
    assert read(f"a==1.0 --hash={HASH}\nb==1.0\n-e ./c\n").notes == (
        "without a hash, which others have: b",
    )
    assert read("a==1.0\nb==1.0\n").notes == (VERSIONS_ONLY,)


def test_a_name_with_two_markers_becomes_two_packages() -> None:
    text = 'a==1.0 ; python_version < "3.9"\na==2.0 ; python_version >= "3.9"\n'
    assert [each.version for each in read(text).packages[Scope()]] == ["1.0", "2.0"]


@pytest.mark.parametrize(
    "text",
    [
        "name: x\n",
        "<html>\n",
        "{}",
        "import os\n",
        "[project]\n",
        "dependencies:\n  - a==1.0\n",
        "# only\n",
        "a b c\n",
        "a\nb c\n",
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    assert not requirements.recognises(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==1.0\nb b\n", ":2: 'b b' is not a requirement"),
        ("a==1.0\nb==\n", ":2: 'b==' is not a requirement"),
        (
            f"a==1.0\n\nb==2.0 \\\n    --hash={HASH} \\\n",
            ":3: the file ends within this line",
        ),
        (
            f"a==1.0\nb==2.0 \\\n    --hash={HASH[:-1]}\n",
            f":2: '{HASH[:-1]}' is not a valid hash: it may be cut off",
        ),
        ("a==1.0 --hash=sha9:00\n", ":1: 'sha9:00' is not a valid hash: it may be cut off"),
        (f"a==1.0 \\\n  # why\n    --hash={HASH}\n", ":3: a hash without a package"),
    ],
)
def test_broken_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        requirements.read("requirements.txt", text)
    assert caught.value.message == f"requirements.txt{expected}"
