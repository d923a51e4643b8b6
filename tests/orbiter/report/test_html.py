"""The page for a browser: what it holds, and in headless Chromium what a person sees of it."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from orbiter.diff.types import Diff, Side
from orbiter.report import html
from tests.support.browser import chromium
from tests.support.diff_samples import (
    ALTERED,
    ALTERED_WORDS,
    EMPTY,
    FACTS,
    PLACES,
    SAMPLES,
    SMALL,
    change,
    many,
)
from tests.support.golden import assert_golden
from tests.support.html_page import Page

needs_browser = pytest.mark.browser
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'`"


def test_the_page_equals_the_golden_file() -> None:
    assert_golden("small.html", html.render(SMALL))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_makes_no_requests(name: str) -> None:
    page = Page(html.render(SAMPLES[name]))
    addresses = [
        value
        for _, tag in page.tags
        for key, value in tag.items()
        if key in {"src", "href", "action", "srcset"}
    ]
    assert all(address.startswith("data:") for address in addresses)
    assert not {"img", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert not re.search(r"@import|url\(|style=", html.render(SAMPLES[name]))


def test_the_policy_allows_only_its_own_style_and_script() -> None:
    text = html.render(SMALL)
    policy = Page(text).all("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def hostile() -> Diff:
    bad = change(
        HOSTILE,
        "changed",
        HOSTILE,
        HOSTILE,
        manager=HOSTILE,
        why=(HOSTILE, "x"),
        licences=(HOSTILE, "b"),
    )
    return replace(
        FACTS,
        old=Side(name=HOSTILE, format=HOSTILE),
        changes=(replace(bad, altered=True), *SMALL.changes),
        facts=tuple(replace(fact, kind=HOSTILE, name=HOSTILE, old=HOSTILE) for fact in FACTS.facts),
        notes=(HOSTILE,),
        suggestion=replace(SMALL.suggestion, reason=HOSTILE),
    )


def test_text_of_a_lock_is_escaped() -> None:
    page = Page(html.render(hostile()))
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.text.count(HOSTILE) > 10


def test_altered_packages_come_first() -> None:
    text = html.render(ALTERED)
    assert ALTERED_WORDS in text
    assert text.index(ALTERED_WORDS) < text.index("<table")
    assert 'class="alarm"' not in html.render(SMALL)


def test_empty_columns_are_left_out() -> None:
    assert "manager" in [tag.get("class") for tag in Page(html.render(SMALL)).all("th")]
    assert [tag.get("class") for tag in Page(html.render(ALTERED)).all("th")] == [
        "name",
        "kind",
        "old",
        "new",
        "step",
    ]


def test_an_empty_diff_has_no_table() -> None:
    page = Page(html.render(EMPTY))
    assert not page.all("table")
    assert "no package changed; 12 unchanged" in page.text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), log=True) as started:
        yield started


def opened(browser: Chrome, place: Path, diff: Diff, *, width: int = 1280) -> None:
    """Open a page; it must not make requests or violate its policy."""
    file = place / "page.html"
    file.write_text(html.render(diff), encoding="utf-8")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(file.as_uri())
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def shown(browser: Chrome) -> list[str]:
    """Return the names of the visible rows; innerText would skip those below the fold."""
    script = (
        "return [...document.querySelectorAll('#changes tbody tr:not([hidden]) b')].map(each "
        "=> each.textContent)"
    )
    names: list[str] = browser.execute_script(script)
    return names


def status(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "output").text


def typed(browser: Chrome, text: str, then: str) -> None:
    browser.find_element(By.ID, "text").send_keys(text)
    WebDriverWait(browser, 20).until(lambda _: status(browser) == then, f"the status is not {then}")


def tick(browser: Chrome, value: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"input[value={value}]").click()


def numbers(browser: Chrome, name: str) -> dict[str, str]:
    chips = browser.find_elements(By.CSS_SELECTOR, f".chip:has([name={name}])")
    return {words[0]: words[-1] for words in (chip.text.split() for chip in chips)}


@needs_browser
def test_text_boxes_and_counts_filter_together(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path, SMALL)
    assert status(browser) == "10 of 10 changes"
    assert numbers(browser, "kind")["upgraded"] == "3"
    tick(browser, "upgraded")
    assert shown(browser) == ["numpy", "six", "semver"]
    assert numbers(browser, "manager") == {"apt": "0", "conda": "0", "npm": "1", "pip": "2"}
    assert numbers(browser, "kind")["rebuilt"] == "2", "what a tick would add"
    tick(browser, "rebuilt")
    tick(browser, "pip")
    assert shown(browser) == ["numpy", "six", "wheel"]
    typed(browser, "DATEUTIL via", "1 of 10 changes")
    assert shown(browser) == ["six"]
    browser.find_element(By.ID, "clear").click()
    assert status(browser) == "10 of 10 changes"
    assert browser.switch_to.active_element.get_attribute("id") == "text"
    tick(browser, "true")
    assert shown(browser) == ["polars", "numpy"]


@needs_browser
def test_a_filter_without_matches_shows_a_message(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path, SMALL)
    typed(browser, "nothing like this", "0 of 10 changes")
    assert browser.find_element(By.ID, "none").is_displayed()


@needs_browser
def test_headings_sort_by_mouse_and_keyboard(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path, SMALL)
    unsorted = shown(browser)
    heading = browser.find_element(By.CSS_SELECTOR, "th.name")
    button = heading.find_element(By.TAG_NAME, "button")
    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown(browser) == sorted(unsorted)
    button.send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "descending"
    assert shown(browser) == sorted(unsorted, reverse=True)
    button.send_keys(Keys.SPACE)
    assert heading.get_attribute("aria-sort") is None
    assert shown(browser) == unsorted
    browser.find_element(By.CSS_SELECTOR, "th.grown button").click()
    assert shown(browser)[0] == "libx"
    assert shown(browser)[-1] == "polars"
    browser.find_element(By.CSS_SELECTOR, "th.step button").click()
    assert shown(browser)[0] == "numpy"
    assert heading.get_attribute("aria-sort") is None


@needs_browser
def test_thousands_of_rows_can_be_filtered_and_sorted(browser: Chrome, tmp_path: Path) -> None:
    diff = many(6000)
    opened(browser, tmp_path, diff)
    assert status(browser) == "6,000 of 6,000 changes"
    typed(browser, "package-0123", "10 of 6,000 changes")
    assert sorted(shown(browser)) == [f"package-0123{digit}" for digit in range(10)]
    browser.find_element(By.ID, "clear").click()
    browser.find_element(By.CSS_SELECTOR, "th.name button").click()
    assert shown(browser) == sorted(change.name for change in diff.changes)


@needs_browser
@pytest.mark.parametrize("width", [320, 400, 800, 1280])
def test_the_page_fits_narrow_windows(browser: Chrome, tmp_path: Path, width: int) -> None:
    for diff in (hostile(), PLACES, many(20)):
        opened(browser, tmp_path, diff, width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@needs_browser
def test_headings_stay_visible(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path, many(300))
    browser.execute_script("window.scrollTo(0, 3000)")
    bar, heading = (
        browser.execute_script(
            "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", each
        )
        for each in (".bar", "#changes thead")
    )
    assert bar["top"] == 0
    assert heading["top"] == pytest.approx(bar["bottom"], abs=1)


@needs_browser
def test_markup_in_a_lock_does_not_run(browser: Chrome, tmp_path: Path) -> None:
    opened(browser, tmp_path, hostile())
    assert browser.title != "owned"
    assert HOSTILE in shown(browser)


@needs_browser
def test_without_a_script_the_page_is_a_plain_table(browser: Chrome, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        file = tmp_path / "page.html"
        file.write_text(html.render(SMALL), encoding="utf-8")
        browser.get(file.as_uri())
        assert not browser.find_element(By.ID, "text").is_displayed()
        assert not browser.find_element(By.CSS_SELECTOR, ".filters").is_displayed()
        assert len(browser.find_elements(By.CSS_SELECTOR, "#changes tbody tr")) == 10
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser: Chrome, tmp_path: Path, scheme: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    opened(browser, tmp_path, replace(FACTS, changes=(*ALTERED.changes, *SMALL.changes)))
    assert browser.execute_script(CONTRAST) >= 4.5


CONTRAST = """
const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, axis) => sum + part * [0.2126, 0.7152, 0.0722][axis], 0);
const clear = "rgba(0, 0, 0, 0)";
const ground = (each) => {
  for (; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (colour !== clear) return colour;
  }
};
return Math.min(...[...document.body.querySelectorAll(
    "h1, h2, p, td, th, th button, label, .tag, .number, output, li")]
  .map((each) => [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => b - a))
  .map(([bright, dark]) => (bright + 0.05) / (dark + 0.05)));
"""
"""The least contrast of all texts, as WCAG 2.2 defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
