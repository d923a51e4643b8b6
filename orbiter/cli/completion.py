"""Completion of values in shells: releases, images, stages, locks and platforms of the project.

A completion never fails and prints nothing else: without a readable project there are no values.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from orbiter.config.image_set import ImageSet

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]


def _completion(values: Callable[[click.Context], Iterable[str]]) -> Complete:
    """Return a completion with the values that begin with the typed text."""

    def complete(
        ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        from click.shell_completion import CompletionItem

        try:
            found = sorted(set(values(ctx)))
        except Exception:
            return []
        return [CompletionItem(value) for value in found if value.startswith(incomplete)]

    return complete


def _releases(_ctx: click.Context) -> Iterable[str]:
    from orbiter.lockset import folder

    return folder.releases()


def _stages(ctx: click.Context) -> Iterator[str]:
    return (stage.name for stage in _image_set(ctx).stages)


def _images(ctx: click.Context) -> Iterator[str]:
    return (stage.name for stage in _image_set(ctx).stages if stage.kind == "final")


def _platforms(ctx: click.Context) -> Iterable[str]:
    return _image_set(ctx).platforms


def _image_set(ctx: click.Context) -> "ImageSet":
    """Return the image set of ``--release`` if it was typed, otherwise of images.toml."""
    from orbiter.config.read import read_image_set
    from orbiter.lockset import folder
    from orbiter.lockset.versions import release_name

    release = ctx.params.get("release")
    if release:
        return folder.read(folder.release_folder(release_name(release))).image_set
    return read_image_set(Path("images.toml"))


def release_or_file(ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
    """Return the releases that begin with the typed text, otherwise let the shell list files."""
    from click.shell_completion import CompletionItem

    releases = complete_release(ctx, click.Argument(["lock"]), incomplete)
    return releases or [CompletionItem(incomplete, type="file")]


complete_release = _completion(_releases)
complete_stage = _completion(_stages)
complete_image = _completion(_images)
complete_platform = _completion(_platforms)
