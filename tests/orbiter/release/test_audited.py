"""The images whose underivable files an audit before a release accepts."""

from pathlib import Path

import pytest

from orbiter.config.read import read_image_checks, read_image_set
from orbiter.release.audited import runs_commands

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
{core}
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
{build}
"""


@pytest.mark.parametrize(
    ("core", "build", "expected"),
    [
        ("", 'pip = ["attrs"]', False),
        ("", 'postbuild = ["true"]', True),
        ("", 'pip = ["attrs"]\npip-sdist = ["attrs"]', True),
        ("", 'npm = ["canvas"]\nnpm-scripts = ["canvas"]', True),
        ('prebuild = ["true"]', "", True),
        ('apt = ["tini"]\nnormalize = ["true"]', "", True),
    ],
)
def test_commands_of_all_stages_count(
    tmp_path: Path, core: str, build: str, expected: bool
) -> None:
    path = tmp_path / "images.toml"
    path.write_text(IMAGES.format(core=core, build=build))
    assert runs_commands(read_image_set(path), "debian-base") is expected


def test_the_key_is_read_without_a_lock_set(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    assert not read_image_checks(path).requires_audit
    path.write_text(IMAGES.format(core="", build=""))
    assert not read_image_checks(path).requires_audit
    path.write_text("require-audit = true" + IMAGES.format(core="", build=""))
    assert read_image_checks(path).requires_audit
