"""``orbiter push``: build a release's images and push their tags."""

from typing import TYPE_CHECKING, Literal

import click

from orbiter.cli.audited import (
    audited_option,
    exit_if_rejected,
    print_document,
)
from orbiter.cli.errors import guarded
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
from orbiter.cli.overview import README, publish_overview, read_overview, readme_option
from orbiter.cli.terminal import print_lines, print_row
from orbiter.cli.tested import exit_if_failed, image_test_check

if TYPE_CHECKING:
    from orbiter.build.built_image import BuiltImage
    from orbiter.cli.results import PushResult
    from orbiter.lockset.model import LockSet


@click.command()
@release_option
@locked_option
@stages_option
@platform_option
@builder_option
@click.option(
    "--force",
    is_flag=True,
    help="Push without checking which images the tags point to in the registry.",
)
@audited_option
@readme_option
@format_option
@quiet_option
@guarded
def push(
    release: str | None,
    locked: bool,
    stages: tuple[str, ...],
    platforms: tuple[str, ...],
    builder: str | None,
    force: bool,
    audited: bool,
    readme: bool,
    output_format: str,
    quiet: bool,
) -> None:
    """Build a release's images and push their tags.

    Reuses the build cache. If a tag already points to another image in the registry, nothing is
    pushed. With `require-audit = true` in images.toml, --audited is the default. Images with tests
    in images.toml must pass them first.
    """
    from orbiter.build.build import build
    from orbiter.build.options import BuildOptions
    from orbiter.cli.board import Board
    from orbiter.config.read import read_image_checks
    from orbiter.release.audited import AuditCheck

    lock_set = read_lock_set(release, locked=locked)
    overview = read_overview(lock_set.image_set.repository) if readme else None
    options = BuildOptions(
        images=stages,
        platforms=platforms,
        builder=builder or "",
        push=True,
        force=force,
        load=False,
    )
    checks = read_image_checks(IMAGES)
    is_audited = audited or checks.requires_audit
    with Board(quiet=quiet) as board:
        check = AuditCheck(lock_set, board, is_required=is_audited)
        tests = image_test_check(lock_set, checks, board)
        built = build(lock_set, options, board, lambda built: check(built) and tests(built))
    refused = None
    if output_format == "json":
        refused = _document(lock_set, (), accepted=False)
    exit_if_rejected(check, "nothing was pushed", refused)
    exit_if_failed(tests, "nothing was pushed", refused)
    if output_format == "json":
        _publish(lock_set, overview)
        print_document(_document(lock_set, built, accepted=True, readme=readme))
        return
    for image in built:
        print_row(image.tag, image.digest, _state(image))
    if _publish(lock_set, overview):
        repository = lock_set.image_set.repository
        print_lines(f"{README} is now the overview of {repository} on Docker Hub")


def _publish(lock_set: "LockSet", overview: str | None) -> bool:
    """Make a text the overview of the repository; return False without one."""
    if overview is not None:
        publish_overview(lock_set.image_set.repository, overview)
    return overview is not None


def _state(image: "BuiltImage") -> "Literal['pushed', 'already there']":
    return "pushed" if image.pushed else "already there"


def _document(
    lock_set: "LockSet",
    built: "tuple[BuiltImage, ...]",
    *,
    accepted: bool,
    readme: bool = False,
) -> "PushResult":
    from msgspec.structs import replace

    from orbiter.cli.results import PushResult, images_of

    images = zip(images_of(built), built, strict=True)
    return PushResult(
        release=lock_set.manifest.release,
        accepted=accepted,
        images=tuple(replace(shown, state=_state(image)) for shown, image in images),
        readme=readme,
    )
