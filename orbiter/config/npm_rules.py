"""npm's settings of a builder: the packages that replace what other packages require."""

from orbiter.config import npm_syntax
from orbiter.config.builder_keys import BuilderTable
from orbiter.config.image_set import Builder, NpmSettings
from orbiter.config.mistakes import Mistakes, key_path

KEY = "npm-overrides"

EXPECTED_NAME = "an npm package: name or name@range"
EXPECTED_VALUE = "a range, a tag, npm:name@range or $name"


def check_npm_rules(builder: str, table: BuilderTable, mistakes: Mistakes) -> None:
    """Add the mistakes in npm's overrides of a builder."""
    path = key_path(key_path("builder", builder), KEY)
    for name, override in table.npm_overrides.items():
        inner = key_path(path, name)
        _check_name(name, inner, mistakes)
        if isinstance(override, str):
            _check_value(override, inner, mistakes)
            continue
        if not override:
            mistakes.add(inner, "is empty", hint="name a package that it requires, or remove it")
        for required, text in override.items():
            if required != ".":
                _check_name(required, key_path(inner, required), mistakes)
            _check_value(text, key_path(inner, required), mistakes)


def _check_name(name: str, path: str, mistakes: Mistakes) -> None:
    if not npm_syntax.is_replaced(name):
        problem = f"'{name}' is not a valid npm package name"
        mistakes.add(path, problem, expected=EXPECTED_NAME, hint="for example glob or glob@^7")


def _check_value(text: str, path: str, mistakes: Mistakes) -> None:
    if not npm_syntax.is_replacement(text):
        problem = f"'{text}' is not valid"
        hint = 'for example "^11", or "$glob" for the requirement of a stage'
        mistakes.add(path, problem, expected=EXPECTED_VALUE, hint=hint)


def resolve_npm(table: BuilderTable) -> NpmSettings | None:
    """Return npm's settings of a builder; None for the defaults."""
    overrides: dict[str, str | dict[str, str]] = {}
    for name, override in sorted(table.npm_overrides.items()):  # the order must not change the lock
        overrides[name] = override
        if not isinstance(override, str):
            overrides[name] = dict(sorted(override.items()))
    return NpmSettings(overrides=overrides) if overrides else None


def npm_settings(builder: Builder) -> NpmSettings:
    """Return npm's settings of a builder."""
    return builder.npm or NpmSettings()


def override_texts(builder: Builder) -> dict[str, str]:
    """Return the replacement of each package by the path of its key, such as ``mocha.glob``."""
    texts = {}
    for name, override in npm_settings(builder).overrides.items():
        path = key_path("", name)
        if isinstance(override, str):
            texts[path] = override
            continue
        for required, text in override.items():
            texts[key_path(path, required)] = text
    return texts
