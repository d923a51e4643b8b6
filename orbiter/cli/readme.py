"""``orbiter readme``: keep the table of images in a README."""

import sys
from pathlib import Path

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import format_option
from orbiter.cli.released import read_released, recorded_release_option
from resolvers.errors import ExpectedError, read_problem

README = Path("README.md")


@click.command()
@click.argument("file", type=UserPath(dir_okay=False), required=False)
@recorded_release_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the section is stale.")
@format_option
@guarded
def readme(file: Path | None, release: str | None, check: bool, output_format: str) -> None:
    """Keep the table of images in a README.

    Writes the section between the lines

    \b
      <!-- orbiter readme: begin -->
      <!-- orbiter readme: end -->

    of FILE (default: README.md beside images.toml): badges, a table of the
    images with size, packages and digest, and the commands to pull them.
    `orbiter release` records the digests.
    """
    from orbiter.files import write_text
    from orbiter.report.readme import replace_section, section

    path = file or README
    lock_set, recorded = read_released(release)
    old = _read(path)
    new = replace_section(old, section(lock_set, recorded), str(path))
    if new != old and not check:
        write_text(path, new)
    _print(path, recorded.release, output_format, is_stale=new != old, check=check)
    if check and new != old:
        sys.exit(FINDINGS)


def _read(path: Path) -> str:
    """Return the text of the file with its line ends."""
    from orbiter.files import is_special
    from orbiter.report.readme import MARKERS

    if is_special(path):
        raise ExpectedError(f"{path} is not a regular file", "name a text file in UTF-8")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise ExpectedError(f"{path} not found", f"create it with these lines:{MARKERS}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"cannot read {path}: {read_problem(error)}", "name a text file in UTF-8"
        ) from error


def _print(path: Path, release: str, output_format: str, *, is_stale: bool, check: bool) -> None:
    if output_format == "json":
        from orbiter.cli.results import ReadmeResult, print_json

        print_json(ReadmeResult(file=str(path), release=release, stale=is_stale, written=not check))
    elif is_stale and check:
        click.echo(f"{path}: the images of release {release} are not up to date: orbiter readme")
    else:
        state = "updated" if is_stale else "unchanged"
        click.echo(f"{path}: {state}, with the images of release {release}")
