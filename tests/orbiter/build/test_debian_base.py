"""Seeds from small packages that the tests make; the engine tests build real bases."""

import io
import random
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from orbiter.build.debian_base import SEED_FORMAT, write_seed
from resolvers.errors import ExpectedError


def package(path: Path, *members: tuple[str, bytes | str, int]) -> Path:
    """Write a .deb file; a member is a name, a content (a string: a link target), and a mode."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for name, content, mode in members:
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = mode, 1_700_000_000
            if isinstance(content, str):
                info.type = tarfile.LNKTYPE if content.startswith("./") else tarfile.SYMTYPE
                info.linkname = content
            elif name.endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
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
        return {member.name: member for member in tar}


def test_files_in_merged_folders_move_to_usr(tmp_path: Path) -> None:
    old = package(
        tmp_path / "old.deb",
        ("./", b"", 0o755),
        ("./lib/", b"", 0o755),
        ("./lib/libx.so.1", b"x", 0o644),
        ("./lib/libx.so.2", "./lib/libx.so.1", 0o644),
        ("./lib64", "usr/lib64", 0o777),
    )
    members = seed(tmp_path / "seed.tar", old)
    assert list(members) == ["lib", "usr/lib/libx.so.1", "usr/lib/libx.so.2", "lib64"]
    assert (members["lib"].linkname, members["lib64"].linkname) == ("usr/lib", "usr/lib64")
    assert members["usr/lib/libx.so.2"].linkname == "usr/lib/libx.so.1"


def test_modes_stay_and_unneeded_shared_files_are_excluded(tmp_path: Path) -> None:
    one = package(
        tmp_path / "one.deb",
        ("./tmp/", b"", 0o1777),
        ("./usr/bin/su", b"#!", 0o4755),
        ("./usr/share/doc/one/changelog", b"long", 0o644),
        ("./usr/share/debconf/confmodule", b"sh", 0o644),
    )
    two = package(tmp_path / "two.deb", ("./tmp/", b"", 0o755))
    members = seed(tmp_path / "seed.tar", one, two)
    assert {name: info.mode for name, info in members.items()} == {
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
def test_a_file_that_is_not_a_package_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.deb").write_bytes(content)
    with pytest.raises(ExpectedError, match=r"broken\.deb is not a Debian package"):
        write_seed([tmp_path / "broken.deb"], tmp_path / "seed.tar")


def test_a_truncated_package_is_named(tmp_path: Path) -> None:
    whole = package(tmp_path / "whole.deb", ("./usr/bin/x", bytes(range(256)) * 400, 0o755))
    (tmp_path / "cut.deb").write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(ExpectedError, match=r"cut\.deb is not a Debian package"):
        write_seed([tmp_path / "cut.deb"], tmp_path / "seed.tar")


@pytest.mark.parametrize("place", [12, 60])
def test_a_package_with_damaged_gzip_is_named(tmp_path: Path, place: int) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        info = tarfile.TarInfo("./usr/bin/x")
        info.size = 1 << 16
        tar.addfile(info, io.BytesIO(random.Random(1).randbytes(1 << 16)))
    content = bytearray(data.getvalue())
    content[place] ^= 0xFF
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": empty(), "data.tar.gz": bytes(content)}
    (tmp_path / "x.deb").write_bytes(
        b"!<arch>\n" + b"".join(member(name, part) for name, part in parts.items())
    )
    with pytest.raises(ExpectedError, match=r"x\.deb is not a Debian package"):
        write_seed([tmp_path / "x.deb"], tmp_path / "seed.tar")


def test_the_bytes_of_a_seed_belong_to_its_format(tmp_path: Path) -> None:
    """The cache has seeds by their format: raise SEED_FORMAT with each change of this digest."""
    one = package(
        tmp_path / "one.deb",
        ("./bin/", b"", 0o755),
        ("./bin/one", b"one", 0o755),
        ("./usr/share/doc/one", b"text", 0o644),
        ("./usr/bin/link", "one", 0o777),
    )
    write_seed([one], tmp_path / "seed.tar")
    digest = sha256((tmp_path / "seed.tar").read_bytes()).hexdigest()
    assert (SEED_FORMAT, digest[:12]) == (1, "940597efc955")
