import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.tags import Tag

from resolvers.errors import ExpectedError
from resolvers.index import index, remote_wheel
from resolvers.net import http
from resolvers.pip import wheels
from resolvers.types import Artifact, Target

AMD64 = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
ARM64 = Target(platform="linux/arm64", python="3.13.5", glibc="2.41")
MUSL = Target(platform="linux/arm64", python="3.13.5", musl="1.2.5")


def artifacts(*files: str) -> list[Artifact]:
    return [Artifact(file=file, hash="sha256:00", source=f"x/{file}") for file in files]


def best(target: Target, *files: str) -> str:
    found = wheels.best(artifacts(*files), target)
    return found.file if found else ""


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(ExpectedError, match="linux/riscv64"):
        wheels.environment(Target(platform="linux/riscv64", python="3.13.5"))


@pytest.mark.parametrize(
    ("marker", "amd64", "arm64"),
    [
        ("", True, True),
        ("sys_platform == 'win32'", False, False),
        ("platform_machine == 'aarch64'", False, True),
        ("python_full_version >= '3.13.5' and python_version < '3.14'", True, True),
        ("python_full_version < '3.13.5'", False, False),
        ("platform_python_implementation == 'PyPy'", False, False),
        ("extra == 'test'", False, False),
        ("os_name == 'posix' and platform_system == 'Linux'", True, True),
    ],
)
def test_markers_see_the_target_not_the_host(marker: str, amd64: bool, arm64: bool) -> None:
    assert wheels.applies(marker, AMD64) == amd64
    assert wheels.applies(marker, ARM64) == arm64


def test_on_musl_only_wheels_for_musl_or_for_any_libc_fit() -> None:
    ranked = sorted(wheels.tags(MUSL).items(), key=lambda each: each[1])
    found = [tag.platform for tag, _ in ranked if tag.interpreter == tag.abi == "cp313"]
    assert found == ["musllinux_1_2_aarch64", "musllinux_1_1_aarch64", "linux_aarch64"]
    assert not any("manylinux" in tag.platform for tag in wheels.tags(MUSL))
    assert not any("musllinux" in tag.platform for tag in wheels.tags(ARM64))


def test_tags_reach_from_the_targets_glibc_down_to_the_oldest() -> None:
    tags = wheels.tags(AMD64)
    order = [
        "manylinux_2_41",
        "manylinux_2_17",
        "manylinux2014",
        "manylinux2010",
        "manylinux1",
        "linux",
    ]
    ranks = [tags[Tag("cp313", "cp313", f"{platform}_x86_64")] for platform in order]
    assert ranks == sorted(ranks)
    assert Tag("cp313", "cp313", "manylinux_2_42_x86_64") not in tags
    assert Tag("cp313", "cp313", "musllinux_1_1_x86_64") not in tags
    assert Tag("cp313", "cp313", "manylinux1_aarch64") not in wheels.tags(ARM64)
    assert Tag("cp314", "cp314", "manylinux_2_17_x86_64") not in tags
    assert Tag("cp39", "abi3", "manylinux_2_17_x86_64") in tags


def test_the_best_wheel_is_the_most_specific_that_fits() -> None:
    plain, abi3 = "x-1-py3-none-any.whl", "x-1-cp39-abi3-manylinux_2_17_x86_64.whl"
    old, new = (
        "x-1-cp313-cp313-manylinux_2_17_x86_64.whl",
        "x-1-cp313-cp313-manylinux_2_28_x86_64.whl",
    )
    future = "x-1-cp313-cp313-manylinux_2_99_x86_64.whl"
    assert best(AMD64, plain, abi3, old, new, future) == new
    assert best(AMD64, plain, abi3) == abi3
    assert best(ARM64, plain, abi3, old, new) == plain
    assert best(ARM64, abi3, old) == ""
    assert (
        best(AMD64, "x-1-1-py3-none-any.whl", "x-1-2-py3-none-any.whl") == "x-1-2-py3-none-any.whl"
    )
    assert best(AMD64, "x-1.tar.gz", "not a wheel.whl") == ""


def test_the_sdist_is_found_among_wheels() -> None:
    found = wheels.sdist(artifacts("x-1-py3-none-any.whl", "x-1.zip", "x-1.tar.gz"))
    assert found is not None
    assert found.file == "x-1.tar.gz"
    assert wheels.sdist(artifacts("x-1-py3-none-any.whl")) is None


def wheel(padding: int) -> bytes:
    """A wheel whose metadata lies before ``padding`` bytes that do not compress."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x/__init__.py", "")
        archive.writestr("x-1.dist-info/METADATA", "Name: x\n")
        archive.writestr("x/data", bytes(padding))
    return content.getvalue()


class Ranges:
    """Answers as a server of ranges does, and counts."""

    def __init__(self, content: bytes, *, ranges: bool) -> None:
        self.content, self.ranges, self.sent = content, ranges, 0

    def get(self, url: str, *, headers: Mapping[str, str]) -> http.Response:
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        size = len(self.content)
        start = int(first) if first else max(0, size - int(last))
        end = int(last) + 1 if first else size
        if not self.ranges:
            start, end = 0, size
        part = self.content[start:end]
        self.sent += len(part)
        sent = {"content-range": f"bytes {start}-{end - 1}/{size}"} if self.ranges else {}
        return http.Response(206 if self.ranges else 200, url, sent, part)


@pytest.mark.parametrize("padding", [0, 10_000, 3_000_000])
@pytest.mark.parametrize("ranges", [True, False])
def test_metadata_is_read_by_ranges(
    padding: int, ranges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Ranges(wheel(padding), ranges=ranges)
    monkeypatch.setattr(http, "get", server.get)
    assert remote_wheel.metadata("https://index.invalid/x-1-py3-none-any.whl") == b"Name: x\n"
    if ranges:
        assert server.sent <= 4 * remote_wheel.TAIL


@pytest.fixture
def not_wheels(tmp_path: Path) -> list[Path]:
    broken, empty = tmp_path / "broken.whl", tmp_path / "empty.whl"
    broken.write_bytes(b"no zip at all")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("x/dist-info/METADATA", "")
    return [broken, empty]


def test_what_is_no_wheel_is_an_expected_error(not_wheels: list[Path]) -> None:
    for path in not_wheels:
        with pytest.raises(ExpectedError, match=f"{path.name} is no wheel"):
            remote_wheel.metadata(path.as_uri())


@pytest.mark.index
def test_metadata_of_a_real_wheel() -> None:
    name = "attrs-24.3.0-py3-none-any.whl"
    file = next(file for file in index.configured().files("attrs") if file.name == name)
    assert remote_wheel.metadata(file.url).startswith(b"Metadata-Version:")
