"""The METADATA of a wheel behind a URL."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from resolvers.errors import ExpectedError
from resolvers.index import index, remote_wheel
from resolvers.net import http


def wheel(padding: int) -> bytes:
    """Return a wheel with its METADATA before ``padding`` uncompressed bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x/__init__.py", "")
        archive.writestr("x-1.dist-info/METADATA", "Name: x\n")
        archive.writestr("x/data", bytes(padding))
    return content.getvalue()


class RangeServer:
    """Answers like a server with or without range requests, and counts the bytes."""

    def __init__(self, content: bytes, *, ranges: bool) -> None:
        self.content, self.ranges, self.sent = content, ranges, 0

    def get(self, url: str, *, headers: Mapping[str, str]) -> http.Response:
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        size = len(self.content)
        start = int(first) if first else max(0, size - int(last))
        end = int(last) + 1 if first else size
        if not self.ranges:
            start, end = 0, size
        content = self.content[start:end]
        self.sent += len(content)
        if not self.ranges:
            return http.Response(200, url, {}, content)
        content_range = f"bytes {start}-{end - 1}/{size}"
        return http.Response(206, url, {"content-range": content_range}, content)


@pytest.mark.parametrize("padding", [0, 10_000, 3_000_000])
@pytest.mark.parametrize("ranges", [True, False])
def test_metadata_is_read_with_and_without_range_requests(
    padding: int, ranges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RangeServer(wheel(padding), ranges=ranges)
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


def test_a_file_that_is_not_a_wheel_is_an_expected_error(not_wheels: list[Path]) -> None:
    for path in not_wheels:
        with pytest.raises(ExpectedError, match=f"{path.name} is not a valid wheel"):
            remote_wheel.metadata(path.as_uri())


@pytest.mark.index
def test_metadata_of_a_real_wheel() -> None:
    name = "attrs-24.3.0-py3-none-any.whl"
    file = next(file for file in index.configured().files("attrs") if file.name == name)
    assert remote_wheel.metadata(file.url).startswith(b"Metadata-Version:")
