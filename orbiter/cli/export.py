"""``orbiter export``: write an image's locked packages for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.completion import complete_platform, complete_stage
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import read_lock_set, release_option
from orbiter.cli.printable import print_line
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.lockset.model import LockSet

FORMATS = (
    "conda-lock",
    "explicit",
    "environment",
    "requirements",
    "pylock",
    "package",
    "package-lock",
    "binder",
)


@click.command()
@click.argument("file_format", metavar="FORMAT", type=click.Choice(FORMATS))
@click.option(
    "--image",
    required=True,
    metavar="NAME",
    shell_complete=complete_stage,
    help="The image or stage to export.",
)
@release_option
@click.option(
    "--platform", metavar="OS/ARCH", shell_complete=complete_platform, help="Only this platform."
)
@click.option(
    "-o",
    "--output",
    type=UserPath(),
    help="Write to this file (default: standard output), or to this folder for binder.",
)
@guarded
def export(
    file_format: str, image: str, release: str | None, platform: str | None, output: Path | None
) -> None:
    """Export an image's packages from its lock set.

    \b
    conda-lock    conda-lock.yml with the conda packages
    explicit      URLs and hashes of the conda packages for one platform
    environment   environment.yml with the requirements of conda and pip
    requirements  requirements.txt with the versions and hashes of pip
    pylock        pylock.toml with the files of pip; asks the package index
    package       package.json with the requirements of npm
    package-lock  package-lock.json with the versions and hashes of npm
    binder        a folder for repo2docker, with the locked versions
    """
    lock_set = read_lock_set(release)
    if file_format == "binder":
        _write_folder(lock_set, image, platform or "", output or Path("binder"))
        return
    text = _text(file_format, lock_set, image, platform or "")
    if output:
        _write(output, text)
    else:
        click.echo(text, nl=False)


def _text(file_format: str, lock_set: "LockSet", image: str, platform: str) -> str:
    from orbiter.convert import export_npm, export_pip
    from orbiter.convert.export import FORMS
    from orbiter.convert.export import export as export_conda

    if file_format in FORMS:
        return export_conda(file_format, lock_set, image, platform)
    selected = export_pip.select(lock_set, image, platform)
    if file_format == "pylock":
        return export_pip.pylock(selected, export_pip.index_addresses(selected))
    writers = {
        "requirements": export_pip.requirements,
        "package": export_npm.package,
        "package-lock": export_npm.package_lock,
    }
    return writers[file_format](selected)


def _write_folder(lock_set: "LockSet", image: str, platform: str, folder: Path) -> None:
    from orbiter.convert.export_binder import binder_folder
    from orbiter.convert.export_pip import select

    exported = binder_folder(select(lock_set, image, platform))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = f"{folder} already exists, and repo2docker would also use its other files"
        raise ExpectedError(problem, "name another folder with --output, or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in exported.files.items():
        _write(folder / name, text)
    for left_out in exported.left_out:
        print_line(f"left out: {left_out}", err=True)
    print_line(f"wrote {', '.join(str(folder / name) for name in exported.files)}")


def _write(path: Path, text: str) -> None:
    from orbiter.files import write_text

    if path.is_dir():
        raise ExpectedError(f"{path} is a folder", "name a file with --output")
    write_text(path, text)
