"""Decode a parsed TOML document into Structs and collect every mistake on the way.

msgspec's own decoder stops at the first mistake. Values that cannot be decoded are replaced by
their default here, so that the rest of the document can still be checked.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UnsetType
from msgspec.structs import FieldInfo, fields

from orbiter.config.mistakes import Mistakes, key_path, suggest, toml_literal
from orbiter.config.schema import TABLE_OF_KEY

T = TypeVar("T", bound=msgspec.Struct)

MISSING = "is missing"
EMPTY = "is empty"
SHELL_CHARACTERS = frozenset("|&;<>$`*?(){}~")
"""Characters of a command that only a shell understands."""

LITERALS = {
    bool: re.compile("true|false"),
    int: re.compile(r"\d+", re.ASCII),
    date: re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
}
"""Texts that would be values of these types without their quotes."""

_TYPE_NAMES = {
    str: "a string in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}
_EXPECTED_NAMES = {**_TYPE_NAMES, date: "a date without quotes"}


class _ValueType(msgspec.Struct, frozen=True, kw_only=True):
    """The type of a value, with the texts of its Meta that describe a valid value.

    ``annotated`` is the type with its Meta, ``plain`` the type without it. ``command`` says that a
    list holds the words of a command, and ``multiline`` that a string may have several lines.
    ``aliases`` maps names that other tools use to choices.
    """

    annotated: Any
    plain: Any
    example: str = ""
    expected: str = ""
    add: str = ""
    command: bool = False
    multiline: bool = False
    choices: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}

    @property
    def toml_type(self) -> Any:
        """The type of the TOML value; choices are strings."""
        return str if self.choices else self.plain

    def accepts(self, value: object) -> bool:
        try:
            msgspec.convert(value, self.annotated)
        except msgspec.ValidationError:
            return False
        return True


_TABLE = _ValueType(annotated=dict, plain=dict)
_LIST = _ValueType(annotated=tuple, plain=tuple)


def decode(struct: type[T], document: dict[str, Any], mistakes: Mistakes) -> T:
    """Return the document as ``struct``, with defaults for all values that have a mistake."""
    decoded: T = _struct(struct, document, "", mistakes)
    return decoded


def _value(annotated: Any, value: object, path: str, mistakes: Mistakes, default: Any = "") -> Any:
    """Return the value as a Struct, dict, tuple, Literal or plain type."""
    value_type = _value_type(annotated, value)
    if _is_struct(value_type.plain):
        return _struct(value_type.plain, value, path, mistakes)
    if get_origin(value_type.plain) is dict:
        return _table(value_type, value, path, mistakes)
    if get_origin(value_type.plain) is tuple:
        return _list(value_type, value, path, mistakes)
    return _scalar(value_type, value, path, mistakes, default)


def _value_type(annotated: Any, value: object = None) -> _ValueType:
    """Return the type of a value; of a union, the member that fits the value best."""
    if get_origin(annotated) is Annotated and _is_union(get_args(annotated)[0]):
        annotated = get_args(annotated)[0]  # its description is that of the key
    if _is_union(annotated):
        annotated = _union_member(annotated, value)
    plain, metas = annotated, []
    if get_origin(annotated) is Annotated:
        plain, *metas = get_args(annotated)
    texts: dict[str, Any] = {}
    for meta in metas:
        if meta.ge is not None:
            texts["expected"] = f"a whole number from {meta.ge} to {meta.le}"
        if meta.examples:
            texts["example"] = toml_literal(meta.examples[0])
        texts |= meta.extra or {}
    if get_origin(plain) is Literal:
        texts["choices"] = get_args(plain)
    return _ValueType(annotated=annotated, plain=plain, **texts)


def _is_union(annotated: Any) -> bool:
    return get_origin(annotated) in {Union, UnionType}


def _union_member(union: Any, value: object) -> Any:
    """Return the member of a union that has the type of a value, or else its first member."""
    members = [member for member in get_args(union) if member is not UnsetType]
    for member in members:
        plain = get_args(member)[0] if get_origin(member) is Annotated else member
        toml_type = get_origin(plain) or plain
        if type(value) is toml_type or (isinstance(value, dict) and _is_struct(plain)):
            return member
    return members[0]


def _is_struct(plain: Any) -> bool:
    return isinstance(plain, type) and issubclass(plain, msgspec.Struct)


def _struct(struct: Any, value: object, path: str, mistakes: Mistakes) -> Any:
    known = {field.encode_name: field for field in fields(struct)}
    if not isinstance(value, dict):
        _add_wrong_type(_TABLE, value, path, mistakes)
        return struct(**{field.name: _default(field) for field in known.values()})
    for key in value:
        if key not in known:
            _add_unknown_key(key, known, path, mistakes)
    for key, field in known.items():
        if field.required and key not in value:
            _add_missing(key, field, path, mistakes)
    decoded = {field.name: _default(field) for field in known.values()}
    for key, field in known.items():
        if key in value:
            default = decoded[field.name]
            item = _value(field.type, value[key], key_path(path, key), mistakes, default)
            decoded[field.name] = item
    return struct(**decoded)


def _default(field: FieldInfo) -> Any:
    """Return the default of a field; an empty value for a required one."""
    # NODEFAULT, because None and "" are valid defaults
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    if field.default is not NODEFAULT:
        return field.default
    return {} if get_origin(_value_type(field.type).plain) is dict else ""


def _table(value_type: _ValueType, value: object, path: str, mistakes: Mistakes) -> dict[str, Any]:
    """Return a table whose keys are names that people choose."""
    if not isinstance(value, dict):
        _add_wrong_type(_TABLE, value, path, mistakes)
        return {}
    if not value and not value_type.accepts(value):
        mistakes.add(path, EMPTY, hint=f"add {value_type.add}")
    name_type, item_type = get_args(value_type.plain)
    decoded = {}
    for name, item in value.items():
        if isinstance(item, dict) and _value_type(item_type, item).toml_type is str:
            # Its first word may be invalid too, but that is not the mistake that a person made.
            _add_dotted_name(name, item, path, mistakes)
            continue
        # Only to report an invalid name: the name itself needs no decoding.
        _value(name_type, name, key_path(path, name), mistakes)
        decoded[name] = _value(item_type, item, key_path(path, name), mistakes)
    return decoded


def _list(value_type: _ValueType, value: object, path: str, mistakes: Mistakes) -> tuple[Any, ...]:
    if not isinstance(value, list):
        list_type = msgspec.structs.replace(_LIST, command=value_type.command)
        _add_wrong_type(list_type, value, path, mistakes)
        return ()
    if not value and not value_type.accepts(value):
        hint = f"write {value_type.add}" if value_type.add else "remove the key to use its default"
        mistakes.add(path, EMPTY, hint=hint)
    item_type = get_args(value_type.plain)[0]
    return tuple(
        _value(item_type, item, f"{path}[{index}]", mistakes) for index, item in enumerate(value)
    )


def _scalar(
    value_type: _ValueType, value: object, path: str, mistakes: Mistakes, default: Any
) -> Any:
    # bool is a subclass of int, so isinstance would accept true for a number
    if type(value) is not value_type.toml_type:
        _add_wrong_type(value_type, value, path, mistakes)
    elif isinstance(value, str) and not _is_readable(value, multiline=value_type.multiline):
        _add_invisible(value_type, value, path, mistakes)
    elif value_type.accepts(value):
        return value
    else:
        _add_invalid(value_type, value, path, mistakes)
    return default


def _is_readable(value: str, *, multiline: bool) -> bool:
    """Return whether a string has only characters that people see, and allowed line breaks."""
    text = value.translate({ord("\n"): " ", ord("\t"): " "}) if multiline else value
    return text.isprintable()


def _add_invisible(value_type: _ValueType, value: object, path: str, mistakes: Mistakes) -> None:
    problem = f"{toml_literal(value)} contains a line break or an invisible character"
    hint = "write it on one line, with plain spaces"
    if value_type.multiline:
        problem = f"{toml_literal(value)} contains an invisible character"
        hint = "write it with plain spaces, tabs and line breaks"
    mistakes.add(path, problem, hint=hint)


def _add_missing(key: str, field: FieldInfo, path: str, mistakes: Mistakes) -> None:
    value_type = _value_type(field.type)
    line = value_type.add or f"{key} = {value_type.example}"
    expected = value_type.expected or "a table"
    mistakes.add(key_path(path, key), MISSING, expected=expected, hint=f"add {line}")


def _add_unknown_key(key: str, known: Iterable[str], path: str, mistakes: Mistakes) -> None:
    hint = mistakes.keys_hint
    tables = TABLE_OF_KEY if mistakes.tables is None else mistakes.tables
    if key in tables:
        hint = f"'{key}' belongs to {tables[key]}"
    names = sorted(known)
    expected = f"one of {', '.join(names)}"
    mistakes.add(
        key_path(path, key), "unknown key", expected=expected, hint=suggest(key, known, hint)
    )


def _add_invalid(value_type: _ValueType, value: object, path: str, mistakes: Mistakes) -> None:
    problem, expected = f"{toml_literal(value)} is not valid", value_type.expected
    hint = "rename it"
    if value_type.choices:
        names = ", ".join(value_type.choices)
        problem, expected = f"unknown value '{value}'", f"one of {names}"
        similar = value_type.aliases.get(str(value), str(value))
        hint = suggest(similar, value_type.choices, f"use one of {names}")
    elif value_type.example:
        hint = f"for example {value_type.example}"
    mistakes.add(path, problem, expected=expected, hint=hint)


def _add_wrong_type(value_type: _ValueType, value: object, path: str, mistakes: Mistakes) -> None:
    actual = _TYPE_NAMES.get(type(value), "a date or time")
    expected = _EXPECTED_NAMES[value_type.toml_type]
    hint = _type_hint(value_type, value, path)
    mistakes.add(path, f"is {actual}", expected=expected, hint=hint)


def _add_dotted_name(name: str, item: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """Report a name with dots and without quotes, of which TOML makes tables."""
    words, inner = [name], item
    while isinstance(inner, dict) and len(inner) == 1:
        word, inner = next(iter(inner.items()))
        words.append(word)
    hint = f"put a name with dots in quotes: {toml_literal('.'.join(words))} = …"
    mistakes.add(key_path(path, name), "is a table", expected="a string in quotes", hint=hint)


def _type_hint(value_type: _ValueType, value: object, path: str) -> str:
    """Return the value as it should be written, as far as it can be guessed."""
    key = path.rpartition(".")[2]
    expected = value_type.toml_type
    if expected is dict:
        return f"write a table: [{path}]"
    if value_type.command and isinstance(value, str):
        return f"write its words as a list: {key} = {_words(value)}"
    if expected is tuple:
        entry = toml_literal(value) if isinstance(value, str) else "…"
        return f"write a list: {key} = [{entry}]"
    if expected is str and value_type.example:
        return f"put it in quotes, as in {key} = {value_type.example}"
    if expected is str:
        return "put it in quotes"
    return _unquoted_hint(value_type, value, key)


def _words(command: str) -> str:
    """Return the list of words for a command in one string, as TOML writes it."""
    import shlex  # only imported if there is a mistake

    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words or set(command) & SHELL_CHARACTERS:
        words = ["sh", "-c", command]
    return toml_literal(words)


def _unquoted_hint(value_type: _ValueType, value: object, key: str) -> str:
    """Return the hint for a number, boolean or date."""
    example = value_type.example or "true"
    if not isinstance(value, str):
        return f"write {key} = {example}"
    if not LITERALS[value_type.toml_type].fullmatch(value):
        value = example
    return f"write {key} = {value}, without quotes"
