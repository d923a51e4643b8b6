"""``orbiter schema``: print a JSON Schema."""

import json

import click

from orbiter.cli.errors import guarded


@click.command()
@click.argument("document", type=click.Choice(["images.toml", "diff-locks"]), default="images.toml")
@guarded
def schema(document: str) -> None:
    """Print the JSON Schema of images.toml or of diff-locks output.

    Editors use the schema of images.toml for completion and checks. The schema of diff-locks
    describes `orbiter diff-locks --format json`.
    """
    if document == "diff-locks":
        from orbiter.report.json import schema as json_schema
    else:
        from orbiter.config.read import json_schema
    click.echo(json.dumps(json_schema(), indent=2, sort_keys=True))
