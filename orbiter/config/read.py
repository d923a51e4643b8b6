"""Read images.toml and describe its format as a JSON Schema."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from orbiter.config import resolve
from orbiter.config.advisory_keys import IgnoredAdvisory
from orbiter.config.builders import NO_IMAGES
from orbiter.config.check_keys import LicencesTable, LintTable
from orbiter.config.decode import EMPTY, MISSING, decode
from orbiter.config.image_set import ImageSet
from orbiter.config.image_tests import ImageTests, tests_by_image
from orbiter.config.mistakes import ConfigError, Mistake, Mistakes
from orbiter.config.schema import ConfigFile
from orbiter.config.toml_file import parse, read_text, with_lines

CREATE_HINT = "create one: orbiter init; or name the folder that has one: orbiter -C DIR"
IMPORT_HINT = f"create one from the files of this folder: orbiter import .\n  or {CREATE_HINT}"
IMPORTED = ("requirements.txt", "environment.yml", "binder", ".binder")
"""Names in a folder that orbiter import reads as repo2docker does; only the usual ones."""


def read_image_set(path: Path, root: Path | None = None) -> ImageSet:
    """Read images.toml.

    ``root`` is the folder to which own files are relative, by default that of images.toml. Raises
    ConfigError with all mistakes of the file.
    """
    return _read(path, root)


def read_incomplete_image_set(path: Path) -> ImageSet:
    """Read an images.toml that may still lack builders and images, because an import adds them.

    Raises ConfigError with all other mistakes of the file.
    """
    return _read(path, None, is_mistake=lambda mistake: not _is_incomplete(mistake))


def image_set_of(text: str, path: Path, label: str) -> ImageSet:
    """Return the image set of a text that is not in the file ``path`` yet.

    Raises ConfigError with ``label`` in place of the file's name, and without lines, because nobody
    can see the text.
    """
    return _of_text(text, path, label)


def incomplete_image_set_of(text: str, path: Path, label: str) -> ImageSet:
    """Return the image set of a text like ``image_set_of``; it may still lack builders and images.

    Raises ConfigError with all other mistakes.
    """
    return _of_text(text, path, label, is_mistake=lambda mistake: not _is_incomplete(mistake))


def _of_text(
    text: str,
    path: Path,
    label: str,
    is_mistake: Callable[[Mistake], bool] = lambda _mistake: True,
) -> ImageSet:
    mistakes = Mistakes()
    file = decode(ConfigFile, parse(text, path), mistakes)
    image_set = resolve.image_set(file, path.parent, mistakes)
    remaining = tuple(filter(is_mistake, mistakes.all))
    if remaining:
        raise ConfigError(label, remaining)
    return image_set


class ImageChecks(NamedTuple):
    """The checks of built images: their tests by image, and whether an audit is required."""

    tests: Mapping[str, ImageTests]
    requires_audit: bool


class ProjectConfig(NamedTuple):
    """The image set, and the checks of its images."""

    image_set: ImageSet
    checks: ImageChecks


def read_project_config(path: Path) -> ProjectConfig:
    """Read images.toml once, for commands that need more than the image set.

    Raises ConfigError with all mistakes of the file, also those in the tests.
    """
    mistakes = Mistakes()
    text, file = _load(path, mistakes)
    image_set = resolve.image_set(file, path.parent, mistakes)
    tests = tests_by_image(file, path.parent, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), with_lines(mistakes.all, text))
    return ProjectConfig(image_set, ImageChecks(tests, file.require_audit))


def read_lint_keys(path: Path) -> LintTable:
    """Read the settings of lint in images.toml; the defaults if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.lint if file else LintTable()


def read_licence_keys(path: Path) -> LicencesTable:
    """Read the settings about licences in images.toml; the defaults if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.licences if file else LicencesTable()


def read_ignored_advisories(path: Path) -> tuple[IgnoredAdvisory, ...]:
    """Read the decisions about advisories in images.toml; empty if there is no such file.

    Raises ConfigError with the mistakes in the form of the file.
    """
    file = read_form(path)
    return file.ignore_advisory if file else ()


def read_image_checks(path: Path) -> ImageChecks:
    """Read the checks of built images in images.toml; none if there is no such file.

    Raises ConfigError with the mistakes in the form of the file and in the tests.
    """
    found: dict[str, ImageTests] = {}

    def resolve_tests(file: ConfigFile, mistakes: Mistakes) -> None:
        found.update(tests_by_image(file, path.parent, mistakes))

    file = read_form(path, resolve_tests)
    return ImageChecks(found, file is not None and file.require_audit)


def read_form(
    path: Path, check: Callable[[ConfigFile, Mistakes], None] = lambda _file, _mistakes: None
) -> ConfigFile | None:
    """Read the keys as people write them, without resolving them; None if there is no file.

    ``check`` adds further mistakes.
    """
    if not path.exists():
        return None
    mistakes = Mistakes()
    text, file = _load(path, mistakes)
    check(file, mistakes)
    if mistakes.all:
        raise ConfigError(str(path), with_lines(mistakes.all, text))
    return file


def _read(
    path: Path,
    root: Path | None,
    is_mistake: Callable[[Mistake], bool] = lambda _mistake: True,
) -> ImageSet:
    mistakes = Mistakes()
    text, file = _load(path, mistakes)
    image_set = resolve.image_set(file, root or path.parent, mistakes)
    remaining = tuple(filter(is_mistake, mistakes.all))
    if remaining:
        raise ConfigError(str(path), with_lines(remaining, text))
    return image_set


def _load(path: Path, mistakes: Mistakes) -> tuple[str, ConfigFile]:
    """Return the text of the file, and its keys as people write them."""
    text = read_text(path, _create_hint(path.parent))
    return text, decode(ConfigFile, parse(text, path), mistakes)


def _is_incomplete(mistake: Mistake) -> bool:
    if mistake.key in {"builder", "image"}:
        return mistake.problem in {MISSING, EMPTY}
    return mistake.problem == NO_IMAGES


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of images.toml, for editors."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "images.toml"}
    return dialect | msgspec.json.schema(ConfigFile)


def _create_hint(folder: Path) -> str:
    """Return how to make the missing images.toml of a folder."""
    return IMPORT_HINT if any((folder / name).exists() for name in IMPORTED) else CREATE_HINT
