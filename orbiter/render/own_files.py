"""The list of a stage's own files, and the folders that its step reads. Pure.

The names of own files are in the list alone, never in a Dockerfile.
"""

from typing import NamedTuple
from urllib.parse import quote

from orbiter.config.image_set import NotebookUser, OwnFile, Stage
from orbiter.lockset.model import OWN_FILES
from orbiter.render.model import Plan
from orbiter.store.artifact_list import OWN_FILE, LockedFile

LIST = "files.txt"
ROOT = "0:0"


class OwnFileMounts(NamedTuple):
    """The files and folders that the step of own files mounts, by where they come from."""

    lock: tuple[str, ...]
    artifacts: tuple[str, ...]


def own_file_mounts(stage: Stage) -> OwnFileMounts:
    """Return what the step that places the own files of a stage reads."""
    places = {file.stored for file in stage.files or ()}
    return OwnFileMounts(
        lock=(LIST, OWN_FILES) if False in places else (LIST,),
        artifacts=(OWN_FILES,) if True in places else (),
    )


def own_file_list(plan: Plan, stage: Stage) -> dict[str, str]:
    """Return the list of a stage's own files by file name; empty if it has none.

    Each line has the mode, the owner, the path of the content and the target.
    """
    if not stage.files:
        return {}
    lines = (
        f"{file.mode} {_owner(file, plan.image_set.user)} {_content(file)} {file.target}\n"
        for file in stage.files
    )
    return {LIST: "".join(lines)}


def stored_files(stage: Stage) -> tuple[LockedFile, ...]:
    """Return the own files of a stage that are artifacts, because they are large."""
    by_hash = {file.sha256: file for file in stage.files or () if file.stored}
    return tuple(
        LockedFile(
            path=f"{OWN_FILES}/{file.sha256}",
            hash=f"sha256:{file.sha256}",
            size=file.size,
            source=f"{OWN_FILE}:{quote(file.source, errors='surrogatepass')}",
        )
        for file in by_hash.values()
    )


def _content(file: OwnFile) -> str:
    folder = "/artifacts" if file.stored else "/lock"
    return f"{folder}/{OWN_FILES}/{file.sha256}"


def _owner(file: OwnFile, user: NotebookUser) -> str:
    """Return who owns a file: the notebook user in its home and in /opt/env, otherwise root."""
    places = ("/opt/env/", f"/home/{user.name}/")
    return f"{user.uid}:{user.gid}" if file.target.startswith(places) else ROOT
