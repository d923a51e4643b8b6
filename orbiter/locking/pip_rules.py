"""The indexes, constraints and overrides of images.toml in the request to pip's resolver."""

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from msgspec.structs import replace

from orbiter.config.builders import pip_settings
from orbiter.config.image_set import Builder, ImageSet, OwnFile, Project
from orbiter.config.indexes import package_indexes, used_indexes
from orbiter.config.projects import FILES, builder_projects, tree_digest
from resolvers.types.options import SourceFolder, TreeFile
from resolvers.types.request import Request

ReadFile = Callable[[OwnFile], bytes]
"""Reads a file of the repository, and checks that it did not change."""


def with_pip_rules(
    request: Request, image_set: ImageSet, builder: Builder, read_file: ReadFile
) -> Request:
    """Return the request with what images.toml says about all pip packages of a builder."""
    settings = pip_settings(builder)
    options = replace(
        request.pip,
        indexes=used_indexes(image_set, builder.name),
        sources=package_indexes(image_set, builder.name),
        priority=settings.index_priority,
        constraints=settings.constraints,
        overrides=settings.overrides,
        folders={
            name: SourceFolder(
                path=project.path,
                digest=tree_digest(project),
                read=partial(_tree, project, read_file),
            )
            for name, project in builder_projects(image_set, builder.name).items()
        },
    )
    return replace(request, pip=options)


def _tree(project: Project, read_file: ReadFile) -> tuple[TreeFile, ...]:
    """Read the files of a project."""
    return tuple(
        TreeFile(
            path=str(PurePosixPath(file.target).relative_to(FILES)),
            content=read_file(file),
            is_executable=file.mode == "0755",
        )
        for file in project.files
    )
