"""The gallery of the documentation shows what the commands print and write today."""

import re

import pytest

from demo import gallery
from orbiter.report.release import page
from orbiter.report.release.contents import Contents

TEXT = (gallery.DOCS / gallery.GALLERY).read_text(encoding="utf-8")
AGAIN = "run make gallery"


@pytest.fixture(scope="module")
def contents() -> Contents:
    return gallery.report_contents()


def test_the_examples_are_what_the_commands_print() -> None:
    assert TEXT.count("```console\n$ orbiter ") == len(gallery.BLOCK.findall(TEXT)) > 5
    assert gallery.with_outputs(TEXT) == TEXT, AGAIN


def test_the_picture_is_what_the_report_draws(contents: Contents) -> None:
    committed = (gallery.DOCS / gallery.PICTURE).read_text(encoding="utf-8")
    assert gallery.picture(contents) == committed, AGAIN


def test_the_report_knows_all_sizes_and_most_licences(contents: Contents) -> None:
    assert "The sizes of some packages are unknown" not in page.render(contents)
    assert len(contents.licences.with_status("known")) > 600


def test_the_gallery_links_exactly_the_files_that_it_has() -> None:
    linked = set(re.findall(r"\]\((gallery/[^)#]+)", TEXT))
    assert linked == {gallery.PICTURE, gallery.REPORT, *gallery.PAGES}
