"""Seeds of small packages that are made here; tests of the engine make real bases."""

import io
import tarfile
from pathlib import Path

import pytest

from orbiter.build.debian_base import write_seed
from resolvers.errors import ExpectedError


def package(path: Path, *members: tuple[str, bytes | str, int]) -> Path:
    """A .deb file: each member is its name, its content (a text: what it links to), and its mode."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for name, content, mode in members:
            found = tarfile.TarInfo(name)
            found.mode, found.mtime = mode, 1_700_000_000
            if isinstance(content, str):
                found.type, found.linkname = (
                    (tarfile.LNKTYPE if content.startswith("./") else tarfile.SYMTYPE),
                    content,
                )
            elif name.endswith("/"):
                found.type = tarfile.DIRTYPE
            found.size = len(content) if found.isreg() else 0
            tar.addfile(found, io.BytesIO(content) if isinstance(content, bytes) else None)
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": empty(), "data.tar.xz": data.getvalue()}
    path.write_bytes(
        b"!<arch>\n" + b"".join(member(name, content) for name, content in parts.items())
    )
    return path


def empty() -> bytes:
    data = io.BytesIO()
    tarfile.open(fileobj=data, mode="w:xz").close()
    return data.getvalue()


def member(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
    return head.encode() + content + b"\n" * (len(content) % 2)


def seed(target: Path, *packages: Path) -> dict[str, tarfile.TarInfo]:
    write_seed(packages, target)
    with tarfile.open(target) as tar:
        return {found.name: found for found in tar}


def test_files_below_merged_folders_are_below_usr(tmp_path: Path) -> None:
    old = package(
        tmp_path / "old.deb",
        ("./", b"", 0o755),
        ("./lib/", b"", 0o755),
        ("./lib/libx.so.1", b"x", 0o644),
        ("./lib/libx.so.2", "./lib/libx.so.1", 0o644),
        ("./lib64", "usr/lib64", 0o777),
    )
    found = seed(tmp_path / "seed.tar", old)
    assert list(found) == ["lib", "usr/lib/libx.so.1", "usr/lib/libx.so.2", "lib64"]
    assert (found["lib"].linkname, found["lib64"].linkname) == ("usr/lib", "usr/lib64")
    assert found["usr/lib/libx.so.2"].linkname == "usr/lib/libx.so.1"


def test_modes_stay_and_of_shared_files_only_what_scripts_need(tmp_path: Path) -> None:
    one = package(
        tmp_path / "one.deb",
        ("./tmp/", b"", 0o1777),
        ("./usr/bin/su", b"#!", 0o4755),
        ("./usr/share/doc/one/changelog", b"long", 0o644),
        ("./usr/share/debconf/confmodule", b"sh", 0o644),
    )
    two = package(tmp_path / "two.deb", ("./tmp/", b"", 0o755))
    found = seed(tmp_path / "seed.tar", one, two)
    assert {name: each.mode for name, each in found.items()} == {
        "tmp": 0o1777,
        "usr/bin/su": 0o4755,
        "usr/share/debconf/confmodule": 0o644,
    }


def test_the_same_packages_give_the_same_bytes(tmp_path: Path) -> None:
    one = package(tmp_path / "one.deb", ("./etc/", b"", 0o755), ("./etc/one", b"1", 0o644))
    for name in ("first.tar", "second.tar"):
        write_seed([one], tmp_path / name)
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"!<arch>\n", b"!<arch>\n" + member("debian-binary", b"2.0\n")]
)
def test_what_is_no_package_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.deb").write_bytes(content)
    with pytest.raises(ExpectedError, match=r"broken\.deb is no Debian package"):
        write_seed([tmp_path / "broken.deb"], tmp_path / "seed.tar")


def test_a_package_that_is_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    whole = package(tmp_path / "whole.deb", ("./usr/bin/x", bytes(range(256)) * 400, 0o755))
    (tmp_path / "cut.deb").write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(ExpectedError, match=r"cut\.deb is no Debian package"):
        write_seed([tmp_path / "cut.deb"], tmp_path / "seed.tar")
