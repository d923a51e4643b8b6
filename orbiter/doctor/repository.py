"""Checks of git: a clone must have every byte of the lock sets."""

from pathlib import Path

from orbiter import git
from orbiter.doctor.result import Outcome, ok, skipped, warning
from orbiter.lockset.git_files import ATTRIBUTES, remedy, rule_against

UNSET = "unset"
"""git's word for an attribute that a minus turns off."""
PROTECTED = ("text", "merge")
"""The attributes that locks/.gitattributes turns off for lock files."""


def check_git(locks: Path, release: str) -> Outcome:
    """Check that git keeps the lock set of a release as it is; it may be missing."""
    if git.ask(locks, "rev-parse", "--is-inside-work-tree").strip() != "true":
        return skipped("this is not a git repository, or git is not installed")
    manifest = locks / release / "lockset.toml"
    if rule := rule_against(manifest):
        return warning(f"git ignores {manifest} ({rule})", remedy(locks / release))
    if git.ask(locks, "config", "core.autocrlf").strip() == "true":
        hint = "run: git config core.autocrlf input"
        return warning("core.autocrlf changes the line ends of own files", hint)
    if locks.exists() and not _is_protected(locks, manifest):
        hint = f"restore {locks / ATTRIBUTES} (orbiter lock writes it), or remove the rule that "
        hint += "sets text or merge for lock files"
        return warning(f"git may change line ends in {locks}, or merge lock files", hint)
    return ok("git keeps lock sets as they are")


def _is_protected(locks: Path, manifest: Path) -> bool:
    """Return whether git neither converts nor merges a lock file."""
    path = str(manifest.relative_to(locks))
    output = git.ask(locks, "check-attr", *PROTECTED, "--", path)
    values = [line.rpartition(": ")[2] for line in output.splitlines()]
    return len(values) == len(PROTECTED) and set(values) == {UNSET}
