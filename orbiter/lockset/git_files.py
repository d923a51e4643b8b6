"""Files beside the lock sets that configure git, and answers of git about lock sets."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from orbiter import git

IMAGES = "images.toml"
IGNORE = ".gitignore"
ATTRIBUTES = ".gitattributes"
# A check must not write, and git would update its index.
STATUS = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=all", "--")
MERGED_HEADS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD")
RELEASES = ("!/*/", "!/*/**")
"""Lines of locks/.gitignore that keep git from ignoring a file of a lock set."""
IGNORE_TEXT = f"""\
# Written by orbiter lock. git keeps every file of a lock set, whatever other files say.
{RELEASES[0]}
{RELEASES[1]}
# Folders that a killed run leaves behind; the next run removes them.
/.*.new-*
/.*.old
"""
ATTRIBUTES_TEXT = """\
# Written by orbiter lock. Lock sets have a hash of every byte: git must not change line ends,
# and it must not put conflict markers into files. After a merge: orbiter lock --merge
* -text -merge
# GitHub hides generated files in reviews. orbiter lock --check compares them with the others.
/*/build/** linguist-generated
/*/layers/** linguist-generated -diff
"""


CommitState = Literal["committed", "changed", "ignored", "missing", "unknown"]
"""``changed``: a file differs from the last commit, or is new; ``unknown``: no git repository."""
PATHS = 200
"""Paths in the arguments of one run of git; systems limit their length."""
NAMED = 5
"""Files that a command names one by one; of more files it names the folders."""


class CommitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state in git of everything that a clone needs to lock, build and test a release.

    ``files`` are the files of the state, and ``command`` is the remedy, "" if there is none.
    """

    state: CommitState
    files: tuple[str, ...] = ()
    command: str = ""


class IgnoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that git ignores, and the rule: ``.gitignore:3:build/``."""

    path: Path
    rule: str

    def __str__(self) -> str:
        return f"git ignores {self.path} ({self.rule}), so a commit of the lock set lacks it"


class UnfinishedMerge(msgspec.Struct, frozen=True, kw_only=True):
    """The revision that git merges into HEAD, and their common ancestor."""

    theirs: str
    base: str


def write_git_files(locks: Path) -> None:
    """Write locks/.gitignore and locks/.gitattributes, unless a user has made them."""
    for name, text in ((IGNORE, IGNORE_TEXT), (ATTRIBUTES, ATTRIBUTES_TEXT)):
        path = locks / name
        if not path.exists():
            path.write_text(text, encoding="utf-8", newline="\n")


def add_command(folder: Path, sources: Sequence[str] = ()) -> str:
    """Return the command that adds images.toml, all of locks/ and other files to git's index."""
    locks = folder.parent
    named = sources
    if len(sources) > NAMED:
        named = tuple(dict.fromkeys(Path(source).parts[0] for source in sources))
    others = [_argument(str(locks.parent / source)) for source in named]
    return " ".join(("git add", str(locks.parent / IMAGES), str(locks), *others))


def _argument(path: str) -> str:
    """Return a path as one writes it in a shell after ``git add``."""
    # Otherwise git would read an option, or a pattern such as :(top)name.
    return shlex.quote(f"./{path}" if path.startswith(("-", ":")) else path)


def commit_status(folder: Path, sources: Sequence[str] = ()) -> CommitStatus:
    """Return whether git has committed a lock set and the files beside it as they are.

    These are images.toml, git's own files and the ``sources``, relative to images.toml.
    """
    if git.ask(folder, "rev-parse", "--is-inside-work-tree").strip() != "true":
        return CommitStatus(state="unknown")
    if not folder.exists():
        return CommitStatus(state="missing")
    if ignored := ignored_file(folder):
        return CommitStatus(
            state="ignored", files=(f"{ignored.path}",), command="orbiter lock --check"
        )
    root = folder.parent.parent
    if paths := _ignored(root, sources):
        names = " ".join(map(_argument, paths))
        return CommitStatus(
            state="ignored", files=paths, command=f"git add --force {names} && git commit"
        )
    return _changes(folder, root, sources)


def _changes(folder: Path, root: Path, sources: Sequence[str]) -> CommitStatus:
    own = [str(path) for path in (folder, *_files_beside(folder)) if _changed(path)]
    changed = _changed_sources(root, sources)
    if not own and not changed:
        return CommitStatus(state="committed")
    command = f"{add_command(folder, changed)} && git commit"
    return CommitStatus(state="changed", files=(*own, *changed), command=command)


def _changed(path: Path) -> bool:
    return bool(git.ask(path.parent, *STATUS, path.name))


def _changed_sources(root: Path, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the files that git has not committed as they are; asks about each only if needed."""
    return tuple(
        source
        for chunk in _chunks(sources)
        if git.ask(root, "--literal-pathspecs", *STATUS, *chunk)
        for source in chunk
        if git.ask(root, "--literal-pathspecs", *STATUS, source)
    )


def _ignored(root: Path, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the files that git ignores and does not have."""
    return _list_sources(root, sources, "--others", "--ignored")


def _list_sources(root: Path, sources: Sequence[str], *options: str) -> tuple[str, ...]:
    words = ("--literal-pathspecs", "ls-files", "-z", "--exclude-standard", *options, "--")
    found = "".join(git.ask(root, *words, *chunk) for chunk in _chunks(sources))
    return tuple(name for name in found.split("\0") if name)


def _chunks(sources: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(sources), PATHS):
        yield sources[start : start + PATHS]


def ignored_file(folder: Path) -> IgnoredFile | None:
    """Return the first file below a folder that git ignores; None without a git repository."""
    ignored = _list_files(folder, "--others", "--ignored")
    if not ignored:
        return None
    path = folder / ignored[0]
    return IgnoredFile(path=path, rule=rule_against(path))


def untracked_files(folder: Path) -> tuple[Path, ...]:
    """Return the files that are not in git's index: of a lock set, images.toml and git's files.

    Ignored files are left out.
    """
    beside = (path for path in _files_beside(folder) if _list_files(path, "--others"))
    return (*(folder / name for name in _list_files(folder, "--others")), *beside)


def untracked_sources(folder: Path, sources: Sequence[str]) -> tuple[str, ...]:
    """Return the files, relative to images.toml, that are not in git's index."""
    return _list_sources(folder.parent.parent, sources, "--others")


def rule_against(path: Path) -> str:
    """Return the rule by which git ignores an untracked path, which may be missing, or ""."""
    found = git.ask(path.parent, "check-ignore", "--verbose", "--", str(path.absolute()))
    source, _, pattern = found.partition("\t")[0].rpartition(":")
    return "" if not source or pattern.startswith("!") else f"{source}:{pattern}"


def remedy(folder: Path) -> str:
    """Return how to keep git from ignoring the files of a lock set."""
    locks = folder.parent
    ignore = locks / IGNORE
    lines = ignore.read_text("utf-8").splitlines() if ignore.exists() else []
    # git reads no .gitignore in a folder that it ignores as a whole.
    if {*RELEASES} <= {*lines} or git.ask(locks, "check-ignore", "--", f"{locks.absolute()}/"):
        prefix = git.ask(locks.parent, "rev-parse", "--show-prefix").strip()
        line = f"!/{prefix}{locks.name}/"
        return f"write this line at the end of the .gitignore of the repository: {line}"
    return f"write these lines into {ignore}: {' and '.join(RELEASES)}"


def is_being_merged(folder: Path) -> bool:
    """Return whether git waits for somebody to resolve conflicts below a folder."""
    return bool(git.ask(folder, "ls-files", "--unmerged", "--", "."))


def unfinished_merge(folder: Path) -> UnfinishedMerge | None:
    """Return the merge, rebase or cherry-pick that git has not finished, if there is one."""
    for head in MERGED_HEADS:
        if git.ask(folder, "rev-parse", "--quiet", "--verify", head) and _is_in_progress(
            folder, head
        ):
            base = f"{head}^"
            if head == "MERGE_HEAD":
                base = git.ask(folder, "merge-base", "HEAD", head).strip()
            return UnfinishedMerge(theirs=head, base=base)
    return None


def _is_in_progress(folder: Path, head: str) -> bool:
    # git keeps REBASE_HEAD after the end of a rebase.
    states = ("rebase-merge", "rebase-apply")
    paths = (git.ask(folder, "rev-parse", "--git-path", state).strip() for state in states)
    return head != "REBASE_HEAD" or any((folder / path).is_dir() for path in paths)


def _files_beside(folder: Path) -> tuple[Path, ...]:
    """Return images.toml and the files of locks/ that a clone needs besides a lock set."""
    locks = folder.parent
    return (locks.parent / IMAGES, locks / IGNORE, locks / ATTRIBUTES)


def _list_files(path: Path, *options: str) -> list[str]:
    """Return the files that git lists for a file, or below a folder and relative to it."""
    where = (path, ".") if path.is_dir() else (path.parent, path.name)
    words = ("ls-files", "-z", "--exclude-standard", *options, "--", where[1])
    listed = git.ask(where[0], *words)
    return [name for name in listed.split("\0") if name]
