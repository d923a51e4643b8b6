"""Licences as JSON, format 1, and its JSON Schema.

Programs read this format: keys and their order stay, and new keys may be added.
"""

from typing import Any, Literal

import msgspec

from orbiter.licences.model import Inventory, LicensedPackage, Origin, Status


class OnePackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package or a download, which has the manager "".

    ``text`` is the licence as the package declares it, ``expression`` the SPDX expression for it.
    Either is "" if it is not known. ``denied`` are the licences because of which the package cannot
    be used.
    """

    manager: str
    name: str
    version: str
    images: tuple[str, ...]
    status: Status
    expression: str
    text: str
    origin: Origin
    reason: str
    denied: tuple[str, ...]


class LicenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of ``orbiter licences``."""

    format: Literal[1] = 1
    release: str
    images: tuple[str, ...]
    packages: tuple[OnePackage, ...]
    not_covered: tuple[str, ...]
    unused_records: tuple[str, ...]


def render(inventory: Inventory) -> str:
    """Return the report as indented JSON."""
    denied = {denial.package: denial.licences for denial in inventory.denials}
    report = LicenceReport(
        release=inventory.release,
        images=inventory.images,
        packages=tuple(_package(each, denied.get(each, ())) for each in inventory.packages),
        not_covered=inventory.not_covered,
        unused_records=inventory.unused,
    )
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def _package(package: LicensedPackage, denied: tuple[str, ...]) -> OnePackage:
    return OnePackage(
        manager=package.manager,
        name=package.name,
        version=package.version,
        images=package.images,
        status=package.status,
        expression=package.expression,
        text=package.text,
        origin=package.origin,
        reason=package.reason,
        denied=denied,
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    found = msgspec.json.schema(LicenceReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
