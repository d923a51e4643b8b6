"""Licences as text for a terminal."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from orbiter.licences.model import Inventory, LicensedPackage
from orbiter.licences.views import View, by_image, by_licence

MIN_WIDTH = 40
LINES = 3
"""Lines of names of a licence; more are counted."""
SHOWN = 200
"""Characters of an expression; those of Debian packages may be very long."""


def render(inventory: Inventory, view: View, *, width: int, everything: bool = False) -> str:
    """Return lines of at most ``width`` columns; names and licences are not broken."""
    width = max(width, MIN_WIDTH)
    views = {"licence": _licences, "package": _packages, "image": _images}
    lines = [
        *_denials(inventory, width),
        *views[view](inventory, width, everything),
        *_summary(inventory, width),
    ]
    return "\n".join(lines) + "\n"


def _denials(inventory: Inventory, width: int) -> Iterator[str]:
    if not inventory.denials:
        return
    yield f"denied: {counted(len(inventory.denials))}"
    for denial in inventory.denials:
        yield from _wrapped(f"{named(denial.package)}: {', '.join(denial.licences)}", "  ", width)
    yield ""


def _licences(inventory: Inventory, width: int, everything: bool) -> Iterator[str]:
    for licence, packages in by_licence(inventory).items():
        yield from _wrapped(f"{licence}: {counted(len(packages))}", "", width)
        lines = list(_names(packages, width))
        yield from lines if everything or len(lines) <= LINES + 1 else lines[:LINES]
        if not everything and len(lines) > LINES + 1:
            yield "  … (--all shows all)"
        yield ""


def _names(packages: Iterable[LicensedPackage], width: int) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for package in packages:
        names.setdefault(package.manager or "download", []).append(package.name)
    for manager, found in names.items():
        yield from _wrapped(f"{manager}: {', '.join(dict.fromkeys(found))}", "  ", width)


def _packages(inventory: Inventory, width: int, everything: bool) -> Iterator[str]:
    for package in inventory.packages:
        licence = described(package)
        is_cut = len(licence) > SHOWN and not everything
        shown = f"{licence[:SHOWN]}… (--all shows all)" if is_cut else licence
        yield from _wrapped(f"{named(package)}: {shown}", "", width)
    yield ""


def _images(inventory: Inventory, width: int, _everything: bool) -> Iterator[str]:
    for image in by_image(inventory):
        yield f"{image.name}: {counted(image.packages)}"
        counts = ", ".join(f"{licence} {number}" for licence, number in image.licences)
        yield from _wrapped(counts, "  ", width)
        yield ""


def _summary(inventory: Inventory, width: int) -> Iterator[str]:
    known, unclear, unknown = (
        len(inventory.with_status(status)) for status in ("known", "unclear", "unknown")
    )
    total = f"release {inventory.release}: {counted(len(inventory.packages))}"
    counts = f"{known:,} with a known licence, {unclear:,} unclear, {unknown:,} unknown"
    yield from _wrapped(f"{total}: {counts}", "", width)
    for line in remarks(inventory):
        yield from _wrapped(line, "", width)


def remarks(inventory: Inventory) -> Iterator[str]:
    """Yield lines about everything that the licences are not known of."""
    reasons: dict[str, int] = {}
    for package in inventory.with_status("unknown"):
        reasons[package.reason] = reasons.get(package.reason, 0) + 1
    for reason, number in sorted(reasons.items()):
        yield f"unknown for {counted(number)}: {reason}"
    for name in inventory.not_covered:
        yield f"not covered: the lock set does not name everything in {printable(name)}"
    for name in inventory.unused:
        yield f"images.toml has a licence of {name}, which no package here needs"


def named(package: LicensedPackage) -> str:
    """Return the name of a package with its version and manager."""
    version = f" {package.version}" if package.version else ""
    return f"{package.name}{version} ({package.manager or 'download'})"


def described(package: LicensedPackage) -> str:
    """Return the licence of a package, or why it is not known."""
    if package.status == "unknown":
        return f"unknown: {package.reason}"
    text = package.licence if package.status == "known" else f"unclear: {package.text}"
    return f"{text} (images.toml: {package.reason})" if package.origin == "images.toml" else text


def counted(number: int) -> str:
    """Return a number of packages."""
    return f"{number:,} package" + ("" if number == 1 else "s")


def printable(text: str) -> str:
    """Return a text without characters that a terminal acts on or hides."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return wrap(
        printable(text),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
