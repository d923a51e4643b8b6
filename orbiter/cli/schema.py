"""``orbiter schema``."""

import click

from orbiter.cli.errors import guarded


@click.command()
@click.argument("what", type=click.Choice(["images.toml", "diff-locks"]), default="images.toml")
@guarded
def schema(what: str) -> None:
    """Print the JSON Schema of images.toml, for editors, or of what diff-locks prints as JSON."""
    import json

    if what == "diff-locks":
        from orbiter.report.json import schema as found
    else:
        from orbiter.config.read import json_schema as found
    click.echo(json.dumps(found(), indent=2, sort_keys=True))
