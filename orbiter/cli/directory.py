"""The folder that a command works in: ``-C``, the search in parent folders, and paths in options.

A command without images.toml in its folder works in the nearest parent folder that has one. Paths
that people type stay relative to the folder in which they typed them.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.types import StringParamType

from orbiter.cli.completion import release_or_file

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

IMAGES = "images.toml"
START = "orbiter.start"
"""Key of ``Context.meta``: the folder in which people typed paths, relative to the current one."""
MANIFESTS = "locks/*/lockset.toml"
WITHOUT_PROJECT = frozenset({"help", "init", "man", "osv", "schema"})
"""Commands that never work in a parent folder, because they need no images.toml."""
PARENT = "../"
NEAR = 0.8
"""The lowest ratio of similar file names."""


def change_directory(ctx: click.Context, _param: click.Parameter, folder: Path | None) -> None:
    """Make a folder the current one, as ``git -C`` does; back again at the end of the group."""
    if folder is None:
        return
    try:
        _change(ctx, folder)
    except OSError as error:
        raise click.BadParameter(f"{folder}: {error.strerror}") from error


def enter_project(ctx: click.Context, param: click.Parameter, folder: Path | None) -> None:
    """Change the folder, then work in the nearest parent folder that is a project, if any."""
    change_directory(ctx, param, folder)
    project = None if _top_command(ctx) in WITHOUT_PROJECT else _project()
    if project is not None:
        start = Path.cwd()
        _change(ctx, project)
        ctx.meta[START] = start.relative_to(project)


def _change(ctx: click.Context, folder: Path) -> None:
    """Change the current folder; the earlier one is current again when the command has ended."""
    if not ctx.resilient_parsing:  # click closes the context before it completes a word
        before = os.open(".", os.O_PATH | os.O_DIRECTORY)
        ctx.find_root().call_on_close(lambda: _return(before))
    os.chdir(folder)


def _return(descriptor: int) -> None:
    os.fchdir(descriptor)
    os.close(descriptor)


def _top_command(ctx: click.Context) -> str:
    """Return the name of the command below the group: ``osv`` of ``osv update``."""
    while ctx.parent is not None and ctx.parent.parent is not None:
        ctx = ctx.parent
    return ctx.command.name or ""


def _project() -> Path | None:
    """Return the nearest parent folder that is a project; None if the current one is, or none."""
    try:
        here = Path.cwd()
    except OSError:
        return None  # somebody removed the current folder
    if _is_project(here):
        return None
    return next(filter(_is_project, here.parents), None)


def _is_project(folder: Path) -> bool:
    try:
        return (folder / IMAGES).exists() or any(folder.glob(MANIFESTS))
    except OSError:
        return False  # a folder that this user cannot read is not the user's project


def from_start(text: str, ctx: click.Context | None) -> str:
    """Return a path as seen from the current folder, given one that somebody typed."""
    start = ctx.meta.get(START) if ctx else None
    if start is None or Path(text).is_absolute():
        return text
    parts = list(start.parts)
    # START has no symbolic links, so ".." leads from each folder to the one before.
    while parts and (text == ".." or text.startswith(PARENT)):
        parts.pop()
        text = text.removeprefix("..").lstrip("/")
    return str(Path(*parts, text))


class UserPath(click.Path):
    """A path that somebody types: relative to the folder in which they typed it.

    All options and arguments that are paths have this type.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"path_type": Path, **settings})

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path as seen from the current folder, after the checks of click."""
        if not os.fspath(value):
            self.fail("a path must not be empty", param, ctx)
        is_stream = self.allow_dash and value == "-"
        path = value if is_stream else from_start(os.fspath(value), ctx)
        if self.exists and not is_stream and not os.path.lexists(path):
            raise _MissingPathError(Path(path), param, ctx)
        return super().convert(path, param, ctx)


class _MissingPathError(click.BadParameter):
    """``possibilities`` are the files of the folder with near names, which the hint shows."""

    def __init__(
        self, path: Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> None:
        super().__init__(f"'{path}' does not exist", param=param, ctx=ctx)
        self.possibilities = _near_files(path)


def _near_files(path: Path) -> list[str]:
    """Return the paths in the folder of a path whose names are near to its name."""
    from difflib import get_close_matches  # imported if there is a mistake only

    try:
        names = {each.name.lower(): each.name for each in path.parent.iterdir()}
    except OSError:
        return []
    near = get_close_matches(path.name.lower(), names, cutoff=NEAR)
    return [str(path.with_name(names[each])) for each in near]


class LockName(StringParamType):
    """The name of a lock: a release, a path, or ``REVISION:PATH``.

    ``others`` describes those that are not releases.
    """

    others = "a lock file, the folder of a lock set, or one at a git revision (main:locks/0.1.0)"

    def convert(self, value: Any, _param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name with a path as seen from the current folder."""
        from orbiter.lockset.versions import SEMVER, release_name

        path = from_start(value, ctx)
        if Path(path).exists():
            return path
        if SEMVER.fullmatch(release_name(value)):
            return value
        revision, colon, file = value.rpartition(":")
        return f"{revision}:{from_start(file, ctx)}" if colon and file else path

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Return the releases, otherwise let the shell list files."""
        return release_or_file(ctx, incomplete)


class TargetName(StringParamType):
    """A folder or file, or an address such as ``oci://registry/repository``.

    With ``existing``, any other text stays as it is unless it is the path of something.
    """

    def __init__(self, *, existing: bool = False) -> None:
        self._existing = existing

    def convert(self, value: Any, _param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the target with a path as seen from the current folder."""
        path = from_start(value, ctx)
        if "://" in value or not value or (self._existing and not Path(path).exists()):
            return value
        return path

    def shell_complete(
        self, _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Let the shell list files."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]
