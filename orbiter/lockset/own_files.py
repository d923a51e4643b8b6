"""The content of own files, scripts and templates in a lock set. Pure.

It is named by its sha256 alone, so no name from images.toml becomes a path in the repository.
"""

import hashlib
from collections.abc import Iterator, Mapping

from orbiter.config.commands import scripts_of
from orbiter.config.image_set import ImageSet, RepositoryFile, Stage
from orbiter.config.repositories import key_files, used_repositories
from orbiter.lockset.model import OWN_FILES, LockSet, to_bytes


def own_sources(image_set: ImageSet) -> tuple[str, ...]:
    """Return the paths of all files of the repository that an image set reads, sorted.

    They are relative to images.toml.
    """
    files = [*key_files(image_set)]
    if image_set.template:
        files.append(image_set.template)
    for stage in image_set.stages:
        files += (*(stage.files or ()), *scripts_of(stage))
        files += (file for project in stage.projects or () for file in project.files)
    return tuple(sorted({file.source for file in files}))


def kept_path(file: RepositoryFile) -> str:
    """Return the path in the lock set of a script, a key or a small own file."""
    return f"{OWN_FILES}/{file.sha256}"


def kept_files(image_set: ImageSet) -> dict[str, RepositoryFile]:
    """Return the files whose content is part of the lock set, by its path there."""
    files = {kept_path(key): key for key in key_files(image_set)}
    if image_set.template:
        files[kept_path(image_set.template)] = image_set.template
    return files | {kept_path(file): file for stage in image_set.stages for file in _kept(stage)}


def template_text(image_set: ImageSet, files: Mapping[str, str]) -> str:
    """Return the text of the own template among the files of a lock set, "" for none."""
    return files.get(kept_path(image_set.template), "") if image_set.template else ""


def build_contents(lock_set: LockSet) -> Iterator[tuple[str, bytes]]:
    """Yield the files of each stage by path in the build folder, with their content."""
    for stage in lock_set.image_set.stages:
        files = (*_kept(stage), *_keys(lock_set.image_set, stage))
        for path in dict.fromkeys(map(kept_path, files)):
            yield f"{stage.name}/{path}", to_bytes(lock_set.files[path])


def content_problem(lock_set: LockSet, path: str, file: RepositoryFile) -> str:
    """Return why the content of a file is not the one in images.toml, or ""."""
    if path not in lock_set.files:
        return f"it is missing: the content of {file.source!r}"
    content = to_bytes(lock_set.files[path])
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        return f"it is not the content of {file.source!r} that images.toml lists"
    return ""


def _keys(image_set: ImageSet, stage: Stage) -> Iterator[RepositoryFile]:
    """Yield the keys that apk needs to install the packages of a stage."""
    if stage.requirements.get("apk"):
        builder = image_set.builders[stage.builder]
        for repository in used_repositories(image_set, builder, "apk").values():
            if repository.key:
                yield repository.key


def _kept(stage: Stage) -> Iterator[RepositoryFile]:
    yield from (file for file in stage.files or () if not file.stored)
    yield from scripts_of(stage)
