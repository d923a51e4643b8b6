"""Explicit conda files."""

import gzip

import pytest

from orbiter.lockfiles import explicit
from orbiter.lockfiles.types import PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks" / "explicit"
MD5, SHA256 = (
    "d7c89558ba9fa0495403155b64376d81",
    "fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726",
)
XZ = "https://conda.anaconda.org/conda-forge/linux-64/xz-5.8.1-hbcc6ac9_2.conda"


def packages(text: str) -> tuple[PackageEntry, ...]:
    (found,) = explicit.read("a.lock", text).packages.values()
    return found


@pytest.mark.parametrize(
    ("file", "platform", "count"),
    [
        ("repo2docker-py-3.8.conda-linux-64", "linux-64", 175),
        ("repo2docker-py-3.8.conda-linux-aarch64", "linux-aarch64", 174),
        ("pangeo-notebook-2021.01.24.conda-linux-64", "linux-64", 545),
        ("cryo.conda-linux-64", "linux-64", 915),
    ],
)
def test_real_files(file: str, platform: str, count: int) -> None:
    text = gzip.decompress((DATA / f"{file}.lock.gz").read_bytes()).decode()
    assert explicit.recognises(text)
    lock = explicit.read("a.lock", text)
    assert list(lock.packages) == [Scope("", platform)]
    assert len(lock.packages[Scope("", platform)]) == count == text.count("https://")


@pytest.mark.parametrize(
    ("end", "hashes"),
    [
        ("", ()),
        (f"#{MD5}", (f"md5:{MD5}",)),
        (f"#{SHA256}", (f"sha256:{SHA256}",)),
        (f"#sha256:{SHA256}", (f"sha256:{SHA256}",)),
        (f"#md5:{MD5}", (f"md5:{MD5}",)),
    ],
)
def test_a_line_in_full(end: str, hashes: tuple[str, ...]) -> None:
    expected = PackageEntry(
        manager="conda",
        name="xz",
        version="5.8.1",
        build="hbcc6ac9_2",
        source="conda-forge",
        files=(PackageFile("xz-5.8.1-hbcc6ac9_2.conda", hashes, "conda.anaconda.org/conda-forge"),),
    )
    lock = explicit.read("a.lock", f"@EXPLICIT\n{XZ}{end}\n")
    assert lock.packages == {Scope("", "linux-64"): (expected,)}
    kind = "explicit conda file"
    assert lock.format == (kind if hashes else f"{kind} (versions only)")
    assert bool(lock.notes) != bool(hashes)


def test_the_platform_of_a_comment_or_of_the_urls() -> None:
    noarch = XZ.replace("linux-64", "noarch")
    for lines, platform in (
        (f"# platform: osx-arm64\n@EXPLICIT\n{noarch}\n", "osx-arm64"),
        (f"@EXPLICIT\n{noarch}\n{XZ}\n", "linux-64"),
        (f"@EXPLICIT\n{noarch}\n", ""),
    ):
        assert list(explicit.read("a.lock", lines).packages) == [Scope("", platform)]


def test_python_packages_in_comments() -> None:
    wheel = "https://example.com/whl/Foo_Bar-1.0-py3-none-any.whl"
    first, second = packages(
        f"@EXPLICIT\n# pip foo.bar @ {wheel}#sha256={SHA256}\n"
        f"# pip baz === 2.0 --hash=sha256:{SHA256}\n".replace("=== ", "===")
    )
    assert (first.manager, first.name, first.version) == ("pip", "foo-bar", "1.0")
    assert first.source == "https://example.com/whl"
    assert first.files == (
        PackageFile("Foo_Bar-1.0-py3-none-any.whl", (f"sha256:{SHA256}",), "example.com/whl"),
    )
    assert (second.name, second.version, second.files) == (
        "baz",
        "2.0",
        (PackageFile("", (f"sha256:{SHA256}",)),),
    )


def test_a_local_file_and_an_unusual_name() -> None:
    first, second = packages(
        "@EXPLICIT\nfile:///srv/pkgs/a-b-1%212.0-0.tar.bz2\n/srv/pkgs/c-1-0.conda\n"
    )
    assert (first.name, first.version, first.build) == ("a-b", "1!2.0", "0")
    assert (second.name, second.source) == ("c", "/srv")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{XZ}#{MD5[:-3]}", f"a.lock:2: '{MD5[:-3]}' is not a valid md5"),
        (f"{XZ}#sha1:{MD5}", "a.lock:2: unsupported hash algorithm 'sha1'"),
        (XZ[:-9], f"a.lock:2: '{XZ[:-9]}' is not the URL of a conda package"),
        ("numpy=1.0", "a.lock:2: 'numpy=1.0' is not the URL of a conda package"),
        ("# pip foo", "a.lock:2: '# pip foo' is not a Python package in conda-lock's notation"),
    ],
)
def test_errors_contain_the_line(line: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        explicit.read("a.lock", f"@EXPLICIT\n{line}\n")
    assert caught.value.message == expected
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "known"), [("# x\n@EXPLICIT\n", True), ("see @EXPLICIT files\n", False), ("", False)]
)
def test_recognised_by_content(text: str, known: bool) -> None:
    assert explicit.recognises(text) is known
