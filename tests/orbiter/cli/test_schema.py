"""``orbiter schema``: one JSON Schema for each JSON output."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import jsonschema
import pytest

from orbiter.cli.main import cli
from orbiter.cli.schema import CONFIG_TOML, IMAGES_TOML, SCHEMAS

OTHER_NAMES = {"lock-check", "vulnerabilities"}
"""Documents of a second output of a command."""
FILES = {CONFIG_TOML, IMAGES_TOML}


def schema_of(document: str) -> object:
    command = [sys.executable, "-m", "orbiter", "schema", document]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def commands_with_json(group: click.Group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_with_json(command, f"{path}{name} ")
        for option in command.params:
            if option.name == "output_format":
                assert isinstance(option.type, click.Choice)
                if "json" in option.type.choices:
                    yield f"{path}{name}"


def test_every_command_with_json_has_a_schema() -> None:
    assert set(commands_with_json(cli)) == SCHEMAS.keys() - FILES - OTHER_NAMES


@pytest.mark.parametrize("document", SCHEMAS)
def test_a_schema_is_valid(document: str) -> None:
    schema = schema_of(document)
    assert isinstance(schema, dict)
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("document", sorted(SCHEMAS.keys() - FILES))
def test_a_schema_requires_its_format(document: str) -> None:
    validator = jsonschema.Draft202012Validator(schema_of(document))
    errors = [error for error in validator.iter_errors({"format": 2}) if "format" in error.path]
    assert errors
