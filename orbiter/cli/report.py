"""``orbiter report``: write a page about a release."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_release
from orbiter.cli.directory import UserPath, from_start
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, read_lock_set
from orbiter.cli.usage import refuse_without
from orbiter.cli.vulnerabilities import (
    Filter,
    Source,
    database_option,
    look_up,
    max_age_option,
    vulnerabilities_option,
)
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet
    from orbiter.report.vulnerabilities.view import View


@click.command()
@click.argument("release", shell_complete=complete_release)
@click.option(
    "-o",
    "--output",
    type=UserPath(dir_okay=False),
    help="Write to this file (default: orbiter-report-<release>.html).",
)
@vulnerabilities_option
@database_option
@max_age_option
@guarded
def report(
    release: str,
    output: Path | None,
    vulnerabilities: bool,
    database: Path | None,
    max_age: int,
) -> None:
    """Write a page about a release.

    The page is one HTML file that loads nothing else. It shows sizes, changes, vulnerabilities and
    licences, and follows from the lock sets, without network and Docker. The packages in the
    store add sizes and licences that lock files do not record: see orbiter fetch. Prints the path
    of the page.
    """
    from orbiter.config.read import read_licence_keys
    from orbiter.files import write_text
    from orbiter.licences.policy import check_entries, check_records
    from orbiter.report.release.contents import read_contents
    from orbiter.report.release.page import render
    from orbiter.store.store import Store

    if not vulnerabilities:
        refuse_without("--vulnerabilities", "database", "max_age")
    lock_set = read_lock_set(release)
    path = output or _default_path(lock_set.manifest.release)
    keys = read_licence_keys(IMAGES)
    check_entries(f"{IMAGES}: licences.deny:", keys.deny)
    check_records(f"{IMAGES}: licences.known:", keys.known)
    found = _vulnerabilities(lock_set, Source(database, max_age)) if vulnerabilities else None
    write_text(path, render(read_contents(lock_set, Store(), keys, found)))
    click.echo(path)


def _default_path(release: str) -> Path:
    """Return the path of the page in the folder of the user.

    Raises ExpectedError if there is a file that Orbiter did not write.
    """
    from orbiter.files import is_special
    from orbiter.report.release.page import is_own

    name = f"orbiter-report-{release}.html"
    path = Path(from_start(name, click.get_current_context()))
    if is_special(path):
        raise ExpectedError(f"{path} is not a regular file", "use --output FILE")
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return path
    except OSError as error:
        raise ExpectedError(f"cannot read {path}: {error.strerror}", "use --output FILE") from error
    if not is_own(text):
        raise ExpectedError(
            f"{path} exists, and orbiter report did not write it",
            f"to replace it, name it: orbiter report {release} --output {name}",
        )
    return path


def _vulnerabilities(lock_set: "LockSet", source: Source) -> "View":
    from orbiter.lockfiles.lock_set import as_lock
    from orbiter.report.vulnerabilities.view import view_of

    lock = as_lock(lock_set, lock_set.manifest.release)
    (found,) = look_up([lock], source, Filter())
    return view_of(lock.name, found)
