"""Images in layouts and archives: found, read without trusting them, and listed."""

import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orbiter.audit.audit import audit
from orbiter.audit.image import LocalBlob
from orbiter.audit.layouts import Folder, read_layout
from orbiter.cli.main import cli
from orbiter.oci.layout import INDEX_FILE, blob_path
from orbiter.oci.registry import sha256
from tests.support.hostile_tar import tar_of_negative_size, tar_with_a_wrong_sparse_map
from tests.support.layouts import Layout, write_layout
from tests.support.oci_images import assembled, file, layer

STATUS = b"Package: hello\nStatus: install ok installed\n\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["audit", *words])


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Return the layout of an image that another tool made: one package, and two other files."""
    lower = layer(
        file("usr", type=tarfile.DIRTYPE, mode=0o755),
        ("usr/hello", b"hello"),
        ("var/lib/dpkg/info/hello.list", b"/.\n/usr\n/usr/hello\n"),
        ("opt/gone", b"gone"),
    )
    upper = layer(
        ("opt/.wh.gone", b""),
        ("opt/secret\x1b[2J", b"own"),
        file("dev/pipe", type=tarfile.FIFOTYPE),
    )
    (tmp_path / "blobs").mkdir()
    return write_layout(assembled(tmp_path / "blobs", lower, upper), tmp_path / "image")


def test_an_image_without_a_lock_set_is_listed(layout: Path) -> None:
    result = run(str(layout), "-q")
    assert result.exit_code == 0, result.output
    assert "no lock set: nothing was compared" in result.output
    assert "apt:hello  2 files" in result.output
    assert "2 files of no package\n  /dev/pipe\n  /opt/secret\\x1b[2J\n" in result.output


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_folders_and_archives_give_the_same_answer(layout: Path, kind: str) -> None:
    target = layout if kind == "folder" else layout.with_suffix(".tar")
    document = json.loads(run(str(target), "-q", "--format", "json").output)
    assert document["format"] == 1
    assert document["method"] == "list"
    assert document["packages"] == [{"package": "apt:hello", "version": "", "files": 2}]
    assert document["unowned"] == ["dev/pipe", "opt/secret\x1b[2J"]


def test_the_lock_set_of_another_folder_is_named(layout: Path) -> None:
    changed = Layout(layout)
    changed.config["config"]["Labels"]["org.orbiter.lockset"] = "sha256:12\x1b"
    result = run(str(changed.save()), "-q")
    assert "the image names the lock set sha256:12\\x1b, which is not in locks/" in result.output


def test_the_page_shows_the_answer(layout: Path) -> None:
    page = run(str(layout), "-q", "--format", "html").output
    assert "No lock set: nothing was compared" in page
    assert "opt/secret\\x1b[2J" in page


def test_a_layer_with_other_bytes_is_a_finding(layout: Path) -> None:
    blob = Layout(layout).layer(1)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1  # a part of the compressed frame that its reader ignores or checks
    blob.write_bytes(bytes(content))
    result = run(str(layout), "-q")
    assert result.exit_code in {1, 2}
    assert "layer" in result.output


def test_a_layer_with_another_digest_than_in_the_configuration_is_a_finding(layout: Path) -> None:
    changed = Layout(layout)
    changed.config["rootfs"]["diff_ids"][0] = f"sha256:{'0' * 64}"
    result = audit(str(changed.save()), lambda _line: None)
    (finding,) = result.findings
    assert (finding.kind, finding.path, finding.verdict) == ("layer", "layer 1", "changed")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("index.json", "{", "Input data was truncated"),
        ("index.json", '{"manifests": [{"digest": "sha256:../../etc/passwd"}]}', "the digest"),
        ("index.json", '{"manifests": []}', "no image for any platform"),
        ("index.json", "[" * 100_000, "is not an image"),
    ],
)
def test_a_broken_index_is_an_error(layout: Path, name: str, text: str, reason: str) -> None:
    (layout / name).write_text(text)
    result = run(str(layout), "-q")
    assert result.exit_code == 2
    assert reason in result.output


def test_a_missing_layer_is_an_error(layout: Path) -> None:
    Layout(layout).layer(0).unlink()
    result = run(str(layout), "-q")
    assert result.exit_code == 2
    assert "is missing" in result.output


def test_files_that_are_not_images_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello" * 1000)
    (tmp_path / "loop").write_bytes(tar_of_negative_size())
    (tmp_path / "sparse").write_bytes(tar_with_a_wrong_sparse_map())
    for name in ("empty", "text", "loop", "sparse"):
        result = run(str(tmp_path / name), "-q")
        assert result.exit_code == 2
        assert "hint:" in result.output


def test_a_target_or_vulnerabilities_are_needed(layout: Path) -> None:
    assert run().exit_code == 2
    assert run(str(layout), "--vulnerabilities").exit_code == 2
    assert run(str(layout), "--format", "markdown").exit_code == 2


def test_documents_that_indexes_repeat_are_read_once(layout: Path) -> None:
    reads: list[str] = []

    class Counted(Folder):
        def find(self, path: str) -> LocalBlob | None:
            reads.append(path)
            return super().find(path)

    index = layout / INDEX_FILE
    for _ in range(6):
        content = index.read_bytes()
        digest = sha256(content)
        (layout / blob_path(digest)).write_bytes(content)
        index.write_text(json.dumps({"manifests": [{"digest": digest}] * 50}))
    image = read_layout("x", Counted(layout), "")
    assert len(image.layers) == 2
    assert len(reads) < 30
