"""The proxy of the package index, and prefetching through it."""

import hashlib
import json
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import ProxyHandler, build_opener

import pytest

from resolvers import cache
from resolvers.errors import ExpectedError
from resolvers.index.index import Index
from resolvers.index.index_file import IndexFile, version_of
from resolvers.pip import prefetch
from resolvers.pip.index_proxy import (
    IndexProxy,
    published_before,
    serve,
    without_unconditional_requirements,
)
from resolvers.types.request import Target

TARGET = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")


def get(url: str) -> bytes:
    with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
        content = answer.read()
        assert isinstance(content, bytes)
        return content


def put(folder: Path, project: str, version: str, *needs: str) -> Path:
    """Write a wheel into the folder of a find-links index."""
    path = folder / f"{project}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(
            f"{project}-{version}.dist-info/METADATA",
            "\n".join([*lines, *(f"Requires-Dist: {need}" for need in needs), ""]),
        )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "one", "1.0", "two")
    put(tmp_path, "one", "2.0", "two>=1", "three; sys_platform == 'win32'", "four; extra == 'more'")
    put(tmp_path, "two", "1.0+local", "one")
    put(tmp_path, "three", "1.0")
    put(tmp_path, "four", "1.0")
    return tmp_path


def proxy(folder: Path, **exact: str) -> IndexProxy:
    return IndexProxy(Index((), (str(folder),)), exact=exact)


def test_pages_and_metadata_are_served(folder: Path) -> None:
    with serve(proxy(folder)) as url:
        page = json.loads(get(url + "one/"))
        files = {file["filename"]: file for file in page["files"]}
        assert sorted(files) == ["one-1.0-py3-none-any.whl", "one-2.0-py3-none-any.whl"]
        newest = files["one-2.0-py3-none-any.whl"]
        assert newest["core-metadata"] is True
        assert newest["yanked"] is False
        address = urljoin(url + "one/", newest["url"])
        assert b"Requires-Dist: two>=1" in get(address + ".metadata")
        assert newest["hashes"]["sha256"] == hashlib.sha256(get(address)).hexdigest()
        local = json.loads(get(url + "two/"))["files"][0]
        assert get(urljoin(url + "two/", local["url"])) == (folder / local["filename"]).read_bytes()


def test_unknown_projects_and_files_are_not_found(folder: Path) -> None:
    with serve(proxy(folder)) as url:
        for address in (
            url + "nothing/",
            urljoin(url, "../file/one/one-9.whl"),
            urljoin(url, "/simple/one/"),
        ):
            with pytest.raises(HTTPError, match="404"):
                get(address)


def test_a_project_can_be_limited_to_one_version(folder: Path) -> None:
    assert list(proxy(folder, One="1").files("one")) == ["one-1.0-py3-none-any.whl"]
    assert not proxy(folder, one="3").files("one")


def test_metadata_is_cached_by_the_hash_of_the_wheel(folder: Path) -> None:
    first = proxy(folder)
    file = first.files("one")["one-1.0-py3-none-any.whl"]
    content = first.metadata(file)
    digest = file.hashes["sha256"]
    assert (cache.folder("metadata", digest[:2]) / digest).read_bytes() == content
    (folder / file.name).unlink()
    assert proxy(folder).metadata(file) == content


def looked_up(index_proxy: IndexProxy, *requirements: str, projects: set[str]) -> bool:
    """Return whether prefetching from the requirements reads these projects and no others."""
    with prefetch.prefetching(index_proxy, requirements, {}, TARGET):
        for _ in range(1000):
            if set(index_proxy._projects) >= projects:
                break
            time.sleep(0.01)
    return set(index_proxy._projects) == projects


def test_prefetching_follows_the_requirements_of_the_target(folder: Path) -> None:
    assert looked_up(proxy(folder), "one", projects={"one", "two"})
    assert looked_up(proxy(folder), "one[more]", projects={"one", "two", "four"})
    assert looked_up(proxy(folder), "unknown", "three", projects={"unknown", "three"})


def file(name: str, day: int | None) -> IndexFile:
    moment = datetime(2025, 1, day, tzinfo=UTC) if day else None
    return IndexFile(name=name, url=f"https://index.invalid/{name}", upload_time=moment)


def test_later_files_and_files_without_upload_time_are_hidden() -> None:
    def visible(day: int) -> tuple[IndexFile, ...]:
        return published_before(datetime(2025, 1, day, tzinfo=UTC), "x", files)

    files = (file("x-1.tar.gz", 1), file("x-2.tar.gz", 20), file("x-3.tar.gz", None))
    assert visible(10) == files[:1]
    assert visible(20) == files[:1]  # a file uploaded at that very moment counts as later
    assert visible(21) == files[:2]
    assert published_before(None, "x", files) == files
    assert published_before(datetime(2025, 1, 10, tzinfo=UTC), "x", ()) == ()


def test_an_index_without_upload_times_is_rejected_with_as_of(folder: Path) -> None:
    late = IndexProxy(Index((), (str(folder),)), as_of=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(ExpectedError, match="has no upload times for 'one'"):
        late.files("one")
    with serve(late) as url, pytest.raises(HTTPError, match="500"):
        get(url + "one/")
    assert "no upload times" in late.errors[0].message


def test_of_two_files_with_one_name_the_one_with_an_upload_time_is_used() -> None:
    class Two(Index):
        def files(self, project: str) -> tuple[IndexFile, ...]:
            return (file(f"{project}-1.tar.gz", None), file(f"{project}-1.tar.gz", 3))

    (only,) = IndexProxy(Two(())).files("x").values()
    assert only.upload_time == datetime(2025, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("x-1.0-py3-none-any.whl", "1.0"),
        ("x_y-2+cpu.tar.gz", "2+cpu"),
        ("x-1.egg", ""),
        ("x-old-1.exe", ""),
    ],
)
def test_versions_are_read_from_file_names(name: str, version: str) -> None:
    assert str(version_of(name) or "") == version


def test_only_requirements_of_extras_remain_in_metadata() -> None:
    metadata = (
        b"Metadata-Version: 2.1\r\nName: a\r\n"
        b"Requires-Dist: b>=1\r\nrequires-dist: c ; python_version < '4'\r\n"
        b"Requires-Dist: extra-things\r\nRequires-Dist: d ;\r\n  extra == 'more'\r\n"
        b"Provides-Extra: more\r\n\r\nRequires-Dist: text"
    )
    assert without_unconditional_requirements(metadata) == (
        b"Metadata-Version: 2.1\nName: a\n"
        b"Requires-Dist: d ; extra == 'more'\nProvides-Extra: more\n"
    )
