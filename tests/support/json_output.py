"""Reads what commands print with ``--format json``."""

import json
from importlib import import_module
from typing import Any

import jsonschema

from orbiter.cli.schema import SCHEMAS
from orbiter.documents import schema_of


def read_document(name: str, text: str) -> Any:
    """Return a document after a check against the schema that ``orbiter schema NAME`` prints."""
    module, _, attribute = SCHEMAS[name].partition(":")
    found = getattr(import_module(module), attribute)
    document = json.loads(text)
    jsonschema.validate(document, schema_of(found) if isinstance(found, type) else found())
    assert document["format"] == 1
    return document
