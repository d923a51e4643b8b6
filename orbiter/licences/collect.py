"""From a bill of materials to licences. Pure."""

from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from orbiter.licences.expressions import expression_of
from orbiter.licences.model import Inventory, LicenceRecord, LicensedPackage, Origin
from orbiter.sbom.model import Bill, Component

NOT_DECLARED = "the package declares none"
NOT_IN_COPYRIGHT = "its copyright file is free text, or in another package"
NOT_IN_STORE = "the package is not in the store"
DOWNLOAD = "a download has no metadata"


def inventory_of(
    bill: Bill, read: Collection[str], missing: Collection[str], records: Collection[LicenceRecord]
) -> Inventory:
    """Return the licences of all packages and downloads of a bill.

    ``read`` are the refs whose facts come from the packages in the store, and ``missing`` the refs
    of the packages that are not there. Records apply to packages without a known licence.
    """
    recorded = {record.package: record for record in records}
    images = _images(bill)
    found = (
        _licensed(component, images, read, missing)
        for component in bill.components
        if component.kind == "package" or component.address
    )
    packages = [_recorded(package, recorded) for package in _merged(found)]
    used = {each.name for each in packages if each.origin == "images.toml"}
    return Inventory(
        release=bill.release,
        images=tuple(sorted({image.name for image in bill.images})),
        packages=tuple(packages),
        not_covered=bill.incomplete,
        unused=tuple(sorted(recorded.keys() - used)),
    )


def _images(bill: Bill) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the images that contain each component, by ref."""
    names: dict[str, set[str]] = {}
    for image in bill.images:
        for ref in image.components:
            names.setdefault(ref, set()).add(image.name)
    return {ref: tuple(sorted(found)) for ref, found in names.items()}


def _licensed(
    component: Component,
    images: Mapping[str, tuple[str, ...]],
    read: Collection[str],
    missing: Collection[str],
) -> LicensedPackage:
    text = component.license
    origin: Origin = "package" if component.ref in read else "lock"
    return LicensedPackage(
        manager=component.manager,
        name=component.name,
        version=component.version,
        images=images.get(component.ref, ()),
        text=text,
        expression=expression_of(text),
        origin=origin if text else "",
        reason="" if text else _reason(component, missing),
    )


def _reason(component: Component, missing: Collection[str]) -> str:
    """Return the reason why the licence of a component is not known."""
    if component.kind == "file":
        return DOWNLOAD
    if component.ref in missing:
        return NOT_IN_STORE
    return NOT_IN_COPYRIGHT if component.manager == "apt" else NOT_DECLARED


def _merged(packages: Iterator[LicensedPackage]) -> list[LicensedPackage]:
    """Return packages that differ only in their images as one."""
    images: dict[LicensedPackage, set[str]] = {}
    for package in packages:
        images.setdefault(replace(package, images=()), set()).update(package.images)
    merged = [replace(each, images=tuple(sorted(names))) for each, names in images.items()]
    return sorted(merged, key=lambda each: (each.manager, each.name, each.version, each.licence))


def _recorded(package: LicensedPackage, records: Mapping[str, LicenceRecord]) -> LicensedPackage:
    record = records.get(package.name)
    if record is None or package.status == "known":
        return package
    return replace(
        package,
        text=record.licence,
        expression=expression_of(record.licence),
        origin="images.toml",
        reason=record.reason,
    )
