"""The JSON documents that commands print with ``--format json``, and their JSON Schemas. Pure.

Programs read these documents: keys and their order stay, and new keys may be added.
"""

from typing import Any, Literal

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all documents: the version of their format is the first key."""

    format: Literal[1] = 1


def encode(document: Document) -> str:
    """Return a document as indented JSON; text that is not UTF-8 has escapes such as ``\\xff``."""
    content = msgspec.json.encode(_escaped(msgspec.to_builtins(document)))
    return msgspec.json.format(content, indent=2).decode() + "\n"


def schema_of(kind: type[Document]) -> dict[str, Any]:
    """Return the JSON Schema of a kind of documents."""
    return {"$schema": DIALECT, **msgspec.json.schema(kind)}


def _escaped(value: object) -> object:
    """Return a value without lone surrogates, which JSON cannot have."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
    if isinstance(value, (list, tuple)):
        return [_escaped(each) for each in value]
    if isinstance(value, dict):
        return {str(_escaped(key)): _escaped(each) for key, each in value.items()}
    return value
