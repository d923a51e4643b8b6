"""The result of an audit as JSON, format 1, and its JSON Schema. Pure."""

from typing import Any

from orbiter.audit.result import Audit
from orbiter.documents import encode, schema_of


def render(result: Audit) -> str:
    """Return the document; paths that are not UTF-8 have escapes such as ``\\xff``."""
    return encode(result)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return schema_of(Audit)
