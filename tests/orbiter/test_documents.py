import json

import jsonschema
import pytest

from orbiter.documents import Document, encode, schema_of


class Files(Document, frozen=True, kw_only=True):
    paths: tuple[str, ...]


def test_a_document_begins_with_its_format() -> None:
    assert encode(Files(paths=("a",))).startswith('{\n  "format": 1,\n  "paths": [')


def test_paths_that_are_not_utf_8_are_escaped() -> None:
    assert json.loads(encode(Files(paths=("\udcffé",)))) == {"format": 1, "paths": ["\\xffé"]}


def test_a_schema_rejects_another_document() -> None:
    schema = schema_of(Files)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(encode(Files(paths=()))), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"format": 1, "paths": [1]}, schema)
