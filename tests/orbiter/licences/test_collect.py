"""From bills of materials to licences."""

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

from orbiter.licences.collect import DOWNLOAD, NOT_DECLARED, NOT_IN_STORE, inventory_of
from orbiter.licences.model import Inventory, LicenceRecord
from orbiter.licences.policy import with_denials
from orbiter.licences.report import json as json_report
from orbiter.licences.report import markdown, text
from orbiter.licences.views import VIEWS, by_image, by_licence
from orbiter.sbom.artifacts import with_stored_facts
from orbiter.sbom.collect import bill_of
from orbiter.sbom.model import Bill, Component, Image
from orbiter.store.store import Store
from tests.support.sbom_lock_sets import release
from tests.support.wheel_index import wheel


def component(
    name: str,
    license: str = "",  # noqa: A002 - the name of the field
    file: str = "",
    hash: str = "",  # noqa: A002 - the name of the field
) -> Component:
    return Component(
        ref=name,
        manager="pip",
        name=name,
        version="1.0",
        license=license,
        file=file,
        hash=hash,
    )


def bill(*components: Component) -> Bill:
    images = tuple(
        Image(
            ref=name,
            name=name,
            platform="linux/amd64",
            purl="",
            components=tuple(each.ref for each in components),
            is_hermetic=True,
        )
        for name in ("core", "base")
    )
    return Bill(
        name="a",
        release="0.1.0",
        root="sha256:0",
        serial="0",
        time="2026-01-01T00:00:00Z",
        orbiter="0",
        images=images,
        components=components,
    )


def inventory(*components: Component, records: tuple[LicenceRecord, ...] = ()) -> Inventory:
    return inventory_of(bill(*components), (), (), records)


def test_the_licences_of_a_release_in_the_lock_set_alone(tmp_path: Path) -> None:
    found, read, missing = with_stored_facts(bill_of(release("0.2.0")), Store(tmp_path))
    licences = inventory_of(found, read, missing, ())
    assert read == frozenset()
    npm = [each for each in licences.packages if each.manager == "npm"]
    others = [each for each in licences.packages if each.manager != "npm"]
    assert len(npm) > 300
    assert {each.origin for each in npm if each.status == "known"} == {"lock"}
    assert {(each.status, each.reason) for each in others} == {("unknown", NOT_IN_STORE)}
    assert len(licences.packages) == len(npm) + len(others)


def test_packages_in_the_store_are_read_and_others_are_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    components = []
    for name in ("first", "second"):
        file, content = wheel(name, "1.0", "License-Expression: MIT")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        components.append(component(name, file=file, hash=digest))
        if name == "first":
            store.add(content, digest)
    found, read, missing = with_stored_facts(bill(*components), store)
    first, second = inventory_of(found, read, missing, ()).packages
    assert (first.expression, first.origin, first.images) == ("MIT", "package", ("base", "core"))
    assert (second.status, second.reason) == ("unknown", NOT_IN_STORE)


def test_unclear_and_unknown_licences_are_not_known() -> None:
    unclear, unknown = inventory(component("a", license="BSD License"), component("b")).packages
    assert (unclear.status, unclear.licence) == ("unclear", "BSD License")
    assert (unknown.status, unknown.reason) == ("unknown", NOT_DECLARED)


def test_downloads_are_listed_and_own_files_are_not() -> None:
    download = Component(ref="d", kind="file", name="data.csv", address="https://example.org/d")
    own = Component(ref="o", kind="file", name="/opt/own", source="own.txt")
    (found,) = inventory(download, own).packages
    assert (found.name, found.manager, found.reason) == ("data.csv", "", DOWNLOAD)


def test_a_record_counts_until_the_package_has_a_known_licence() -> None:
    records = (
        LicenceRecord(package="a", licence="MIT", reason="its README"),
        LicenceRecord(package="b", licence="MIT", reason="its README"),
        LicenceRecord(package="c", licence="MIT", reason="its README"),
    )
    found = inventory(component("a"), component("b", license="ISC"), records=records)
    first, second = found.packages
    assert (first.expression, first.origin, first.reason) == ("MIT", "images.toml", "its README")
    assert (second.expression, second.origin) == ("ISC", "lock")
    assert found.unused == ("b", "c")


def test_views() -> None:
    found = inventory(component("a", license="MIT AND ISC"), component("b", license="MIT"))
    assert {key: [each.name for each in value] for key, value in by_licence(found).items()} == {
        "ISC": ["a"],
        "MIT": ["a", "b"],
    }
    assert [(each.name, each.licences) for each in by_image(found)] == [
        ("base", (("MIT", 2), ("ISC", 1))),
        ("core", (("MIT", 2), ("ISC", 1))),
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_reports_name_denied_and_unknown_packages(view: str) -> None:
    packages = (component("aaa", license="AGPL-3.0-only"), component("bbb"))
    found = with_denials(inventory(*packages), ("AGPL-*",))
    shown = text.render(found, view, width=80)  # type: ignore[arg-type] # a parametrized literal
    assert shown.startswith("denied: 1 package\n  aaa 1.0 (pip): AGPL-3.0-only\n")
    assert "1 with a known licence, 0 unclear, 1 unknown" in shown
    assert "unknown for 1 package: the package declares none" in shown
    assert max(map(len, shown.splitlines())) <= 80
    page = markdown.render(found, view)  # type: ignore[arg-type] # a parametrized literal
    assert "| aaa 1.0 \\(pip\\) | AGPL-3.0-only |" in page
    assert "- unknown for 1 package: the package declares none" in page


def test_hostile_names_reach_neither_terminal_nor_markdown() -> None:
    found = inventory(component("a\x1b[31m|<b>", license="`x` | y"))
    assert "\x1b" not in text.render(found, "package", width=80)
    page = markdown.render(found, "package")
    assert "<b>" not in page
    assert "\\`x\\` \\| y" in page


def test_long_lists_are_shortened_unless_all_are_wanted() -> None:
    found = inventory(*(component(f"package-{n}", license="MIT") for n in range(200)))
    short = text.render(found, "licence", width=80)
    assert "(--all shows all)" in short
    assert "package-199" in text.render(found, "licence", width=80, everything=True)
    assert "MIT: 200 packages" in short


def test_json_follows_its_schema() -> None:
    found = with_denials(inventory(component("a", license="MIT"), component("b")), ("MIT",))
    report = json.loads(json_report.render(found))
    jsonschema.validate(report, json_report.schema())
    assert report["format"] == 1
    assert [each["denied"] for each in report["packages"]] == [["MIT"], []]
