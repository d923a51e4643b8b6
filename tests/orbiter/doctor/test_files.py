"""The checks of downloads and of the archive."""

from pathlib import Path

import pytest

from orbiter.config.read import image_set_of
from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.files import check_archive, download_checks
from orbiter.doctor.result import CheckResult
from tests.support.loopback import Answer, Server

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.base]
downloads = [
    {{ url = "{0}/a.zip", to = "/opt/" }},
    {{ url = "{0}/b.zip", to = "/opt/" }},
]
"""


def downloads(server: Server) -> CheckResult:
    text = IMAGES.format(server.url)
    (found,) = run_checks(download_checks(image_set_of(text, Path("x"), "x")))
    return found


def test_each_server_of_downloads_is_asked_for_one_file(server: Server) -> None:
    server.replies["/a.zip"] = Answer(200, b"content")
    found = downloads(server)
    assert (found.state, found.address) == ("ok", f"{server.url}/a.zip")
    assert found.detail == "it has the file, the first of 2"
    assert [request.path for request in server.requests] == ["/a.zip"]


def test_a_missing_download(server: Server) -> None:
    assert (downloads(server).state, downloads(server).fault) == ("failed", "missing")


def archive() -> CheckResult:
    (found,) = run_checks([Check("archive", check_archive)])
    return found


def test_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORBITER_ARCHIVE", raising=False)
    assert archive().state == "skipped"


def test_an_archive_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORBITER_ARCHIVE", str(tmp_path / "kept"))
    found = archive()
    assert (found.state, found.origin) == ("failed", "ORBITER_ARCHIVE")
    assert found.address == str(tmp_path / "kept")
    assert found.hint


def test_an_archive_in_a_registry_that_does_not_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.otherwise = Answer(503)
    monkeypatch.setenv("ORBITER_ARCHIVE", f"oci://{server.host}/team/archive")
    found = archive()
    assert (found.state, found.fault) == ("failed", "server")
