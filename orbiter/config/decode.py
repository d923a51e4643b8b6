"""Read a parsed TOML document into Structs, noting every mistake on the way instead of stopping at the first."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UnsetType
from msgspec.structs import FieldInfo, fields

from orbiter.config.mistakes import Mistakes, key_path, suggest, toml_literal
from orbiter.config.schema import HOMES

_KINDS = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A type as written, the same without its Meta and, from the Meta, what to say when a value does not fit."""

    whole: Any
    plain: Any
    example: str = ""
    expected: str = ""
    add: str = ""
    known: tuple[str, ...] = ()

    def fits(self, value: object) -> bool:
        try:
            msgspec.convert(value, self.whole)
        except msgspec.ValidationError:
            return False
        return True


def read(kind: Any, value: object, path: str, mistakes: Mistakes, default: Any = "") -> Any:
    """The value as ``kind``: a Struct, or built of dict, tuple, Annotated, Literal and plain types.

    What cannot be read is noted and replaced by the default, so that the rest can still be checked.
    """
    shape = _shape(_table_of(kind) if isinstance(value, dict) else kind)
    if isinstance(shape.plain, type) and issubclass(shape.plain, msgspec.Struct):
        return _struct(shape.plain, value, path, mistakes)
    if get_origin(shape.plain) is dict:
        return _table(shape, value, path, mistakes)
    if get_origin(shape.plain) is tuple:
        return _list(shape, value, path, mistakes)
    return _leaf(shape, value, path, mistakes, default)


def _table_of(kind: Any) -> Any:
    """The table among the kinds that may stand in one place."""
    tables = [
        each
        for each in get_args(kind)
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    return tables[0] if get_origin(kind) in {Union, UnionType} and tables else kind


def _shape(kind: Any) -> _Shape:
    """The shape of a kind; where several may stand in one place, of the first."""
    if get_origin(kind) in {Union, UnionType}:
        kind = next(each for each in get_args(kind) if each is not UnsetType)
    plain, *metas = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    notes: dict[str, Any] = {}
    for meta in metas:
        if meta.ge is not None:
            notes["expected"] = f"a whole number from {meta.ge} to {meta.le}"
        if meta.examples:
            notes["example"] = toml_literal(meta.examples[0])
        notes |= meta.extra or {}
    if get_origin(plain) is Literal:
        notes["known"] = get_args(plain)
    return _Shape(whole=kind, plain=plain, **notes)


def _struct(
    kind: type[msgspec.Struct], value: object, path: str, mistakes: Mistakes
) -> msgspec.Struct:
    known = {each.encode_name: each for each in fields(kind)}
    if not isinstance(value, dict):
        _wrong_type(_Shape(whole=dict, plain=dict), value, path, mistakes)
        return kind(**{each.name: _default(each) for each in known.values()})
    for key in value:
        if key not in known:
            _unknown_key(key, known, path, mistakes)
    for key, each in known.items():
        if each.required and key not in value:
            _missing(key, each, path, mistakes)
    return kind(
        **{
            each.name: read(each.type, value[key], key_path(path, key), mistakes, _default(each))
            if key in value
            else _default(each)
            for key, each in known.items()
        }
    )


def _default(field: FieldInfo) -> Any:
    """A field's default; what is required and missing is empty."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    if field.default is not NODEFAULT:
        return field.default
    return {} if get_origin(_shape(field.type).plain) is dict else ""


def _missing(key: str, field: FieldInfo, path: str, mistakes: Mistakes) -> None:
    shape = _shape(field.type)
    add = shape.add or f"{key} = {shape.example}"
    mistakes.add(
        key_path(path, key), "is missing", expected=shape.expected or "a table", hint=f"add {add}"
    )


def _unknown_key(key: str, known: Iterable[str], path: str, mistakes: Mistakes) -> None:
    belongs = (
        f"'{key}' belongs to {HOMES[key]}"
        if key in HOMES
        else "`orbiter schema` describes every key"
    )
    hint = suggest(key, known, belongs)
    mistakes.add(
        key_path(path, key), "unknown key", expected=f"one of {', '.join(sorted(known))}", hint=hint
    )


def _table(shape: _Shape, value: object, path: str, mistakes: Mistakes) -> dict[str, Any]:
    name_kind, item_kind = get_args(shape.plain)
    if not isinstance(value, dict):
        _wrong_type(_Shape(whole=dict, plain=dict), value, path, mistakes)
        return {}
    if not value and not shape.fits(value):
        mistakes.add(path, "is empty", hint=f"add {shape.add}")
    for name in value:
        read(name_kind, name, key_path(path, name), mistakes)
    return {
        name: read(item_kind, each, key_path(path, name), mistakes) for name, each in value.items()
    }


def _list(shape: _Shape, value: object, path: str, mistakes: Mistakes) -> tuple[Any, ...]:
    if not isinstance(value, list):
        _wrong_type(_Shape(whole=tuple, plain=tuple), value, path, mistakes)
        return ()
    if not value and not shape.fits(value):
        mistakes.add(path, "is empty", hint="leave the key out for its default")
    item_kind = get_args(shape.plain)[0]
    return tuple(
        read(item_kind, each, f"{path}[{index}]", mistakes) for index, each in enumerate(value)
    )


def _leaf(shape: _Shape, value: object, path: str, mistakes: Mistakes, default: Any) -> Any:
    if type(value) is not (str if shape.known else shape.plain):
        _wrong_type(shape, value, path, mistakes)
    elif isinstance(value, str) and not value.isprintable():
        problem = f"{toml_literal(value)} holds a line break or an invisible character"
        mistakes.add(path, problem, hint="write it on one line, with plain spaces")
    elif shape.fits(value):
        return value
    elif shape.known:
        names = ", ".join(shape.known)
        hint = suggest(str(value), shape.known, f"known are {names}")
        mistakes.add(path, f"unknown '{value}'", expected=f"one of {names}", hint=hint)
    else:
        hint = f"for example {shape.example}" if shape.example else "rename it"
        mistakes.add(
            path, f"{toml_literal(value)} is not valid", expected=shape.expected, hint=hint
        )
    return default


def _wrong_type(shape: _Shape, value: object, path: str, mistakes: Mistakes) -> None:
    wanted = str if shape.known else shape.plain
    found = _KINDS.get(type(value), "a date or time")
    mistakes.add(
        path, f"is {found}", expected=_KINDS[wanted], hint=_type_hint(wanted, shape, value, path)
    )


def _type_hint(wanted: type, shape: _Shape, value: object, path: str) -> str:
    key = path.rpartition(".")[2]
    if wanted is dict:
        return f"write a table: [{path}]"
    if wanted is tuple:
        return f"write a list: {key} = [{toml_literal(value) if isinstance(value, str) else '…'}]"
    if wanted is str:
        return (
            f"put it in quotes, as in {key} = {shape.example}"
            if shape.example
            else "put it in quotes"
        )
    if isinstance(value, str):
        meant = value.isdigit() if wanted is int else value in ("true", "false")
        return f"write {key} = {value if meant else shape.example or 'true'}, without quotes"
    return f"write {key} = {shape.example or 'true'}"
