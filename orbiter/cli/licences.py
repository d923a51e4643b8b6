"""``orbiter licences``: list the licences of everything in images."""

import shutil
import sys
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import (
    IMAGES,
    formats_option,
    platform_option,
    read_lock_set,
    release_option,
    stages_option,
)

if TYPE_CHECKING:
    from orbiter.config.check_keys import LicencesTable
    from orbiter.licences.model import Inventory
    from orbiter.licences.views import View
    from orbiter.sbom.model import Bill

VIEWS = ("licence", "package", "image")
PIPED_WIDTH = 100
"""Columns of the text report if standard output is not a terminal."""


@click.command()
@release_option
@stages_option
@platform_option
@click.option(
    "--by",
    "view",
    type=click.Choice(VIEWS),
    default=VIEWS[0],
    show_default=True,
    help="List licences with their packages, packages with their licences, or images.",
)
@click.option(
    "--deny",
    "denied",
    multiple=True,
    metavar="LICENCE",
    help="Exit with 1 if a package needs this SPDX licence; repeatable. A pattern such as AGPL-* "
    "is allowed, and `unknown` stands for packages without a known licence.",
)
@formats_option("text", "markdown", "json")
@click.option("--all", "show_all", is_flag=True, help="Do not shorten long lists.")
@guarded
def licences(
    release: str | None,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    view: "View",
    denied: tuple[str, ...],
    output_format: str,
    show_all: bool,
) -> None:
    """List the licences of packages, and find denied ones.

    Lock files of apk and npm have licences. Those of other packages are read from the packages in
    the store, as far as it has them: see orbiter fetch. No network is used.
    """
    from orbiter.config.read import read_licence_keys
    from orbiter.licences.policy import check_entries, check_records, with_denials
    from orbiter.sbom.collect import bill_of

    keys = read_licence_keys(IMAGES)
    check_entries("--deny", denied)
    check_entries(f"{IMAGES}: licences.deny:", keys.deny)
    check_records(f"{IMAGES}: licences.known:", keys.known)
    bill = bill_of(read_lock_set(release), stages, platforms)
    inventory = with_denials(_inventory(bill, keys), (*denied, *keys.deny))
    click.echo(_rendered(inventory, view, output_format, show_all=show_all), nl=False)
    if inventory.denials:
        sys.exit(FINDINGS)


def _inventory(bill: "Bill", keys: "LicencesTable") -> "Inventory":
    from orbiter.licences.collect import inventory_of
    from orbiter.licences.records import records_of
    from orbiter.sbom.artifacts import with_stored_facts
    from orbiter.store.store import Store

    bill, read, missing = with_stored_facts(bill, Store())
    return inventory_of(bill, read, missing, records_of(keys))


def _rendered(inventory: "Inventory", view: "View", output_format: str, *, show_all: bool) -> str:
    if output_format == "json":
        from orbiter.licences.report import json

        return json.render(inventory)
    if output_format == "markdown":
        from orbiter.licences.report import markdown

        return markdown.render(inventory, view)
    from orbiter.licences.report import text

    width = shutil.get_terminal_size((PIPED_WIDTH, 24)).columns
    return text.render(inventory, view, width=width, everything=show_all)
