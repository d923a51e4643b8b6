"""The page about a release, made of the real lock sets, and what Chromium shows of it."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from selenium.webdriver import Chrome

from orbiter.config.check_keys import LicencesTable
from orbiter.lockfiles.types import PackageEntry, PackageFile, Scope
from orbiter.lockset import folder
from orbiter.report.release.contents import Contents, read_contents, stored_sizes
from orbiter.report.release.page import is_own, render
from orbiter.report.vulnerabilities.view import Row, View, VulnerabilitySection
from orbiter.store.store import Store
from tests.support.browser import chromium
from tests.support.html_page import Page
from tests.support.paths import ROOT
from tests.support.sbom_lock_sets import mixed, release

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'`"
FOUND = View(
    title="0.2.0",
    counts="1 vulnerability (1 high), 0 undecided",
    database="database sha256:0",
    digest="sha256:0",
    images=(),
    sections=(
        VulnerabilitySection(
            "affected",
            "Vulnerabilities (1)",
            (Row("high 7.5", "high", "CVE-1", "npm", "npm", "8.19.4", "9", "", HOSTILE),),
        ),
    ),
    remarks=(),
)


def contents_of(version: str, store: Store) -> Contents:
    return read_contents(release(version), store, LicencesTable(), locks=ROOT / "locks")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """Return the contents of 0.2.0 with an empty store."""
    return contents_of("0.2.0", Store(tmp_path_factory.mktemp("store")))


def test_the_page_has_the_recorded_images(contents: Contents) -> None:
    text = Page(render(contents)).text
    digests = contents.digests
    assert digests is not None
    for name, images in digests.stages.items():
        digest = images["linux/amd64"].digest
        assert f"docker pull dorgeln/orbiter:{name}-0.2.0@{digest}\n" in text
    for part in ("189.4 MB", "82.1 MB", "+2.5 MB", "Changes since 0.1.0", "147 upgraded"):
        assert part in text


def test_unknown_is_not_shown_as_zero_or_clean(contents: Contents) -> None:
    text = Page(render(contents)).text
    assert "not part of the figures: 153 of npm and 197 of pip." in text
    assert "Not checked. This page says nothing about vulnerabilities." in text
    assert "346 with a known licence, 0 unclear, 385 unknown" in text


def test_vulnerabilities_that_were_looked_for_are_shown(contents: Contents) -> None:
    text = Page(render(replace(contents, vulnerabilities=FOUND))).text
    assert "1 vulnerability (1 high), 0 undecided" in text
    assert "Not checked." not in text


def test_the_store_adds_sizes(contents: Contents) -> None:
    entries = contents.packages[Scope("debian-base", "linux/amd64")]
    numpy = next(each for each in entries if each.name == "numpy")
    stored = {numpy.files[0].hashes[0]: 15_700_000}
    text = Page(render(replace(contents, stored=stored))).text
    assert "153 of npm and 196 of pip." in text
    assert f"numpy {numpy.version} (pip): 15.7 MB" in text


def test_sizes_in_the_store_are_read(tmp_path: Path) -> None:
    content = b"a wheel"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    store = Store(tmp_path)
    store.add(content, digest)
    entry = PackageEntry(manager="pip", name="a", files=(PackageFile("a.whl", (digest,)),))
    assert dict(stored_sizes([[entry]], store)) == {digest: len(content)}


def test_the_first_release_has_nothing_to_compare(tmp_path: Path) -> None:
    text = Page(render(contents_of("0.1.0", Store(tmp_path)))).text
    assert "There is no earlier release to compare with." in text
    assert "base-0.2.0" not in text


def test_a_release_without_record_says_so(contents: Contents) -> None:
    last = contents.history[-1]._replace(digests=None)
    text = Page(render(replace(contents, history=(*contents.history[:-1], last)))).text
    assert "This release is locked but not recorded" in text
    assert "docker pull dorgeln/orbiter:debian-base-0.2.0\n" in text
    assert "The sizes of this release are not recorded." in text
    assert "cannot be verified" in text


def test_the_packages_of_a_base_image_are_not_listed(tmp_path: Path) -> None:
    project, locks = tmp_path / "project", tmp_path / "locks"
    project.mkdir()
    locks.mkdir()
    lock_set = mixed(project)
    folder.write(lock_set, locks / lock_set.manifest.release)
    text = Page(render(read_contents(lock_set, Store(tmp_path), LicencesTable(), locks=locks))).text
    assert "and those of the base image alpine:3.23, which are not listed" in text
    assert "Orbiter locks no packages for this image." in text
    assert "alpine-core linux/amd64, 2 B" in text


def test_the_page_makes_no_requests(contents: Contents) -> None:
    text = render(replace(contents, vulnerabilities=FOUND))
    addresses = [
        value
        for _, tag in Page(text).tags
        for key, value in tag.items()
        if key in {"src", "href", "action", "srcset"}
    ]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"@import|url\(|style=|xlink", text)


def test_the_policy_allows_only_its_own_style_and_script(contents: Contents) -> None:
    text = render(contents)
    policy = next(tag["content"] for name, tag in Page(text).tags if "http-equiv" in tag)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def hostile(contents: Contents) -> Contents:
    """Return contents whose texts are markup."""
    bad = PackageEntry(
        manager="pip", name=HOSTILE, version=HOSTILE, files=(PackageFile("f", ("sha256:0",)),)
    )
    sized = replace(bad, version="1", size=9_000_000)
    packages = dict.fromkeys(contents.packages, (sized, bad))
    licences = tuple(
        replace(each, name=HOSTILE, version=HOSTILE, text=HOSTILE, expression="", images=())
        for each in contents.licences.packages[:3]
    )
    return replace(
        contents,
        packages=packages,
        vulnerabilities=FOUND,
        licences=replace(contents.licences, packages=licences, not_covered=(HOSTILE,)),
    )


def test_text_of_a_lock_is_escaped(contents: Contents) -> None:
    page = Page(render(hostile(contents)))
    assert [name for name, _ in page.tags].count("script") == 1
    assert "img" not in {name for name, _ in page.tags}
    assert page.text.count(HOSTILE) > 5


def test_the_same_contents_give_the_same_bytes(contents: Contents) -> None:
    assert render(contents) == render(contents)


def test_a_page_of_many_packages_is_small(contents: Contents) -> None:
    (entries,) = (
        contents.packages[scope] for scope in contents.packages if scope[0] == "debian-base"
    )
    assert len(entries) > 700
    stored = {each.files[0].hashes[0]: 1000 for each in entries if each.files}
    assert len(render(replace(contents, stored=stored))) < 300_000


def test_orbiter_knows_its_own_pages(contents: Contents) -> None:
    assert is_own(render(contents))
    assert not is_own("<html><head></head><body><p>orbiter report</p></body></html>")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), log=True) as started:
        yield started


@pytest.mark.browser
def test_chromium_shows_the_page(browser: Chrome, contents: Contents, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    without = contents.history[0]._replace(name="1.0.0-rc.1", digests=None)
    shown_contents = replace(hostile(contents), history=(without, *contents.history))
    file.write_text(render(shown_contents), encoding="utf-8")
    for width, shown in ((360, "narrow"), (1280, "wide")):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(file.as_uri())
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
        assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
        assert browser.title == "dorgeln/orbiter 0.2.0"
        wider = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert browser.execute_script(wider) is False
        visible = (
            "return [...document.querySelectorAll('svg.treemap')]"
            ".filter((each) => each.getBoundingClientRect().height > 100)"
            ".map((each) => each.classList[1])"
        )
        assert browser.execute_script(visible) == [shown, shown]
