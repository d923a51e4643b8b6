"""The builders of images.toml: their tables checked, and the settings that follow from them."""

from collections.abc import Iterator

import msgspec
from msgspec.structs import fields
from packaging.utils import canonicalize_name

from orbiter.config.builder_keys import BASES, BUILDERS, BuilderTable, Packages
from orbiter.config.image_set import Builder, CondaSettings, ImageSet, PipSettings
from orbiter.config.mistakes import Mistakes, key_path
from orbiter.config.npm_rules import check_npm_rules, resolve_npm
from orbiter.config.pip_rules import check_pip_rules
from orbiter.config.requirements import sort_requirements
from orbiter.config.schema import ConfigFile
from orbiter.config.sets import Sets, expand
from resolvers.conda.channels import NO_DEFAULTS, parse_channel
from resolvers.errors import ExpectedError
from resolvers.types.options import CondaOptions

CONDA_BUILDER = "micromamba"
"""The builder of images with conda packages."""
APK_BUILDER = "alpine"
"""The builder of images on Alpine."""
SYSTEM_MANAGERS = frozenset({"apk", "apt"})
"""Managers of system packages. Their mirrors have the current index only and delete old files."""
CONDA_FIELDS = frozenset(
    {
        "channels",
        "channel_priority",
        "conda_engine",
        "conda_overwrites",
        "installer",
        "keep_installer",
        "virtual",
    }
)
"""The fields of a builder's table that only the conda builder has."""
MICROMAMBA = "micromamba"
"""The default program that installs conda packages."""


def system_manager(builder: str) -> str:
    """Return the manager of a builder's system packages."""
    return "apk" if builder == APK_BUILDER else "apt"


def base_example(builder: str) -> str:
    """Return an example of a builder's base image."""
    return "alpine:3.23" if builder == APK_BUILDER else "debian:trixie-slim"


def resolve_builder(name: str, file: ConfigFile) -> Builder:
    """Return a builder of the file, with its defaults filled in."""
    table = file.builder[name]
    base, suite = "", ""
    if isinstance(table.from_, Packages):
        suite = table.from_.debian
    else:
        base = table.from_ or BASES.get(name, "")
    return Builder(
        name=name,
        base=base,
        suite=suite,
        python=table.python,
        pip_engine=table.pip_engine,
        pip_overwrites=_pip_names(table.pip_overwrites) or msgspec.UNSET,
        apt_repositories=tuple(sorted(set(table.apt_repositories))) or msgspec.UNSET,
        pip=_pip_settings(table, file.sets) or msgspec.UNSET,
        npm=resolve_npm(table) or msgspec.UNSET,
        conda=_conda_settings(table) if name == CONDA_BUILDER else msgspec.UNSET,
    )


def _pip_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(canonicalize_name(name) for name in names)


def _pip_settings(table: BuilderTable, sets: Sets) -> PipSettings | None:
    """Return the pip settings of a builder; None for the defaults."""
    settings = PipSettings(
        index_priority=table.index_priority,
        constraints=_pip_rules(table.constraints, sets),
        overrides=_pip_rules(table.overrides, sets),
    )
    return settings if settings != PipSettings() else None


def _pip_rules(entries: tuple[str, ...], sets: Sets) -> tuple[str, ...]:
    """Return constraints or overrides, sorted by package name."""
    texts = {entry.text for entry in expand(entries, "", sets, Mistakes())}
    return sort_requirements("pip", texts)


def pip_settings(builder: Builder) -> PipSettings:
    """Return a builder's pip settings."""
    return builder.pip or PipSettings()


def overwrites(builder: Builder) -> dict[str, tuple[str, ...]]:
    """Return the packages whose files may replace those of others, by manager."""
    allowed = {"pip": builder.pip_overwrites or (), "conda": conda_settings(builder).overwrites}
    return {manager: names for manager, names in allowed.items() if names}


def _conda_settings(table: BuilderTable) -> CondaSettings:
    return CondaSettings(
        channels=tuple(name for name in table.channels if name != NO_DEFAULTS),
        priority=table.channel_priority,
        virtual=dict(sorted(table.virtual.items())),  # the order must not change the lock
        engine=table.conda_engine,
        installer=table.installer,
        keep_installer=table.keep_installer,
        overwrites=table.conda_overwrites,
    )


