"""Vulnerabilities in all formats, with long lists and hostile texts."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from selenium.webdriver import Chrome

from orbiter.advisories.assess import assess
from orbiter.advisories.ignore import Remainder, without_ignored
from orbiter.advisories.index import open_index
from orbiter.advisories.subjects import subjects_of
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from orbiter.report.vulnerabilities import html, markdown, text
from orbiter.report.vulnerabilities.view import View, view_of, view_of_changes
from tests.support.browser import chromium
from tests.support.osv import OSV, record, write_zip

HOSTILE = "</script><img src=x onerror=alert(1)> @someone | `x` \x1b[31m\u202e <b>"
PACKAGES = ("npm:ws:8.12.1", "npm:vega:6.4.0", "npm:request:2.88.2", "pip:jinja2:3.1.3")


def answer(database: Path, **images: tuple[str, ...]) -> Remainder:
    """Return the answer for images with packages, written as ``manager:name:version``."""
    packages = {}
    for image, texts in images.items():
        entries = []
        for each in texts:
            manager, name, version = each.split(":")
            build = "pyhd8ed1ab_0" if manager == "conda" else ""
            entries.append(PackageEntry(manager=manager, name=name, version=version, build=build))
        packages[Scope(image)] = tuple(entries)
    with closing(open_index(database)) as index:
        subjects = subjects_of(Lock(name="x", format="y", packages=packages))
        found = assess(subjects, index.database, index.lookup)
    return without_ignored(found, (), date(2026, 1, 1))


def as_text(view: View, width: int = 80, *, everything: bool = False) -> str:
    return text.render(view, width=width, colour=False, everything=everything)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Return the view of an advisory whose texts would be code in the formats."""
    folder = tmp_path_factory.mktemp("hostile")
    one = record("npm", "GHSA-3h5v-q93c-6h6q", id=f"GHSA-{HOSTILE}", aliases=[], summary=HOSTILE)
    write_zip(folder / "npm" / "all.zip", one)
    return view_of(HOSTILE, answer(folder, **{HOSTILE: ("npm:ws:8.12.1",), "b": ()}))


def test_sections_start_with_the_most_severe() -> None:
    view = view_of("x", answer(OSV, one=("npm:debug:4.4.2", *PACKAGES)))
    affected, undecided = view.sections
    levels = [row.level for row in affected.rows]
    assert levels[:2] == ["critical", "high"]
    order = ["critical", "high", "medium", "unknown", "low", "none"]
    assert levels == sorted(levels, key=order.index)
    assert [row.package for row in undecided.rows] == ["vega"]


def test_images_are_named_unless_all_have_the_package() -> None:
    images = dict.fromkeys("abcde", ("npm:ws:8.12.1",))
    both = view_of("x", answer(OSV, **images))
    assert [row.note for row in both.sections[0].rows] == [""]
    four = view_of("x", answer(OSV, **{**images, "e": ("npm:debug:4.4.1",)}))
    assert [row.note for row in four.sections[0].rows] == ["4 of 5 images"]
    two = {**dict.fromkeys("abc", ("npm:debug:4.4.1",)), "d": ("npm:ws:8.12.1",)}
    assert [row.note for row in view_of("x", answer(OSV, **two)).sections[0].rows] == ["d only"]
    assert [counts for _, counts in view_of("x", answer(OSV, **two)).images] == [
        "0 vulnerabilities, 0 undecided",
        "0 vulnerabilities, 0 undecided",
        "0 vulnerabilities, 0 undecided",
        "1 vulnerability (1 high), 0 undecided",
    ]


def test_changes_of_each_image_are_counted() -> None:
    old = answer(OSV, one=("npm:ws:8.12.1",), two=("npm:ws:8.12.1",))
    new = answer(OSV, one=("npm:ws:8.18.0",), two=("npm:ws:8.12.1", "npm:debug:4.4.2"))
    view = view_of_changes("x", old, new)
    assert view.counts == "0 fixed, 1 new (1 critical), 1 remaining (1 high), 0 undecided"
    assert dict(view.images) == {
        "one": "1 fixed, 0 new, 0 remaining, 0 undecided",
        "two": "0 fixed, 1 new (1 critical), 1 remaining (1 high), 0 undecided",
    }
    assert [section.key for section in view.sections] == ["new", "remaining"]


