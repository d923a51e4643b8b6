"""The result of an audit as JSON. Pure."""

import msgspec

from orbiter.audit.result import Audit

FORMAT = 1


def render(result: Audit) -> str:
    """Return the document; paths that are not UTF-8 have escapes such as ``\\xff``."""
    document = {"format": FORMAT, **_plain(msgspec.to_builtins(result))}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _plain(value: object) -> dict[str, object]:
    """Return a document without lone surrogates, which JSON cannot have."""
    found = _escaped(value)
    assert isinstance(found, dict)
    return found


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="backslashreplace")
    if isinstance(value, (list, tuple)):
        return [_escaped(each) for each in value]
    if isinstance(value, dict):
        return {str(_escaped(key)): _escaped(each) for key, each in value.items()}
    return value