NO_IMAGES = "has no images"
"""The problem of a builder that an import may still solve."""


def check_builders(file: ConfigFile, mistakes: Mistakes) -> None:
    """Add the mistakes in the builders of a file."""
    for name, table in file.builder.items():
        if not file.image.get(name):
            hint = f"declare an image, such as [image.{name}.core], or remove the builder"
            mistakes.add(key_path("builder", name), NO_IMAGES, hint=hint)
        _check_builder(name, table, mistakes)
        check_pip_rules(name, table, file.sets, mistakes)
        check_npm_rules(name, table, mistakes)
    for name in file.image:
        if name in BUILDERS and name not in file.builder:
            problem = f"the builder '{name}' is not declared"
            hint = f'add [builder.{name}] with from = "{base_example(name)}"'
            mistakes.add(key_path("image", name), problem, hint=hint)


def _check_builder(name: str, table: BuilderTable, mistakes: Mistakes) -> None:
    path = key_path("builder", name)
    _check_base(name, table, key_path(path, "from"), mistakes)
    if name == APK_BUILDER and table.apt_repositories:
        hint = "remove it: this builder has packages of apk, not of apt"
        mistakes.add(key_path(path, "apt-repositories"), "has no effect", hint=hint)
    if name == CONDA_BUILDER:
        _check_conda(table, path, mistakes)
        return
    # The schema has one table for all builders, so these keys are valid TOML everywhere.
    for key in _conda_keys(table):
        hint = f"move it to [builder.{CONDA_BUILDER}], the only builder with this key"
        mistakes.add(key_path(path, key), "has no effect", hint=hint)


def _check_conda(table: BuilderTable, path: str, mistakes: Mistakes) -> None:
    for index, text in enumerate(table.channels):
        try:
            parse_channel(text)
        except ExpectedError as error:
            mistakes.add(f"{path}.channels[{index}]", error.message, hint=error.hint)
    if set(table.channels) == {NO_DEFAULTS}:
        problem = f"names no channel, because '{NO_DEFAULTS}' only excludes conda's defaults"
        mistakes.add(f"{path}.channels", problem, hint='add a channel, such as "conda-forge"')
    if table.keep_installer and table.installer != MICROMAMBA:
        problem = f"has no effect, because {table.installer} never stays in the images"
        hint = f'remove it, or write installer = "{MICROMAMBA}"'
        mistakes.add(key_path(path, "keep-installer"), problem, hint=hint)


def _check_base(name: str, table: BuilderTable, path: str, mistakes: Mistakes) -> None:
    hint = f'add from = "{base_example(name)}"'
    if table.from_ == "" and name not in BASES:
        expected = "an image and its tag, without a digest (the lock set pins it)"
        if name != APK_BUILDER:
            expected += ', or { debian = "trixie" }'
        mistakes.add(path, "is missing", expected=expected, hint=hint)
    if name == APK_BUILDER and isinstance(table.from_, Packages):
        problem = f"the builder '{name}' needs an Alpine base image, not Debian packages"
        mistakes.add(path, problem, hint=hint)


def _conda_keys(table: BuilderTable) -> Iterator[str]:
    """Yield the conda keys that a builder's table sets."""
    default = BuilderTable()
    for field in fields(BuilderTable):
        is_set = getattr(table, field.name) != getattr(default, field.name)
        if field.name in CONDA_FIELDS and is_set:
            yield field.encode_name


def conda_settings(builder: Builder) -> CondaSettings:
    """Return a builder's conda settings; the defaults for a builder without conda packages."""
    return builder.conda or CondaSettings()


def conda_options(builder: Builder) -> CondaOptions:
    """Return a builder's conda settings as options of the conda resolver."""
    settings = conda_settings(builder)
    virtual = {f"__{name}": version for name, version in settings.virtual.items()}
    return CondaOptions(channels=settings.channels, priority=settings.priority, virtual=virtual)


def installer_package(image_set: ImageSet, builder: str, manager: str) -> str:
    """Return the package that installs a manager's packages in a builder's stages, "" for none."""
    if manager == "conda":
        installer = conda_settings(image_set.builders[builder]).installer
        return {"rattler": "py-rattler"}.get(installer, installer)
    return {"pip": "uv", "npm": "npm"}.get(manager, "")
