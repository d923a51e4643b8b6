"""Bills of materials as SPDX 2.3, in JSON. Pure.

Specification: https://spdx.github.io/spdx-spec/v2.3/
"""

import hashlib
import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

from orbiter.sbom.licenses import spdx_expression
from orbiter.sbom.model import Bill, Component, Image

JsonObject = dict[str, Any]
"""An object of the document; the specification describes it."""

NONE = "NOASSERTION"
DOCUMENT = "SPDXRef-DOCUMENT"
PURPOSES = {"package": "LIBRARY", "file": "FILE", "base": "CONTAINER"}
INCOMPLETE = "The lock set does not name everything in it."


def document(bill: Bill) -> JsonObject:
    """Return the document."""
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": f"{bill.name}-{bill.release}",
        "documentNamespace": f"urn:uuid:{bill.serial}",
        "comment": f"Lock set {bill.root}",
        "creationInfo": {"created": bill.time, "creators": [f"Tool: orbiter-{bill.orbiter}"]},
        "packages": [
            *(_image(bill, image) for image in bill.images),
            *(_package(bill, component) for component in bill.components),
        ],
        "relationships": list(_relationships(bill)),
    }


def _id(ref: str) -> str:
    """Return the SPDX identifier of a ref; a hash distinguishes refs with other punctuation."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", ref).strip("-")
    return f"SPDXRef-{slug}-{hashlib.sha256(ref.encode()).hexdigest()[:10]}"


def _image(bill: Bill, image: Image) -> JsonObject:
    return {
        "SPDXID": _id(image.ref),
        "name": image.name,
        "versionInfo": bill.release,
        "supplier": f"Organization: {bill.maintainer}" if bill.maintainer else NONE,
        "downloadLocation": NONE,
        "filesAnalyzed": False,
        "licenseConcluded": NONE,
        "licenseDeclared": NONE,
        "copyrightText": NONE,
        "externalRefs": _references(image.purl),
        "primaryPackagePurpose": "CONTAINER",
        "comment": " ".join(_image_comments(bill, image)),
    }


def _image_comments(bill: Bill, image: Image) -> Iterator[str]:
    yield f"Platform {image.platform}."
    if image.ref in bill.incomplete:
        yield INCOMPLETE


def _package(bill: Bill, component: Component) -> JsonObject:
    expression = spdx_expression(component.license)
    fields: JsonObject = {
        "SPDXID": _id(component.ref),
        "name": component.name,
        "versionInfo": component.version,
        "packageFileName": component.file,
        "supplier": f"Organization: {component.supplier}" if component.supplier else NONE,
        "originator": _originator(component.maintainer),
        "downloadLocation": component.address or NONE,
        "filesAnalyzed": False,
        "checksums": _checksums(component),
        "sourceInfo": _source(component),
        "licenseConcluded": NONE,
        "licenseDeclared": expression or NONE,
        "licenseComments": _license_comment(component.license, expression),
        "copyrightText": NONE,
        "externalRefs": _references(component.purl),
        "primaryPackagePurpose": PURPOSES[component.kind],
        "comment": INCOMPLETE if component.ref in bill.incomplete else "",
    }
    return {key: value for key, value in fields.items() if value is False or value}


def _originator(maintainer: str) -> str:
    """Return the maintainer with the address in parentheses, as the format has it."""
    name, email = parseaddr(maintainer)
    if not email:
        return ""
    return f"Organization: {name} ({email})" if name else f"Organization: {email}"


def _checksums(component: Component) -> list[JsonObject]:
    algorithm, _, digest = component.hash.partition(":")
    return [{"algorithm": algorithm.upper(), "checksumValue": digest}] if digest else []


def _source(component: Component) -> str:
    parts = []
    if component.source_package:
        parts.append(f"built from source package: {component.source_package}")
    if component.source:
        parts.append(f"source of the file: {component.source}")
    return "; ".join(parts)


def _license_comment(text: str, expression: str) -> str:
    """Return the declared text if it is not the expression."""
    return f"declared as: {text}" if text and text != expression else ""


def _references(purl: str) -> list[JsonObject]:
    if not purl:
        return []
    reference = {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    }
    return [reference]


def _relationships(bill: Bill) -> Iterator[JsonObject]:
    for image in bill.images:
        yield _relationship(DOCUMENT, "DESCRIBES", _id(image.ref))
        for ref in image.components:
            yield _relationship(_id(image.ref), "CONTAINS", _id(ref))
    for component in bill.components:
        if component.inside:
            yield _relationship(_id(component.inside), "CONTAINS", _id(component.ref))
        for ref in component.requires:
            yield _relationship(_id(component.ref), "DEPENDS_ON", _id(ref))


def _relationship(element: str, kind: str, related: str) -> JsonObject:
    return {
        "spdxElementId": element,
        "relationshipType": kind,
        "relatedSpdxElement": related,
    }
