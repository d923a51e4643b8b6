"""Files beside the lock sets that configure git, and answers of git about lock sets."""

from pathlib import Path
from typing import Literal

import msgspec

from orbiter import git

IMAGES = "images.toml"
IGNORE = ".gitignore"
ATTRIBUTES = ".gitattributes"
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


def add_command(folder: Path) -> str:
    """Return the command that adds images.toml and all of locks/ to git's index."""
    locks = folder.parent
    return f"git add {locks.parent / IMAGES} {locks}"


def commit_state(folder: Path) -> CommitState:
    """Return whether git has committed a lock set, images.toml and git's files as they are."""
    if git.ask(folder, "rev-parse", "--is-inside-work-tree").strip() != "true":
        return "unknown"
    if not folder.exists() or ignored_file(folder):
        return "ignored" if folder.exists() else "missing"
    # A check must not write, and git would update its index.
    words = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=all", "--")
    paths = (folder, *_files_beside(folder))
    is_changed = any(git.ask(path.parent, *words, path.name) for path in paths)
    return "changed" if is_changed else "committed"


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
    if {*RELEASES} <= {*lines}:
        prefix = git.ask(locks, "rev-parse", "--show-prefix").strip()
        return f"write this line at the end of the .gitignore of the repository: !/{prefix}"
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
