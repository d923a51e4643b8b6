"""The keys of a builder's table, and the package indexes, that an import adds to images.toml."""

from collections.abc import Iterator, Mapping
from typing import Any

from orbiter.config.builders import CONDA_BUILDER
from orbiter.config.image_set import ImageSet
from orbiter.config.requirements import package_name
from orbiter.config.toml_edit import Edit
from orbiter.config.toml_format import ListItem
from orbiter.convert.fresh import DEFAULT_CHANNELS
from orbiter.convert.outcome import ImportedRequirements, LeftOut
from resolvers.conda.channels import parse_channel
from resolvers.errors import ExpectedError

USES_UV = 'only pip-engine = "uv" of the builder knows overrides'


def builder_edits(
    imported: ImportedRequirements,
    builder: str,
    image_set: ImageSet,
    data: Mapping[str, Any],
    conflicts: list[LeftOut],
) -> Iterator[Edit]:
    """Yield the edits of a builder's table and of the indexes; add what contradicts them."""
    path = ("builder", builder)
    if builder == CONDA_BUILDER:
        table = data.get("builder", {}).get(CONDA_BUILDER)
        yield _channels_edit(new_channels(imported, image_set, builder), table)
    rules = {"constraints": imported.constraints, "overrides": imported.overrides}
    engine = image_set.builders[builder].pip_engine if builder in image_set.builders else ""
    if imported.overrides and engine != "uv":
        conflicts += (
            LeftOut(what=f"overrides '{text}'", why=USES_UV) for text in rules["overrides"]
        )
        rules["overrides"] = ()
    for key, texts in rules.items():
        if items := _new_rules(key, texts, data.get("builder", {}).get(builder, {}), conflicts):
            yield Edit(path=path, key=key, entries=items)
    existing = data.get("builder", {}).get(builder, {}).get("npm-overrides", {})
    for name, value in imported.npm_overrides.items():
        if existing.get(name, value) != value:
            conflicts.append(LeftOut(what=f"npm-overrides '{name}'", why="images.toml has another"))
        elif name not in existing:
            inline = value if isinstance(value, str) else tuple(value.items())
            yield Edit(path=(*path, "npm-overrides"), key=name, value=inline)
    yield from _index_edits(imported, data)


def _index_edits(imported: ImportedRequirements, data: Mapping[str, Any]) -> Iterator[Edit]:
    for name, url in imported.indexes.items():
        existing = data.get("index", {}).get(name)
        if existing is None:
            yield Edit(path=("index", name), key="url", value=url)
        elif str(existing.get("url", "")).rstrip("/") != url.rstrip("/"):
            raise ExpectedError(
                f"images.toml has another address for the index '{name}'",
                f"rename [index.{name}] or the index of the file",
            )


def _new_rules(
    key: str, texts: tuple[str, ...], table: Mapping[str, Any], conflicts: list[LeftOut]
) -> tuple[ListItem, ...]:
    """Return the rules for packages that the builder has no rule for yet."""
    existing = {package_name("pip", str(text)): str(text) for text in table.get(key, ())}
    new: dict[str, ListItem] = {}
    for text in texts:
        name = package_name("pip", text)
        other = existing.get(name) or (new[name].text if name in new else "")
        if not other:
            new[name] = ListItem(text=text)
        elif other != text:
            conflicts.append(LeftOut(what=f"{key} '{text}'", why=f"there is already '{other}'"))
    return tuple(new.values())


def _existing_channels(image_set: ImageSet, builder: str) -> tuple[str, ...]:
    settings = image_set.builders.get(builder)
    if not settings or not settings.conda:
        return ()
    return tuple(parse_channel(name).url for name in settings.conda.channels)


def new_channels(
    imported: ImportedRequirements, image_set: ImageSet, builder: str
) -> tuple[str, ...]:
    """Return the channels that the builder does not have yet."""
    if builder != CONDA_BUILDER:
        return ()
    existing = {*_existing_channels(image_set, builder)}
    return tuple(url for url in imported.channels if url not in existing)


def lost_order(imported: ImportedRequirements, image_set: ImageSet, builder: str) -> list[LeftOut]:
    """Return a note if the builder's order of channels differs from the one in the file."""
    existing = _existing_channels(image_set, builder)
    listed = {*imported.channels}
    order = [
        url for url in (*existing, *new_channels(imported, image_set, builder)) if url in listed
    ]
    if builder != CONDA_BUILDER or order == [*imported.channels]:
        return []
    what = f"the order of the channels {', '.join(imported.channels)}"
    why = f"the channels in images.toml keep their priority: {', '.join(existing)}"
    return [LeftOut(what=what, why=why)]


def _channels_edit(channels: tuple[str, ...], table: object) -> Edit:
    """Return the edit that adds the channels to the builder's table, or only the table."""
    path = ("builder", CONDA_BUILDER)
    if not channels:
        return Edit(path=path)
    names = channels
    if isinstance(table, dict) and "channels" not in table:
        names = (*DEFAULT_CHANNELS, *channels)  # a new list replaces the default
    entries = tuple(ListItem(text=name) for name in names)
    return Edit(path=path, key="channels", entries=entries, one_line=True)
