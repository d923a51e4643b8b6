"""``orbiter schema``: print a JSON Schema."""

import json
from importlib import import_module

import click

from orbiter.cli.errors import guarded

IMAGES_TOML = "images.toml"
CONFIG_TOML = "config.toml"
SCHEMAS = {
    IMAGES_TOML: "orbiter.config.read:json_schema",
    CONFIG_TOML: "orbiter.config.network_profile:json_schema",
    "add": "orbiter.edit.report:MovesReport",
    "archive": "orbiter.cli.results:ArchiveResult",
    "audit": "orbiter.report.audit.json:schema",
    "build": "orbiter.cli.results:BuildResult",
    "binder": "orbiter.cli.results:BinderResult",
    "bump": "orbiter.cli.results:BumpResult",
    "clean": "orbiter.cli.results:CleanResult",
    "diff-locks": "orbiter.report.json:schema",
    "doctor": "orbiter.doctor.result:Diagnosis",
    "fetch": "orbiter.cli.results:FetchResult",
    "images": "orbiter.images.list:json_schema",
    "import": "orbiter.convert.report:json_schema",
    "licences": "orbiter.licences.report.json:schema",
    "lint": "orbiter.lint.report.json:schema",
    "list": "orbiter.query.packages:Listing",
    "lock": "orbiter.edit.report:MovesReport",
    "lock-check": "orbiter.cli.results:LockCheckResult",
    "log": "orbiter.cli.results:LogResult",
    "osv update": "orbiter.cli.results:OsvResult",
    "outdated": "orbiter.query.outdated:Outdated",
    "push": "orbiter.cli.results:PushResult",
    "release": "orbiter.cli.results:ReleaseResult",
    "readme": "orbiter.cli.results:ReadmeResult",
    "remove": "orbiter.edit.report:MovesReport",
    "sign": "orbiter.cli.results:SignResult",
    "status": "orbiter.query.status:Status",
    "test": "orbiter.image_tests.report.json:schema",
    "tree": "orbiter.report.query.tree_json:TreeReport",
    "update": "orbiter.edit.report:MovesReport",
    "verify-signature": "orbiter.cli.results:VerifySignatureResult",
    "vulnerabilities": "orbiter.report.vulnerabilities.json:schema",
    "why": "orbiter.query.why:Reasons",
}
"""The type of each document, or the function that returns its JSON Schema.

Its module is imported only when it is needed.
"""


@click.command()
@click.argument(
    "document", type=click.Choice(tuple(SCHEMAS)), default=IMAGES_TOML, metavar="[DOCUMENT]"
)
@guarded
def schema(document: str) -> None:
    """Print the JSON Schema of a configuration or a JSON output.

    Editors use the schemas of images.toml, the default, and config.toml for completion and checks.
    Any other DOCUMENT is the name of a command, and describes what it prints with `--format json`;
    vulnerabilities is for `audit --vulnerabilities`, and lock-check for `lock --check`.
    """
    from orbiter.documents import schema_of

    module, _, name = SCHEMAS[document].partition(":")
    found = getattr(import_module(module), name)
    json_schema = schema_of(found) if isinstance(found, type) else found()
    click.echo(json.dumps(json_schema, indent=2, sort_keys=True))
