"""Workflows of CI services: check, report, build, test, push, upgrade and verify."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from orbiter import __version__
from orbiter.oci.reference import parse_reference
from resolvers.errors import ExpectedError, read_problem

Service = Literal["github", "gitlab"]
FILES: Mapping[Service, Path] = {
    "github": Path(".github/workflows/images.yml"),
    "gitlab": Path(".gitlab-ci.yml"),
}
"""The file that each service reads."""
REQUIREMENT = f"orbiter @ git+https://github.com/dorgeln/orbiter@v{__version__}"
"""Orbiter is not on a package index, where another project could have its name."""
CHECKOUT = "v5"
"""The version of actions/checkout, the only action that the workflow uses."""
GITHUB_REGISTRY = "ghcr.io"
GITHUB_LOGINS = {
    True: ("github.actor", "github.token"),
    False: ("secrets.REGISTRY_USER", "secrets.REGISTRY_PASSWORD"),
}
"""User and password of the registry on GitHub, by whether it is GitHub's own."""


class WorkflowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The project's part of a workflow.

    ``repository`` is the one of images.toml. ``requirement`` is what pip installs. ``supported`` is
    the number of newest releases that are verified. ``has_tests`` if images have tests.
    """

    repository: str
    requirement: str = REQUIREMENT
    branch: str = "main"
    supported: int = 3
    has_tests: bool = False


def workflow(service: Service, options: WorkflowOptions) -> str:
    """Return the text of a workflow."""
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    template = files("orbiter.platforms").joinpath(f"{service}.yml.j2").read_text(encoding="utf-8")
    environment = Environment(
        # GitHub's own expressions have the usual braces of Jinja.
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # no HTML is rendered
    )
    registry = parse_reference(options.repository).registry
    user, password = GITHUB_LOGINS[registry == GITHUB_REGISTRY]
    return environment.from_string(template).render(
        version=__version__,
        checkout=CHECKOUT,
        requirement=options.requirement,
        branch=options.branch,
        supported=options.supported,
        has_tests=options.has_tests,
        registry=registry,
        cache=f"{options.repository}-cache",
        user=user,
        password=password,
    )


def write_workflow(path: Path, text: str, *, force: bool) -> bool:
    """Write a workflow with its folders; return False if the file has this text already.

    Raises ExpectedError if the file has another text, unless ``force``.
    """
    from orbiter.files import write_text

    try:
        if path.is_file():  # reading from a pipe would never end
            if path.read_text(encoding="utf-8") == text:
                return False
            if not force:
                raise ExpectedError(f"{path} already exists", "replace it with --force")
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(
            f"{path} cannot be written: {read_problem(error)}", "choose another --output"
        ) from None
    write_text(path, text)
    return True
