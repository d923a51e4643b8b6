"""The command line: here, and in the modules ``cli_*``, results are printed and exit codes set."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter import __version__
from orbiter.cli_archive import archive_release, fetch
from orbiter.cli_convert import export, import_file
from orbiter.cli_diff import diff_locks, log
from orbiter.cli_engine import clean, images, push, shell
from orbiter.cli_options import IMAGES, builder_option, platform_option, quiet_option, release_option
from orbiter.cli_options import locked as _locked
from orbiter.cli_release import build_verified, bump, release
from orbiter.ending import surely
from orbiter.guard import SOMETHING_TO_SEE, guarded

if TYPE_CHECKING:
    from orbiter.config import ImageSet
    from orbiter.lockset import LockSet


def main() -> None:
    """Run the command line."""
    surely(lambda: cli(prog_name="orbiter"))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="orbiter")
def cli() -> None:
    """Lock, compare and build families of Docker images for notebooks and data science.

    images.toml says what is wanted, `orbiter lock` freezes it under locks/<release>/, and `orbiter build`
    builds from there and nowhere else.
    """


@cli.command()
@guarded
def init() -> None:
    """Write a commented starter images.toml; never overwrites one."""
    from orbiter.init import write_starter

    write_starter(IMAGES)
    click.echo(f"wrote {IMAGES}: edit it, then run orbiter lock")


@cli.command()
@click.argument("what", type=click.Choice(["images.toml", "diff-locks"]), default="images.toml")
@guarded
def schema(what: str) -> None:
    """Print the JSON Schema of images.toml, for editors, or of what diff-locks prints as JSON."""
    import json

    if what == "diff-locks":
        from orbiter.report.json import schema as found
    else:
        from orbiter.config import json_schema as found
    click.echo(json.dumps(found(), indent=2, sort_keys=True))


@cli.command()
@click.option("--check", is_flag=True, help="Only say whether the lock set is fresh: 0 fresh, 1 stale, 2 broken.")
@click.option("--dry-run", is_flag=True, help="Solve and say what would move; write nothing.")
@click.option("--upgrade", is_flag=True, help="Move every pin to the newest that fits, base images too.")
@click.option(
    "--upgrade-package",
    "packages",
    multiple=True,
    metavar="NAME[==VERSION]",
    help="Move this package; may be repeated.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="Only what was published before DATE (2026-08-01 or 2026-08-01T12:00:00Z; conda, pip and npm).",
)
@click.option(
    "--only", metavar="MANAGERS", help="Lock only these managers, separated by commas: apk, apt, conda, pip, npm."
)
@quiet_option
@guarded
def lock(
    check: bool, dry_run: bool, upgrade: bool, packages: tuple[str, ...], as_of: str | None, only: str, quiet: bool
) -> None:
    """Resolve everything that images.toml asks for into locks/<release>/; a released lock set stays as it is."""
    from orbiter import lockset
    from orbiter.config import read_image_set

    if check and (dry_run or upgrade or packages or as_of or only):
        raise click.UsageError("--check stands alone: it only reads")
    image_set = read_image_set(IMAGES)
    if check:
        _check(image_set)
        return
    place = lockset.folder(image_set.version)
    if not dry_run:
        lockset.refuse_released(place)
    from orbiter.lock import lock as lock_all
    from orbiter.options import lock_options
    from orbiter.outside import Outside
    from orbiter.progress import Board

    options = lock_options(image_set, upgrade=upgrade, packages=packages, as_of=as_of, only=only, now=datetime.now(UTC))
    previous = lockset.previous(image_set.version)
    with Board(quiet=quiet) as board:
        locked = lock_all(image_set, previous, options, Outside(), board)
    _print_moved(image_set, previous, locked)
    if previous is None or previous.root != locked.root:
        _print_differences(locked)
    if dry_run:
        click.echo(f"dry run: {place} was not written")
    elif lockset.write(locked, place):
        click.echo(f"wrote {place} ({locked.root})")
    else:
        click.echo(f"{place} is up to date ({locked.root})")


def _check(image_set: "ImageSet") -> None:
    from orbiter import lockset
    from orbiter.check import check as reasons_of

    reasons = reasons_of(image_set)
    for reason in reasons:
        click.echo(f"stale: {reason}")
    if reasons:
        released = lockset.is_released(lockset.folder(image_set.version))
        click.echo(f"\nhint: {lockset.NEXT if released else 'orbiter lock'}", err=True)
        sys.exit(SOMETHING_TO_SEE)
    click.echo(f"locks/{image_set.version} is fresh")


def _print_moved(image_set: "ImageSet", previous: "LockSet | None", locked: "LockSet") -> None:
    from orbiter.moved import direct_names, moved, report

    start = f"from {previous.manifest.release}" if previous else "first lock"
    click.echo(f"release {image_set.version} ({start}, packages as of {locked.manifest.cutoff})")
    click.echo(report(moved(previous, locked), direct_names(image_set)))


def _print_differences(locked: "LockSet") -> None:
    from orbiter.differences import differences, report

    if found := differences(locked):
        click.echo(report(found))


@cli.command()
@release_option
@click.option("--image", "images", multiple=True, metavar="NAME", help="Only this image or stage; may be repeated.")
@platform_option
@builder_option
@click.option("--push", is_flag=True, help="Push the images to their repository.")
@click.option("--load/--no-load", default=None, help="Load the images into the engine (the default).")
@click.option("--output", type=click.Path(path_type=Path), help="Keep the images here, as OCI archives.")
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--verify", is_flag=True, help="Compare with the digests of the release first; 1 when they differ.")
@click.option(
    "--cache-from", multiple=True, metavar="SPEC", help="As of buildx; {stage} is the stage; may be repeated."
)
@click.option("--cache-to", multiple=True, metavar="SPEC", help="As of buildx; {stage} is the stage; may be repeated.")
@quiet_option
@guarded
def build(
    release: str | None,
    images: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    push: bool,
    load: bool | None,
    output: Path | None,
    no_cache: bool,
    verify: bool,
    cache_from: tuple[str, ...],
    cache_to: tuple[str, ...],
    quiet: bool,
) -> None:
    """Build the images of a release from its lock set alone, with the network off."""
    from orbiter import stock
    from orbiter.bake import BuildOptions
    from orbiter.progress import Board

    locked = _locked(release)
    options = BuildOptions(
        images=images,
        platforms=platforms,
        builder=builder or "",
        push=push,
        load=load if load is not None else not (push or output),
        output=output,
        no_cache=no_cache,
        cache_from=cache_from,
        cache_to=cache_to,
    )
    if verify:
        build_verified(locked, options, quiet=quiet)
        return
    with Board(quiet=quiet) as board:
        built = stock.build(locked, options, board)
    for image in built:
        click.echo(f"{image.tag}  {image.digest}")


@cli.command()
@click.argument("image")
@release_option
@click.option("--port", type=click.IntRange(1, 65535), help="The port on this machine; else 8888 or a free one.")
@click.option(
    "--mount", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder to see as ~/work."
)
@guarded
def run(image: str, release: str | None, port: int | None, mount: Path | None) -> None:
    """Start IMAGE (debian-base): JupyterLab at a printed URL, until Ctrl-C."""
    from orbiter.run import run as run_image

    run_image(_locked(release), image, port=port, mount=mount)


cli.add_command(bump)
cli.add_command(release)
cli.add_command(fetch)
cli.add_command(archive_release)
cli.add_command(import_file)
cli.add_command(export)
cli.add_command(images)
cli.add_command(shell)
cli.add_command(push)
cli.add_command(clean)
cli.add_command(diff_locks)
cli.add_command(log)
