"""Licences as Markdown, for a pull request or a page."""

from collections.abc import Iterator

from orbiter.licences.model import Inventory
from orbiter.licences.report.text import counted, described, named, printable, remarks
from orbiter.licences.views import View, by_image, by_licence

SPECIAL = "\\`*_{}[]<>()#+!|~@&"
"""Characters that Markdown or GitHub may act on."""


def render(inventory: Inventory, view: View) -> str:
    """Return a table of the licences, packages or images, complete."""
    views = {"licence": _licences, "package": _packages, "image": _images}
    lines = [
        f"**Licences of release {_text(inventory.release)}**: {counted(len(inventory.packages))}",
        *_denials(inventory),
        "",
        *views[view](inventory),
        "",
        *(f"- {_text(line)}" for line in remarks(inventory)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _denials(inventory: Inventory) -> Iterator[str]:
    if not inventory.denials:
        return
    yield ""
    yield from _table("denied package", "licences")
    for denial in inventory.denials:
        yield _row(named(denial.package), ", ".join(denial.licences))


def _licences(inventory: Inventory) -> Iterator[str]:
    yield from _table("licence", "number", "packages")
    for licence, packages in by_licence(inventory).items():
        names = dict.fromkeys(package.name for package in packages)
        yield _row(licence, f"{len(packages):,}", ", ".join(names))


def _packages(inventory: Inventory) -> Iterator[str]:
    yield from _table("package", "licence", "images")
    for package in inventory.packages:
        yield _row(named(package), described(package), ", ".join(package.images))


def _images(inventory: Inventory) -> Iterator[str]:
    yield from _table("image", "packages", "licences")
    for image in by_image(inventory):
        counts = ", ".join(f"{licence} {number}" for licence, number in image.licences)
        yield _row(image.name, f"{image.packages:,}", counts)


def _table(*titles: str) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(text: str) -> str:
    """Return a text from a lock that Markdown shows as it is."""
    return "".join(f"\\{each}" if each in SPECIAL else each for each in printable(text))
