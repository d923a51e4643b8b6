"""``orbiter schema``: print a JSON Schema."""

import json

import click

from orbiter.cli.errors import guarded

DOCUMENTS = ("images.toml", "diff-locks", "licences", "lint", "vulnerabilities")


@click.command()
@click.argument("document", type=click.Choice(DOCUMENTS), default="images.toml")
@guarded
def schema(document: str) -> None:
    """Print the JSON Schema of images.toml or a JSON output.

    Editors use the schema of images.toml for completion and checks. The others
    describe what these commands print with `--format json`; vulnerabilities is
    for `audit --vulnerabilities`.
    """
    if document == "diff-locks":
        from orbiter.report.json import schema as json_schema
    elif document == "licences":
        from orbiter.licences.report.json import schema as json_schema
    elif document == "lint":
        from orbiter.lint.report.json import schema as json_schema
    elif document == "vulnerabilities":
        from orbiter.report.vulnerabilities.json import schema as json_schema
    else:
        from orbiter.config.read import json_schema
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True))
