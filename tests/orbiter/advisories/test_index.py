import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbiter.advisories.exports import find_files
from orbiter.advisories.index import Index, open_index, require_ecosystems
from resolvers import cache
from resolvers.errors import ExpectedError
from tests.support.osv import OSV, record, write_zip


@contextmanager
def opened(place: Path) -> Iterator[Index]:
    index = open_index(place)
    try:
        yield index
    finally:
        index.close()


def index_file() -> Path:
    (path,) = cache.folder("advisories").glob("*.sqlite")
    return path


def ids(index: Index, ecosystem: str, name: str) -> list[tuple[str, str]]:
    return [(group, advised.id) for group, advised in index.lookup(ecosystem, name)]


def cut_zip(path: Path) -> None:
    content = (OSV / "npm" / "all.zip").read_bytes()
    path.parent.mkdir(parents=True)
    path.write_bytes(content[: len(content) // 2])


def flipped_zip(path: Path) -> None:
    content = bytearray((OSV / "npm" / "all.zip").read_bytes())
    content[200] ^= 0xFF
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def zip_without_records(path: Path) -> None:
    write_zip(path)


def zip_with_a_cut_record(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("GHSA-1.json", b'{"id": "GHSA-1", "modi')


def test_names_its_provenance() -> None:
    with opened(OSV) as index:
        database = index.database
    assert database.records == {"Debian": 8, "PyPI": 567, "npm": 17}
    assert database.withdrawn == 79
    # A record was modified in 2027, by a mistake of its database.
    assert database.newest == "2026-07-23T14:32:21.428028Z"
    assert database.digest.startswith("sha256:")


def test_finds_the_records_of_a_package_by_group() -> None:
    with opened(OSV) as index:
        found = ids(index, "PyPI", "requests")
    assert ("CVE-2024-35195", "GHSA-9wx4-h78v-vm56") in found
    assert ("CVE-2024-35195", "PYSEC-2026-1873") in found


def test_a_release_of_debian_is_an_ecosystem_of_its_own() -> None:
    with opened(OSV) as index:
        assert ids(index, "Debian:14", "ncurses") == [
            ("DEBIAN-CVE-2025-6141", "DEBIAN-CVE-2025-6141")
        ]
        assert ids(index, "Debian:14", "sudo") == []


def test_withdrawn_records_are_skipped(tmp_path: Path) -> None:
    one = record("PyPI", "GHSA-h75v-3vvj-5mfj")
    write_zip(tmp_path / "PyPI" / "all.zip", one | {"withdrawn": "2026-01-01T00:00:00Z"})
    with opened(tmp_path) as index:
        assert ids(index, "PyPI", "jinja2") == []
        assert (index.database.records, index.database.withdrawn) == ({"PyPI": 1}, 1)


def test_a_real_withdrawn_record_is_not_in_the_index() -> None:
    withdrawn = record("PyPI", "PYSEC-2017-115")
    assert withdrawn["withdrawn"]
    with opened(OSV) as index:
        found = {name for _, name in ids(index, "PyPI", "exiv2")}
    assert "PYSEC-2017-115" not in found


def test_a_withdrawn_record_connects_no_others(tmp_path: Path) -> None:
    one = record("PyPI", "GHSA-h75v-3vvj-5mfj", aliases=[])
    other = one | {"id": "PYSEC-1"}
    link = one | {"id": "X", "aliases": ["PYSEC-1", one["id"]], "withdrawn": one["modified"]}
    write_zip(tmp_path / "PyPI" / "all.zip", one, other, link)
    with opened(tmp_path) as index:
        assert {group for group, _ in ids(index, "PyPI", "jinja2")} == {one["id"], "PYSEC-1"}


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_of_two_copies_counts(tmp_path: Path, newest_first: bool) -> None:
    old = record("PyPI", "GHSA-h75v-3vvj-5mfj", aliases=["OLD-1"])
    new = old | {"modified": "2026-01-01T00:00:00Z", "summary": "new", "aliases": ["CVE-1"]}
    copies = (new, old) if newest_first else (old, new)
    write_zip(tmp_path / "PyPI" / "all.zip", copies[0])
    write_zip(tmp_path / "npm" / "all.zip", copies[1])
    with opened(tmp_path) as index:
        (found,) = index.lookup("PyPI", "jinja2")
    assert (found[0], found[1].summary) == ("CVE-1", "new")


def test_a_folder_of_records_gives_the_same_answers(tmp_path: Path) -> None:
    for ecosystem in ("PyPI", "npm", "Debian"):
        with zipfile.ZipFile(OSV / ecosystem / "all.zip") as archive:
            archive.extractall(tmp_path / ecosystem / "2026")
    with opened(OSV) as zipped, opened(tmp_path) as unpacked:
        assert unpacked.database.records == zipped.database.records
        assert unpacked.lookup("PyPI", "jinja2") == zipped.lookup("PyPI", "jinja2")
        assert unpacked.lookup("PyPI", "jinja2")


def test_one_zip_file_is_a_database() -> None:
    with opened(OSV / "npm" / "all.zip") as index:
        assert index.database.records == {"npm": 17}
        assert ids(index, "npm", "debug")


def test_records_without_a_named_folder_count_by_their_packages(tmp_path: Path) -> None:
    write_zip(tmp_path / "mine.zip", record("npm", "GHSA-rc47-6667-2j5j"))
    with opened(tmp_path) as index:
        assert index.database.covers("npm")
        assert not index.database.covers("PyPI")


def test_a_record_about_two_ecosystems_is_not_an_export_of_both(tmp_path: Path) -> None:
    write_zip(tmp_path / "Debian" / "all.zip", record("PyPI", "GHSA-h75v-3vvj-5mfj"))
    with opened(tmp_path) as index:
        assert not index.database.covers("PyPI")


def test_an_export_of_one_release_covers_only_this_release(tmp_path: Path) -> None:
    write_zip(tmp_path / "Debian:13" / "all.zip", record("Debian", "DEBIAN-CVE-2025-6141"))
    with opened(tmp_path) as index:
        require_ecosystems(index.database, {"Debian:13"})
        with pytest.raises(ExpectedError, match=r"no advisories for Debian:12 \(it has: Debian:13"):
            require_ecosystems(index.database, {"Debian:12", "Debian:13"})


def test_the_index_is_made_once() -> None:
    with opened(OSV) as first:
        database = first.database
    made = index_file().stat().st_mtime_ns
    with opened(OSV) as second:
        assert second.database == database
    assert index_file().stat().st_mtime_ns == made


def test_a_changed_file_makes_a_new_index(tmp_path: Path) -> None:
    shutil.copytree(OSV, tmp_path / "osv")
    with opened(tmp_path / "osv") as index:
        before = index.database
    write_zip(tmp_path / "osv" / "npm" / "all.zip", record("npm", "MAL-2025-46974"))
    with opened(tmp_path / "osv") as index:
        after = index.database
    assert (before.records["npm"], after.records["npm"]) == (17, 1)
    assert before.digest != after.digest
    assert len(list(cache.folder("advisories").iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"not SQLite", None], ids=["empty", "other", "cut"])
def test_a_damaged_index_is_made_again(content: bytes | None) -> None:
    with opened(OSV):
        pass
    path = index_file()
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with opened(OSV) as index:
        assert ids(index, "npm", "debug")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (cut_zip, r"npm/all\.zip is not a complete zip file"),
        (flipped_zip, r"npm/all\.zip(: GHSA.*)? is (not a complete zip file|damaged)"),
        (zip_without_records, r"npm/all\.zip contains no records"),
        (zip_with_a_cut_record, r"npm/all\.zip: GHSA-1\.json is damaged"),
    ],
)
def test_damaged_data_is_an_error_and_leaves_no_index(
    tmp_path: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(tmp_path / "npm" / "all.zip")
    with pytest.raises(ExpectedError, match=problem):
        open_index(tmp_path)
    assert list(cache.folder("advisories").iterdir()) == []


def test_a_place_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="does not exist"):
        open_index(tmp_path / "missing")
    with pytest.raises(ExpectedError, match="has no records"):
        open_index(tmp_path)


def test_an_entry_that_unpacks_to_too_much_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "npm" / "all.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GHSA-1.json", b" " * (33 * 1024 * 1024))
    with pytest.raises(ExpectedError, match="too large"):
        open_index(tmp_path)


def test_other_json_files_beside_the_exports_do_not_count() -> None:
    assert {file.path.name for file in find_files(OSV)} == {"all.zip"}


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / "all.zip").symlink_to(tmp_path / "missing")
    with pytest.raises(ExpectedError, match=r"cannot read.*npm/all\.zip: No such file"):
        open_index(tmp_path)
