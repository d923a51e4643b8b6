"""The section of a README with the images of a release."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from orbiter.cli.main import cli
from orbiter.lockset.record import Digests, RecordedBuilder, RecordedImage, RecordedLayer
from orbiter.report.readme import BEGIN, END, replace_section, section
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT
from tests.support.sbom_lock_sets import mixed

MARKED = f"# Images\n\n{BEGIN}\n{END}\n\nMore text.\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("locks", "images.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "README.md").write_text(MARKED, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def readme(*arguments: str) -> tuple[int, str]:
    """Run the command and return its exit code and output."""
    result = CliRunner().invoke(cli, ["readme", *arguments])
    return result.exit_code, result.output


def test_the_table_has_the_recorded_images_of_the_newest_release(project: Path) -> None:
    assert readme() == (0, "README.md: updated, with the images of release 0.2.0\n")
    text = (project / "README.md").read_text(encoding="utf-8")
    recorded = tomllib.loads((ROOT / "locks/0.2.0/digests.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"\| `(.+)-0\.2\.0` \| (.+) MB \| (.+) \| `(sha256:\w{64})` \|", text)
    assert {row[0]: row[3] for row in rows} == {
        stage: images["linux/amd64"]["digest"] for stage, images in recorded["stages"].items()
    }
    for stage, size, packages, digest in rows:
        layers = recorded["stages"][stage]["linux/amd64"]["layers"]
        assert size == f"{sum(layer['size'] for layer in layers) / 1e6:.1f}"
        assert packages.startswith("python 3.13.5, nodejs 20.19.2")
        assert f"docker pull dorgeln/orbiter:{stage}-0.2.0@{digest}\n" in text
    assert "jupyterlab 4." in text
    assert text.startswith(f"# Images\n\n{BEGIN}\n")
    assert text.endswith(f"```\n{END}\n\nMore text.\n")


def test_a_second_run_changes_nothing_and_check_passes(project: Path) -> None:
    assert readme("--check")[0] == 1
    assert (project / "README.md").read_text(encoding="utf-8") == MARKED
    readme()
    first = (project / "README.md").read_bytes()
    assert readme() == (0, "README.md: unchanged, with the images of release 0.2.0\n")
    assert readme("--check")[0] == 0
    assert (project / "README.md").read_bytes() == first


def test_another_release_and_another_file(project: Path) -> None:
    (project / "docs.md").write_text(MARKED, encoding="utf-8")
    assert readme("docs.md", "--release", "0.1.0")[0] == 0
    assert "`debian-base-0.1.0`" in (project / "docs.md").read_text(encoding="utf-8")
    assert (project / "README.md").read_text(encoding="utf-8") == MARKED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# No markers\n", f"README.md has no line '{BEGIN}'"),
        (f"{BEGIN}\n", f"README.md has no line '{END}'"),
        (f"{END}\n{BEGIN}\n", "README.md:1: the end marker precedes the begin marker"),
        (MARKED * 2, f"README.md:9: the line '{BEGIN}' is repeated"),
    ],
)
def test_a_file_without_one_marked_section_stays(project: Path, text: str, problem: str) -> None:
    (project / "README.md").write_text(text, encoding="utf-8")
    code, output = readme()
    assert code == 2
    assert f"error: {problem}\n\nhint: " in output
    assert (project / "README.md").read_text(encoding="utf-8") == text


def test_unreadable_files_are_errors(project: Path) -> None:
    assert "missing.md not found" in readme("missing.md")[1]
    (project / "README.md").write_bytes(b"\xff")
    assert readme()[0] == 2


def test_without_a_recorded_release_the_remedy_is_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = readme()
    assert code == 2
    assert "orbiter release" in output


def test_several_platforms_have_a_row_each_and_no_digest_in_the_command(tmp_path: Path) -> None:
    lock_set = mixed(tmp_path)
    layer = RecordedLayer(diff_id=digest("1"), digest=digest("2"), size=2_500_000)
    stages = {
        "alpine-core": {
            platform: RecordedImage(digest=digest(mark), config=digest("3"), layers=(layer, layer))
            for platform, mark in (("linux/amd64", "a"), ("linux/arm64", "b"))
        }
    }
    release = lock_set.manifest.release
    digests = Digests(
        release=release, lockset=digest("4"), builder=RecordedBuilder(), stages=stages, lists={}
    )
    text = section(lock_set, digests)
    assert "| image | platform | size | packages | digest |" in text
    for platform, mark in (("linux/amd64", "a"), ("linux/arm64", "b")):
        image = rf"\| `alpine-core-{release}` \| {platform} \| 5\.0 MB"
        assert re.search(rf"{image} \| .*busybox .* \| `sha256:{mark}", text)
    assert text.endswith(f":alpine-core-{release}\n```")


def digest(mark: str) -> str:
    return f"sha256:{mark * 64}"


@given(
    before=st.lists(st.text(alphabet="a#`< \t")),
    after=st.lists(st.text(alphabet="a#`< \t")),
    newline=st.sampled_from(["\n", "\r\n"]),
    ends=st.booleans(),
)
def test_other_lines_stay_to_the_byte(
    before: list[str], after: list[str], newline: str, ends: bool
) -> None:
    head = "".join(f"{line}{newline}" for line in [*before, BEGIN])
    tail = newline.join([END, *after]) + newline * ends
    new = replace_section(f"{head}old{newline}{tail}", "new\ntext", "README.md")
    assert new == f"{head}new{newline}text{newline}{tail}"
    with pytest.raises(ExpectedError, match="has no line"):
        replace_section(head, "new", "README.md")
