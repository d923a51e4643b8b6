"""``orbiter ci``: write a workflow for a CI service."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import IMAGES
from orbiter.cli.usage import refuse_without
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.platforms.ci import Service

BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@click.command()
@click.argument("service", type=click.Choice(["github", "gitlab"]))
@click.option(
    "--install",
    "requirement",
    metavar="REQUIREMENT",
    help="The requirement that pip installs in CI (default: this version of Orbiter).",
)
@click.option(
    "--branch",
    default="main",
    show_default=True,
    help="The branch whose images are built; only for GitHub.",
)
@click.option(
    "--supported",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Number of newest releases that are verified each week.",
)
@click.option(
    "-o",
    "--output",
    type=UserPath(allow_dash=True),
    help="Write to this file instead of the one that the service reads; - is stdout.",
)
@click.option("--force", is_flag=True, help="Replace a file that differs.")
@guarded
def ci(
    service: str,
    requirement: str | None,
    branch: str,
    supported: int,
    output: Path | None,
    force: bool,
) -> None:
    """Write a workflow for GitHub Actions or GitLab CI.

    It checks pull requests and reports their changes, builds, tests and pushes images, and each
    week upgrades packages on a branch and verifies releases. The default file is
    .github/workflows/images.yml or .gitlab-ci.yml.
    """
    from orbiter.config.read import read_project_config
    from orbiter.platforms.ci import FILES, WorkflowOptions, workflow, write_workflow

    if service == "gitlab":
        refuse_without("github", "branch")
    if not BRANCH.fullmatch(branch):
        raise ExpectedError(f"--branch {branch}: not the name of a branch", "for example main")
    project = read_project_config(IMAGES)
    options = WorkflowOptions(
        repository=project.image_set.repository,
        branch=branch,
        supported=supported,
        has_tests=bool(project.checks.tests),
        **({"requirement": requirement} if requirement else {}),
    )
    text = workflow(cast("Service", service), options)
    if output == Path("-"):
        click.echo(text, nl=False)
        return
    path = output or FILES[cast("Service", service)]
    changed = write_workflow(path, text, force=force)
    click.echo(f"wrote {path}: read it, then commit it" if changed else f"{path} is up to date")
