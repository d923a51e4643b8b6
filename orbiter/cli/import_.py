"""``orbiter import``: import another tool's file into images.toml."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_stage
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES, format_option
from orbiter.cli.printable import print_line, print_text
from orbiter.cli.terminal import print_lines
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.convert.add_to_image import ImportResult


@click.command("import")
@click.argument("file", type=UserPath(exists=True))
@click.option(
    "--image",
    shell_complete=complete_stage,
    metavar="NAME",
    help="The image or stage to add to, such as debian-base; a new image is added.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="Also import this group, extra or feature of FILE; repeatable.",
)
@click.option(
    "--direct",
    is_flag=True,
    help="Leave out pins that only other packages require, by '# via' comments.",
)
@click.option("--dry-run", is_flag=True, help="Print the result; write nothing.")
@format_option
@guarded
def import_file(
    file: Path,
    image: str | None,
    groups: tuple[str, ...],
    direct: bool,
    dry_run: bool,
    output_format: str,
) -> None:
    """Import FILE of another tool into images.toml.

    FILE may be a repo2docker folder, too. Its type is detected from its name
    and content: requirements.txt, pyproject.toml, Pipfile, environment.yml,
    pixi.toml, package.json, apt.txt or Dockerfile. The packages are added to
    an image; existing entries stay as they are. If there is no images.toml, a
    new one is written, and --image may be left out. The invoke.yaml of the
    original Orbiter becomes a new images.toml. Anything that cannot be imported
    is listed with the reason.
    """
    if _describes_image_set(file, image):
        _import_image_set(file, dry_run, output_format)
    else:
        _import_into_image(file, image, groups, direct, dry_run, output_format)


def _describes_image_set(file: Path, image: str | None) -> bool:
    """Return whether a file is read as an image set of the original Orbiter."""
    from orbiter.convert.files import read_text
    from orbiter.convert.invoke.yaml import is_image_set
    from orbiter.convert.recognise import is_environment

    if file.is_dir():
        return False
    text = read_text(file)
    is_set = "build:" in text and is_image_set(text)
    if image is not None and is_set:
        raise ExpectedError(
            f"{file} describes a whole image set, not the requirements of one image",
            "leave out --image",
        )
    is_yaml = file.suffix in {".yml", ".yaml"} and not is_environment(text)
    return image is None and (is_set or is_yaml)


def _import_image_set(file: Path, dry_run: bool, output_format: str) -> None:
    from orbiter.convert.invoke.image_set import import_image_set
    from orbiter.convert.report import document_of_notes, format_json

    imported = import_image_set(file, IMAGES)
    if IMAGES.exists() and not dry_run:
        raise ExpectedError(
            f"{IMAGES} already exists, and {file} describes a whole image set",
            f"move {IMAGES} away first, or print the new file with --dry-run",
        )
    if not dry_run:
        _write(imported.text, quiet=output_format == "json")
    if output_format == "json":
        document = document_of_notes(str(file), str(IMAGES), imported.notes, written=not dry_run)
        click.echo(format_json(document), nl=False)
        return
    for note in imported.notes:
        print_line(str(note), err=True)
    if dry_run:
        print_text(imported.text)


def _import_into_image(
    file: Path,
    image: str | None,
    groups: tuple[str, ...],
    direct: bool,
    dry_run: bool,
    output_format: str,
) -> None:
    from orbiter.convert.add_to_image import add_to_image, default_image, read_options
    from orbiter.convert.recognise import read
    from orbiter.convert.report import document_of, format_json

    requirements = read(file, read_options(IMAGES, groups, direct=direct))
    example = default_image(requirements)
    if image is None and IMAGES.exists():
        raise ExpectedError(
            f"{file} has the packages of one image, and --image does not say which",
            f"run orbiter import {file} --image {example}; "
            "an image that is missing is added to images.toml",
        )
    imported = add_to_image(requirements, file, IMAGES, example if image is None else image)
    is_written = imported.is_changed and not dry_run
    if is_written:
        _write(imported.text, quiet=True)
    if output_format == "json":
        document = document_of(str(file), str(IMAGES), imported, written=is_written)
        click.echo(format_json(document), nl=False)
    else:
        _report(imported, file, dry_run)
    if imported.is_empty:
        raise ExpectedError(
            f"{file} has nothing that images.toml can contain", "name a file that lists packages"
        )


def _write(text: str, *, quiet: bool = False) -> None:
    from orbiter.files import write_text

    write_text(IMAGES, text)
    if not quiet:
        print_lines(f"wrote {IMAGES}: review it, then run orbiter lock")


def _report(imported: "ImportResult", file: Path, dry_run: bool) -> None:
    if imported.is_new and imported.is_changed:
        print_line(f"new: {IMAGES} with the image {imported.stage.removesuffix('-build')}")
    if imported.new_image:
        print_line(f"new: the image {imported.new_image}, which {IMAGES} did not have")
    for table in imported.tables:
        print_line(f"new: {table}")
    if imported.channels:
        print_line(f"channels: {', '.join(imported.channels)} added")
    for addition in imported.added:
        print_line(f"{addition.place} {addition.key}: {len(addition.entries)} added")
        for entry in addition.entries:
            print_line(f"    + {entry}")
    for change in imported.changed:
        print_line(f"changed: {change}", err=True)
    for left_out in imported.left_out:
        print_line(f"left out: {left_out}", err=True)
    _report_end(imported, file, dry_run)


def _report_end(imported: "ImportResult", file: Path, dry_run: bool) -> None:
    if imported.is_changed and not dry_run:
        print_lines(f"wrote {IMAGES}: review it, then run orbiter lock")
    elif imported.is_changed and imported.is_new:
        click.echo(f"dry run: {IMAGES} was not written; it would be:\n")
        print_text(imported.text)
    elif imported.is_changed:
        print_lines(f"dry run: {IMAGES} was not written")
    elif not imported.is_empty:
        others = "other " if imported.left_out else ""
        print_line(f"{IMAGES} is unchanged: it already has all {others}requirements of {file}")
