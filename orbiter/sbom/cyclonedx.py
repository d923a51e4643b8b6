"""Bills of materials as CycloneDX 1.6 and 1.7, in JSON. Pure.

Specification: https://cyclonedx.org/specification/overview/
"""

from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from typing import Any

from orbiter.sbom.collect import contents_by_host
from orbiter.sbom.licenses import is_identifier, spdx_expression
from orbiter.sbom.model import Bill, Component, Image

JsonObject = dict[str, Any]
"""An object of the document; the specification describes it."""

TYPES = {"package": "library", "file": "file", "base": "container"}
ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512"}
RELEASE = "release"
"""The ref of the release, if the document describes several images."""


def document(bill: Bill, version: str) -> JsonObject:
    """Return the document in a version of CycloneDX, such as ``1.6``."""
    hosts = contents_by_host(bill.components)
    components = [_component(each, hosts) for each in hosts.get("", ())]
    images = [_image(bill, image) for image in bill.images]
    subject, others = (images[0], []) if len(images) == 1 else (_release(bill), images)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": f"urn:uuid:{bill.serial}",
        "version": 1,
        "metadata": _metadata(bill, subject),
        "components": others + components,
        "dependencies": _dependencies(bill),
        **_compositions(bill.incomplete),
    }


def _metadata(bill: Bill, subject: JsonObject) -> JsonObject:
    tool = {"type": "application", "name": "orbiter", "version": bill.orbiter}
    metadata: JsonObject = {
        "timestamp": bill.time,
        "lifecycles": [{"phase": "pre-build"}],
        "tools": {"components": [tool]},
    }
    if bill.maintainer:
        metadata["authors"] = [{"name": bill.maintainer}]
    return {
        **metadata,
        "component": subject,
        "properties": _properties({"lock-set": bill.root, "release": bill.release}),
    }


def _release(bill: Bill) -> JsonObject:
    subject = {
        "type": "application",
        "bom-ref": RELEASE,
        "name": bill.name,
        "version": bill.release,
    }
    return {**subject, **_repository(bill)}


def _image(bill: Bill, image: Image) -> JsonObject:
    return {
        "type": "container",
        "bom-ref": image.ref,
        "name": image.name,
        "version": bill.release,
        "purl": image.purl,
        **_repository(bill),
        "properties": _properties({"platform": image.platform}),
    }


def _repository(bill: Bill) -> JsonObject:
    if not bill.source:
        return {}
    return {"externalReferences": [{"type": "vcs", "url": bill.source}]}


def _component(component: Component, hosts: Mapping[str, tuple[Component, ...]]) -> JsonObject:
    fields: JsonObject = {
        "type": TYPES[component.kind],
        "bom-ref": component.ref,
        "supplier": {"name": component.supplier} if component.supplier else None,
        "authors": _authors(component.maintainer),
        "name": component.name,
        "version": component.version,
        "hashes": _hashes(component),
        "licenses": _licenses(component.license),
        "purl": component.purl,
        "externalReferences": _references(component),
        "components": [_component(each, hosts) for each in hosts.get(component.ref, ())],
        "properties": _component_properties(component),
    }
    return {key: value for key, value in fields.items() if value}


def _authors(maintainer: str) -> list[JsonObject]:
    name, email = parseaddr(maintainer)
    author = {key: value for key, value in (("name", name), ("email", email)) if value}
    return [author] if author else []


def _hashes(component: Component) -> list[JsonObject]:
    algorithm, _, digest = component.hash.partition(":")
    return [{"alg": ALGORITHMS[algorithm], "content": digest}] if digest else []


def _licenses(text: str) -> list[JsonObject]:
    expression = spdx_expression(text)
    declared = {"acknowledgement": "declared"}
    if is_identifier(expression):
        return [{"license": {"id": expression, **declared}}]
    if expression:
        return [{"expression": expression, **declared}]
    return [{"license": {"name": text, **declared}}] if text else []


def _references(component: Component) -> list[JsonObject]:
    if not component.address:
        return []
    return [{"type": "distribution", "url": component.address}]


def _component_properties(component: Component) -> list[JsonObject]:
    properties = {
        "bundled": "true" if component.inside else "",
        "file": component.file,
        "manager": component.manager,
        "source": component.source,
        "source-package": component.source_package,
    }
    platforms = [("platform", platform) for platform in component.platforms]
    return _pairs([*properties.items(), *platforms])


def _properties(values: Mapping[str, str]) -> list[JsonObject]:
    return _pairs(values.items())


def _pairs(values: Iterable[tuple[str, str]]) -> list[JsonObject]:
    return [{"name": f"orbiter:{key}", "value": value} for key, value in values if value]


def _dependencies(bill: Bill) -> list[JsonObject]:
    graph = {component.ref: component.requires for component in bill.components}
    graph |= {image.ref: image.components for image in bill.images}
    if len(bill.images) > 1:
        graph[RELEASE] = tuple(image.ref for image in bill.images)
    return [_dependency(ref, graph[ref]) for ref in sorted(graph)]


def _dependency(ref: str, required: tuple[str, ...]) -> JsonObject:
    return {"ref": ref, "dependsOn": sorted(required)} if required else {"ref": ref}


def _compositions(incomplete: tuple[str, ...]) -> JsonObject:
    """Return the parts whose content the lock set does not name completely."""
    if not incomplete:
        return {}
    return {"compositions": [{"aggregate": "incomplete", "assemblies": [*incomplete]}]}
