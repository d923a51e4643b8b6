"""The one door to the program git: commits of repositories, and reproducible archives of them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from resolvers import process
from resolvers.errors import ExpectedError, ProgramError

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A complete hash of a commit."""
SETTINGS = ("core.autocrlf=false", "core.eol=lf", "tar.umask=0022", "advice.detachedHead=false")
"""Settings that affect the bytes of an archive, so that those of the user do not."""
ATTRIBUTES = "* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n"
"""An archive has the bytes of the commit, whatever the attributes of the repository say.

Some of them would add what other machines do not have: names of tags, or abbreviated commits.
"""
NO_QUESTIONS = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"}
"""Environment in which git fails instead of asking for a password."""
HINT = "check the address and your access to it: git ls-remote"


def run(
    *words: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    settings: tuple[str, ...] = (),
) -> str:
    """Return the output of git; bytes that are not UTF-8 become surrogates.

    ``settings`` replace those of the user (``core.eol=lf``). Raises ProgramError if git fails.
    """
    options = [word for setting in settings for word in ("-c", setting)]
    command = ["git", *options, *words]
    return process.run(command, name="git", cwd=cwd, env=env, undecodable="surrogateescape")


def commit_of(repository: str, reference: str) -> str:
    """Return the commit that a tag or branch of a repository names; "" names its default branch.

    A complete hash of a commit stays as it is. Raises ExpectedError if there is no such reference,
    or if the repository cannot be read.
    """
    if COMMIT.fullmatch(reference):
        return reference
    names = [f"refs/tags/{reference}^{{}}", f"refs/tags/{reference}", f"refs/heads/{reference}"]
    if not reference:
        names = ["HEAD"]
    try:
        output = run("ls-remote", "--", repository, *names, env=NO_QUESTIONS)
    except ProgramError as error:
        raise _unreadable(repository, error) from None
    lines = (line.partition("\t") for line in output.splitlines())
    commits = {name: commit for commit, _, name in lines}
    for name in names:
        if COMMIT.fullmatch(commits.get(name, "")):
            return commits[name]
    raise ExpectedError(
        f"{repository} has no tag or branch '{reference}'",
        f"list them with: git ls-remote {repository}",
    )


def write_archive(
    repository: str, commit: str, path: Path, scratch: Path, folder: str = ""
) -> None:
    """Write the files of a commit, or of a folder in it, as a tar archive.

    ``scratch`` is an empty folder, which then has the commit. Raises ExpectedError if the
    repository cannot be read or does not have the commit or the folder.
    """
    run("init", "--quiet", "--bare", str(scratch))
    (scratch / "info").mkdir(exist_ok=True)
    (scratch / "info" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
    try:
        _fetch(repository, commit, scratch)
        tree = f"{commit}:{folder}" if folder else commit
        words = ("archive", "--format=tar", f"--output={path}", tree)
        run(*words, cwd=scratch, settings=SETTINGS)
    except ProgramError as error:
        raise _unreadable(repository, error) from None


def commit_time(scratch: Path, commit: str) -> datetime:
    """Return when a commit in the folder of ``write_archive`` was made."""
    text = run("show", "--no-patch", "--format=%ct", commit, cwd=scratch)
    return datetime.fromtimestamp(int(text), UTC)


def submodules(scratch: Path, commit: str, folder: str = "") -> tuple[str, ...]:
    """Return the paths of the submodules below a folder of a commit."""
    words = ("ls-tree", "-r", "-z", commit, "--", folder or ".")
    entries = (entry.partition("\t") for entry in run(*words, cwd=scratch).split("\0"))
    return tuple(path for kind, _, path in entries if kind.startswith("160000 "))


def _fetch(repository: str, commit: str, folder: Path) -> None:
    fetch = ("fetch", "--quiet", "--no-tags")
    try:
        run(*fetch, "--depth=1", "--", repository, commit, cwd=folder, env=NO_QUESTIONS)
    except ProgramError:
        # Not every server sends a commit that no tag or branch names, or only a part of history.
        names = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        run(*fetch, "--", repository, *names, cwd=folder, env=NO_QUESTIONS)


def _unreadable(repository: str, error: ProgramError) -> ExpectedError:
    lines = [line.strip() for line in error.output.splitlines() if line.strip()]
    reason = lines[-1] if lines else error.message
    return ExpectedError(f"git cannot read {repository}: {reason}", f"{HINT} {repository}")