def test_sections_of_changes_say_what_happened() -> None:
    old = answer(OSV, one=("npm:ws:8.12.1", "pip:jinja2:3.1.3", "npm:vega:5.0.0"))
    new = answer(OSV, one=("pip:jinja2:main", "npm:vega:6.4.0"))
    view = view_of_changes("x", old, new)
    notes = {row.package: row.note for section in view.sections for row in section.rows}
    assert notes["ws"] == "package removed"
    undecided = {row.note for row in view.sections[0].rows if row.package == "jinja2"}
    assert "affected before" in undecided


def test_packages_by_name_and_without_an_answer_are_counted_and_listed() -> None:
    found = answer(OSV, one=("conda:jinja2:3.1.3", "cargo:serde:1.0.0", "pip:six:1.0"))
    view = view_of("x", found)
    assert view.counts.endswith("1 package by name, not confirmed; 1 not covered")
    assert {row.note for row in view.sections[0].rows} == {"by name, not confirmed"}
    titles = {remark.title: remark.items for remark in view.remarks}
    assert titles["1 package by name, not confirmed: advisories are about another build"] == (
        "conda jinja2 3.1.3 as jinja2",
    )
    assert titles["1 package not covered: Orbiter has no advisories for this manager"] == (
        "cargo serde 1.0.0",
    )


def test_decisions_are_shown() -> None:
    found = answer(OSV, one=("npm:ws:8.12.1",))
    decision = IgnoredAdvisory(id="CVE-2024-37890", reason="x", until=date(2027, 1, 1))
    other = replace(decision, id="CVE-1")
    old = replace(decision, id="CVE-2", until=date(2020, 1, 1))
    rest = without_ignored(found.assessment, (decision, other, old), date(2026, 1, 1))
    lines = as_text(view_of("x", rest))
    assert "until 2027-01-01: x" in lines
    assert "Expired in images.toml\n  CVE-2 (all packages) until 2020-01-01: x" in lines
    assert "Not needed in images.toml\n  CVE-1" in lines


def test_long_lists_are_shortened_but_not_severe_rows(tmp_path: Path) -> None:
    severe = record("npm", "GHSA-3h5v-q93c-6h6q")
    mild = record("npm", "GHSA-v6h2-p8h4-qcjw", affected=severe["affected"])
    records = [{**mild, "id": f"GHSA-{number}", "aliases": []} for number in range(60)]
    records += [{**severe, "id": f"GHSA-high-{number}", "aliases": []} for number in range(60)]
    write_zip(tmp_path / "npm" / "all.zip", *records)
    view = view_of("x", answer(tmp_path, one=("npm:ws:8.12.1",)))
    short, whole = as_text(view), as_text(view, everything=True)
    assert short.count("GHSA-high-") == 60
    assert "… and 60 more (--all shows them)" in short
    assert len(re.findall(r"GHSA-\d", whole)) == 60
    cut = markdown.render(view, 4000)
    assert len(cut) <= 4000
    assert "`orbiter audit --vulnerabilities --release x --all` shows all" in cut
    assert "left out here" in cut


@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_fits_the_terminal(width: int) -> None:
    view = view_of("x", answer(OSV, one=PACKAGES, two=("conda:numpy:1.0", "cargo:a:1")))
    assert max(map(len, as_text(view, width).splitlines())) <= width


def test_colour_is_not_the_only_carrier_of_meaning() -> None:
    view = view_of("x", answer(OSV, one=PACKAGES))
    coloured = text.render(view, width=80, colour=True, everything=False)
    assert "\x1b[31mhigh" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == as_text(view)


def test_hostile_texts_stay_texts(hostile: View) -> None:
    plain = as_text(hostile)
    assert "\x1b" not in plain
    assert "\u202e" not in plain
    source = markdown.render(hostile)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(source)
    assert "<img" not in rendered
    assert "<b>" not in rendered
    assert not re.search(r"(?<![\w`])@\w", source)
    page = html.render(hostile)
    assert "<img" not in page
    assert "<b>" not in page.replace("<b>ws</b>", "")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium"), log=True) as chrome:
        yield chrome


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 760, 1400])
def test_the_page_fits_the_window(
    browser: Chrome, tmp_path: Path, hostile: View, width: int
) -> None:
    views = {
        "hostile": hostile,
        "real": view_of("x", answer(OSV, one=PACKAGES, two=("conda:numpy:1.0", "cargo:a:1"))),
    }
    for name, view in views.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html.render(view), encoding="utf-8")
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        browser.get(path.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
        assert view.title.split()[0] in browser.title
