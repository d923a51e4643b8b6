"""``orbiter build``: build images from a lock set."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.audited import exit_if_rejected
from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.libraries import print_missing_libraries
from orbiter.cli.options import (
    IMAGES,
    builder_option,
    format_option,
    locked_option,
    platform_option,
    quiet_option,
    read_lock_set,
    release_option,
    stages_option,
)
from orbiter.cli.terminal import print_row
from orbiter.cli.tested import exit_if_failed, image_test_check
from orbiter.cli.verify import build_result, build_verified

if TYPE_CHECKING:
    from orbiter.build.built_image import BuiltImage
    from orbiter.build.options import BuildOptions
    from orbiter.lockset.model import LockSet


@click.command()
@release_option
@locked_option
@stages_option
@platform_option
@builder_option
@click.option("--push", is_flag=True, help="Push the images to their repository.")
@click.option(
    "--load/--no-load",
    default=None,
    help="Load the images into the Docker engine (default unless --push or --output is given).",
)
@click.option(
    "--output",
    type=UserPath(file_okay=False),
    help="Write the images to this folder, as OCI archives.",
)
@click.option("--no-cache", is_flag=True, help="Run every build step again.")
@click.option(
    "--verify",
    is_flag=True,
    help="Compare with the recorded digests before loading or pushing; exits with 1 if they "
    "differ.",
)
@click.option(
    "--cache-from",
    multiple=True,
    metavar="SPEC",
    help="Passed to buildx; {stage} stands for the stage's name; repeatable.",
)
@click.option(
    "--cache-to",
    multiple=True,
    metavar="SPEC",
    help="Passed to buildx; {stage} stands for the stage's name; repeatable.",
)
@format_option
@quiet_option
@guarded
def build(
    release: str | None,
    locked: bool,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    push: bool,
    load: bool | None,
    output: Path | None,
    no_cache: bool,
    verify: bool,
    cache_from: tuple[str, ...],
    cache_to: tuple[str, ...],
    output_format: str,
    quiet: bool,
) -> None:
    """Build images from a lock set, without network access.

    Files that the store lacks are fetched first. Build steps have no network access unless a
    stage sets network = true. Shared libraries that an image lacks are listed as warnings.
    """
    from orbiter.build.options import BuildOptions

    lock_set = read_lock_set(release, locked=locked)
    load_by_default = not (push or output)
    options = BuildOptions(
        images=stages,
        platforms=platforms,
        builder=builder or "",
        push=push,
        load=load if load is not None else load_by_default,
        output=output,
        no_cache=no_cache,
        cache_from=cache_from,
        cache_to=cache_to,
    )
    if verify:
        build_verified(lock_set, options, output_format, quiet=quiet)
        return
    _build(lock_set, options, output_format, quiet=quiet)


def _build(
    lock_set: "LockSet", options: "BuildOptions", output_format: str, *, quiet: bool
) -> None:
    from orbiter.build.build import build as build_images
    from orbiter.cli.board import Board
    from orbiter.config.read import read_image_checks
    from orbiter.release.audited import AuditCheck
    from orbiter.release.libraries import LibraryCheck

    checks = read_image_checks(IMAGES) if options.push else None
    is_audited = checks is not None and checks.requires_audit
    with Board(quiet=quiet) as board:
        audit = AuditCheck(lock_set, board, is_required=is_audited)
        tests = image_test_check(lock_set, checks, board) if checks else None
        libraries = LibraryCheck(lock_set, board)
        built = build_images(
            lock_set,
            options,
            board,
            lambda built: audit(built) and (not tests or tests(built)) and libraries(built),
        )
    refused = None
    if output_format == "json":
        refused = build_result(lock_set, ())
    exit_if_rejected(audit, "nothing was loaded, pushed or kept", refused)
    if tests:
        exit_if_failed(tests, "nothing was loaded, pushed or kept", refused)
    _print(lock_set, built, output_format)
    print_missing_libraries(libraries.findings)


def _print(lock_set: "LockSet", built: "tuple[BuiltImage, ...]", output_format: str) -> None:
    if output_format == "json":
        from orbiter.cli.results import print_json

        print_json(build_result(lock_set, built, accepted=True))
        return
    for image in built:
        print_row(image.tag, image.digest)
