"""The provenance of images: validated with the schemas of in-toto and SLSA."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance as Schema
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementSchema

from orbiter.attest.provenance import Provenance, provenance_of
from orbiter.lockset import record
from orbiter.lockset.record import Digests, RecordedBuilder, RecordedImage, image_stages
from orbiter.store.artifact_list import parse_list
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT
from tests.support.sbom_lock_sets import PLATFORMS, release
from tests.support.signed_releases import lock_set_for

NEWEST = max((ROOT / "locks").glob("*/digests.toml")).parent.name
INDEX = f"sha256:{'1' * 64}"


def released(name: str) -> Provenance:
    """Return the provenance of an image of the newest release."""
    locked = release(NEWEST)
    digests = record.read(ROOT / "locks" / NEWEST, locked).digests
    return provenance_of(locked, digests, name)


def for_two_platforms(folder: Path, name: str) -> Provenance:
    locked = lock_set_for(folder, "registry.example.org/lab/images")
    images = {
        platform: RecordedImage(digest=f"sha256:{number * 64}", config=INDEX, layers=())
        for platform, number in zip(PLATFORMS, "23", strict=True)
    }
    digests = Digests(
        release="0.1.0",
        lockset=locked.root,
        builder=RecordedBuilder(buildkit="0.13.2", compression="zstandard 0.25.0"),
        stages=dict.fromkeys(image_stages(locked), images),
        lists={},
    )
    return provenance_of(locked, digests, name)


def validate(text: str) -> dict[str, Any]:
    """Return a statement that fits the schemas, which have no other fields."""
    document: dict[str, Any] = json.loads(text)
    message = json_format.ParseDict(document, StatementSchema())
    Statement.copy_from_pb(message).validate()
    predicate = json_format.ParseDict(document["predicate"], Schema())
    definition, builder = predicate.build_definition, predicate.run_details.builder
    assert definition.build_type
    assert definition.external_parameters
    assert builder.id
    for each in definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(each).validate()
        assert each.digest, "in-toto allows others, but every file of a lock set has a digest"
    return document


def listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["predicate"]["buildDefinition"]["resolvedDependencies"]
    return found


def test_every_file_of_a_released_image_is_a_dependency() -> None:
    document = validate(released("base").statement())
    locked = release(NEWEST)
    expected = set()
    for stage in ("debian", "debian-core", "debian-base-build", "debian-base"):
        text = locked.files[f"build/{stage}/artifacts-linux-amd64.txt"]
        expected |= {(file.path, file.hash) for file in parse_list(text)}
    found = [
        (each["name"], ":".join(pair))
        for each in listed(document)
        for pair in each["digest"].items()
    ]
    assert len(found) == len(expected) > 600
    assert set(found) == expected
    without = [each["name"].partition("-")[0] for each in listed(document) if "uri" not in each]
    assert without == ["tools/npm", "tools/uv"]


def test_the_subject_is_the_recorded_image() -> None:
    document = validate(released("debian-core").statement())
    digests = record.read(ROOT / "locks" / NEWEST, release(NEWEST)).digests
    digest = digests.stages["debian-core"]["linux/amd64"].digest
    (subject,) = document["subject"]
    assert subject["name"] == f"dorgeln/orbiter:debian-core-{NEWEST}"
    assert subject["digest"] == {"sha256": digest.removeprefix("sha256:")}
    parameters = document["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters == {
        "image": "debian-core",
        "lockset": release(NEWEST).root,
        "release": NEWEST,
    }
    versions = document["predicate"]["runDetails"]["builder"]["version"]
    assert versions.keys() >= {"orbiter", "engine", "compression"}


def test_the_same_lock_set_gives_the_same_bytes() -> None:
    assert released("base").statement() == released("debian-base").statement()


def test_an_index_is_a_subject_beside_the_images_of_its_platforms(tmp_path: Path) -> None:
    provenance = for_two_platforms(tmp_path, "alpine-core")
    without = validate(provenance.statement())
    document = validate(provenance.statement(INDEX))
    assert document["subject"][1:] == without["subject"]
    names = [each["name"] for each in document["subject"]]
    reference = "registry.example.org/lab/images:alpine-core-0.1.0"
    assert names == [reference, *(f"{reference} ({platform})" for platform in PLATFORMS)]
    bases = [each for each in listed(document) if each["name"] == "alpine:3.23"]
    assert [each["uri"].partition("@")[0] for each in bases] == ["pkg:oci/alpine"]
    addresses = {
        each["downloadLocation"] for each in listed(document) if "downloadLocation" in each
    }
    assert addresses == {"https://example.org/data.csv?v=2"}


def test_an_image_whose_build_had_a_network_is_incomplete(tmp_path: Path) -> None:
    provenance = for_two_platforms(tmp_path, "alpine-core")
    assert not provenance.is_hermetic
    definition = validate(provenance.statement())["predicate"]["buildDefinition"]
    assert definition["internalParameters"]["hermetic"] is False
    assert for_two_platforms(tmp_path, "micromamba-base").is_hermetic


def test_a_build_stage_is_not_an_image() -> None:
    with pytest.raises(ExpectedError, match="'debian-base-build' is not an image of release"):
        released("debian-base-build")
