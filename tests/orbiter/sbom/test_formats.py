"""Documents: valid for the official schema of CycloneDX and for SPDX's own validator."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.json.json_parser import parse_from_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from orbiter.lockset.model import LockSet
from orbiter.sbom.collect import bill_of
from orbiter.sbom.formats import FORMATS, format_bill
from orbiter.sbom.model import Bill
from tests.support.lock_sets import small
from tests.support.sbom_lock_sets import mixed, release

VERSIONS = {"cyclonedx-1.6": SchemaVersion.V1_6, "cyclonedx-1.7": SchemaVersion.V1_7}
CASES = ["0.1.0", "0.2.0", "0.2.0 debian-base", "small", "mixed", "mixed micromamba-base"]


@pytest.fixture(params=CASES)
def bill(request: pytest.FixtureRequest, tmp_path: Path) -> Bill:
    kind, *names = request.param.split()
    lock_set: LockSet
    if kind == "small":
        lock_set = small()
    elif kind == "mixed":
        lock_set = mixed(tmp_path)
    else:
        lock_set = release(kind)
    return bill_of(lock_set, tuple(names))


def components(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for component in document.get("components", ()):
        yield component
        yield from components(component)


@pytest.mark.parametrize("name", VERSIONS)
def test_cyclonedx_follows_the_official_schema(bill: Bill, name: str) -> None:
    text = format_bill(bill, name)
    assert JsonStrictValidator(VERSIONS[name]).validate_str(text) is None


@pytest.mark.parametrize("name", VERSIONS)
def test_the_schema_finds_an_unknown_type(name: str) -> None:
    text = format_bill(bill_of(small()), name).replace('"library"', '"parcel"')
    assert JsonStrictValidator(VERSIONS[name]).validate_str(text) is not None


@pytest.mark.parametrize("name", VERSIONS)
def test_all_refs_of_cyclonedx_are_unique_and_defined(bill: Bill, name: str) -> None:
    document = json.loads(format_bill(bill, name))
    refs = [each["bom-ref"] for each in components(document)]
    refs.append(document["metadata"]["component"]["bom-ref"])
    assert len(refs) == len(set(refs))
    used = {each["ref"] for each in document["dependencies"]}
    assert used == set(refs)
    for each in document["dependencies"]:
        assert set(each.get("dependsOn", ())) <= used
    assert {component.ref for component in bill.components} <= set(refs)


def test_spdx_accepts_the_document(bill: Bill, tmp_path: Path) -> None:
    path = tmp_path / "bill.spdx.json"
    path.write_text(format_bill(bill, "spdx-2.3"), encoding="utf-8")
    document = parse_from_file(str(path))
    assert validate_full_spdx_document(document, "SPDX-2.3") == []
    assert len(document.packages) == len(bill.components) + len(bill.images)
    assert len({package.spdx_id for package in document.packages}) == len(document.packages)


def test_the_validator_of_spdx_finds_a_wrong_reference(tmp_path: Path) -> None:
    path = tmp_path / "bill.spdx.json"
    document = FORMATS["spdx-2.3"](bill_of(small()))
    document["relationships"][0]["relatedSpdxElement"] = "SPDXRef-nothing"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert validate_full_spdx_document(parse_from_file(str(path)), "SPDX-2.3") != []


@pytest.mark.parametrize("name", FORMATS)
def test_writing_twice_gives_the_same_bytes(name: str) -> None:
    lock_set = release("0.2.0")
    assert format_bill(bill_of(lock_set), name) == format_bill(bill_of(lock_set), name)


def test_a_bundled_package_is_inside_of_its_host() -> None:
    bill = bill_of(release("0.2.0"), ("debian-base",))
    document = json.loads(format_bill(bill, "cyclonedx-1.6"))
    (npm,) = (each for each in document["components"] if each["name"] == "npm")
    assert len(npm["components"]) > 100
    assert all("hashes" not in each for each in npm["components"])
    spdx = FORMATS["spdx-2.3"](bill)
    (host,) = {each["SPDXID"] for each in spdx["packages"] if each["name"] == "npm"}
    inside = [
        each
        for each in spdx["relationships"]
        if (each["spdxElementId"], each["relationshipType"]) == (host, "CONTAINS")
    ]
    assert len(inside) == len(npm["components"])


def test_a_release_lists_its_images_and_their_packages(tmp_path: Path) -> None:
    document = json.loads(format_bill(bill_of(mixed(tmp_path)), "cyclonedx-1.6"))
    images = [each["name"] for each in document["components"] if "image/" in each["bom-ref"]]
    assert sorted(set(images)) == ["alpine-core", "micromamba-base", "micromamba-core"]
    graph = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert len(graph["release"]) == len(images) == 6
    (incomplete,) = document["compositions"]
    assert "image/alpine-core/linux/amd64" in incomplete["assemblies"]
