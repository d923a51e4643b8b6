"""The licences of an inventory by licence and by image. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from orbiter.licences.model import Inventory, LicensedPackage, Status
from orbiter.licences.policy import identifiers

View = Literal["licence", "package", "image"]
VIEWS: tuple[View, ...] = get_args(View)
UNKNOWN_TITLES: Mapping[Status, str] = {
    "unclear": "unclear: no SPDX licence",
    "unknown": "unknown",
}
"""The titles of packages without an SPDX expression, by status."""


class ImageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The licences in an image with the number of packages, the most common first."""

    name: str
    packages: int
    licences: tuple[tuple[str, int], ...]


def by_licence(inventory: Inventory) -> Mapping[str, tuple[LicensedPackage, ...]]:
    """Return the packages of each licence, sorted; a package may have several.

    Packages without an SPDX expression follow.
    """
    found: dict[str, list[LicensedPackage]] = {}
    for package in inventory.with_status("known"):
        for name in identifiers(package.expression):
            found.setdefault(name, []).append(package)
    groups = {name: tuple(found[name]) for name in sorted(found, key=str.lower)}
    for status, title in UNKNOWN_TITLES.items():
        if packages := inventory.with_status(status):
            groups[title] = packages
    return groups


def by_image(inventory: Inventory) -> tuple[ImageSummary, ...]:
    """Return the licences of each image."""
    return tuple(_summary(inventory, name) for name in inventory.images)


def _summary(inventory: Inventory, name: str) -> ImageSummary:
    packages = [each for each in inventory.packages if name in each.images]
    counts: Counter[str] = Counter()
    for package in packages:
        counts.update(identifiers(package.expression) or (package.status,))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].lower()))
    return ImageSummary(name=name, packages=len(packages), licences=tuple(ordered))
