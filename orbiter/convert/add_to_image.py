"""orbiter import: what a file of another tool asks for, added to the lists of a stage in images.toml."""

import re
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orbiter.config.builders import CONDA_BUILDER
from orbiter.config.image_set import ImageSet, Stage
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import read_image_set
from orbiter.config.requirements import package_name
from orbiter.config.toml_edit import Edit, ListItem, apply_edits
from orbiter.convert import environment_yml
from orbiter.convert.outcome import LeftOut, Wanted
from resolvers.conda.channels import channel
from resolvers.errors import ExpectedError

BARE = re.compile(r"[\w.-]+")
"""A requirement that any other one for the same package meets, too."""


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import comes to: the new text of images.toml, what is new in it, and what stayed behind.

    ``tables`` and ``channels`` are those that were added; ``added`` maps a manager to the requirements that were added
    to the lists of ``stage``.
    """

    text: str
    stage: str
    tables: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    added: dict[str, tuple[str, ...]]
    left_out: tuple[LeftOut, ...]


class _Home(msgspec.Struct, frozen=True, kw_only=True):
    """The stage whose lists grow: its name, the paths of the tables it needs, last its own; None where it is new."""

    name: str
    paths: tuple[tuple[str, ...], ...]
    stage: Stage | None


def import_environment(file: Path, images: Path, name: str) -> ImportResult:
    """What adding a file to the stage ``name`` (``micromamba-base``) makes of images.toml; nothing is written.

    Requirements go to the build stage of an image that has one. An image that images.toml does not have is added, with
    a build stage. What stands there stays as it is: a requirement of the file whose package is in the list already is
    left out. Raises ExpectedError, and ConfigError for what images.toml could not be read with.
    """
    image_set = read_image_set(images)
    text = images.read_bytes().decode("utf-8-sig")
    home = _home(image_set, name)
    wanted = environment_yml.read(str(file), read_text(file), image_set.platforms)
    fresh, doubles = _fresh(wanted, home.stage)
    if not fresh:
        return ImportResult(
            text=text, stage=home.name, added={}, left_out=(*wanted.left_out, *doubles)
        )
    channels, notes = _channels(wanted, image_set)
    edits = _edits(home, fresh, channels, tomllib.loads(text))
    new = apply_edits(text, edits, str(images))
    check(new, images, file)
    return ImportResult(
        text=new,
        stage=home.name,
        tables=_new_tables(edits, tomllib.loads(text)),
        channels=channels,
        added={
            manager: tuple(entry.text for entry in entries) for manager, entries in fresh.items()
        },
        left_out=(*wanted.left_out, *notes, *doubles),
    )


def read_text(file: Path) -> str:
    """The text of a file to import. Raises ExpectedError where it is not UTF-8."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExpectedError(
            f"{file}: byte {error.start} is not UTF-8", "save the file as UTF-8"
        ) from None


def _home(image_set: ImageSet, name: str) -> _Home:
    prefix = f"{CONDA_BUILDER}-"
    if not name.startswith(prefix):
        raise ExpectedError(
            f"'{name}' is no image of the builder {CONDA_BUILDER}, the one that installs conda packages",
            f"name one, such as {prefix}base; images.toml gets it where it has none",
        )
    stages = {stage.name: stage for stage in image_set.stages}
    known = stages.get(name)
    image = known.image if known else name.removeprefix(prefix).removesuffix("-build")
    path = ("image", CONDA_BUILDER, image)
    if known and known.kind == "final" and not known.build:
        return _Home(name=name, paths=(path,), stage=known)
    build = f"{prefix}{image}-build"
    return _Home(name=build, paths=(path, (*path, "build")), stage=stages.get(build))


def _fresh(
    wanted: Wanted, stage: Stage | None
) -> tuple[dict[str, tuple[ListItem, ...]], list[LeftOut]]:
    """The requirements by manager whose packages the stage does not ask for yet, and those that say another thing."""
    fresh: dict[str, tuple[ListItem, ...]] = {}
    left_out = []
    for manager, entries in wanted.requirements.items():
        there = {
            package_name(manager, text): text
            for text in (stage.requirements.get(manager, ()) if stage else ())
        }
        found: dict[str, ListItem] = {}
        for entry in entries:
            package = package_name(manager, entry.text)
            if package in there:
                left_out += _double(manager, entry.text, there[package], "images.toml")
            elif package not in found or BARE.fullmatch(found[package].text):
                found[package] = entry
            else:
                left_out += _double(manager, entry.text, found[package].text, "the file")
        if found:
            fresh[manager] = tuple(found.values())
    return fresh, left_out


def _double(manager: str, text: str, other: str, where: str) -> list[LeftOut]:
    """Nothing where two requirements for one package are the same but for blanks, or the text asks for no version."""
    if BARE.fullmatch(text) or "".join(text.split()) == "".join(other.split()):
        return []
    return [
        LeftOut(what=f"{manager} '{text}'", why=f"{where} asks for '{other}' already, which stays")
    ]


def _channels(wanted: Wanted, image_set: ImageSet) -> tuple[tuple[str, ...], list[LeftOut]]:
    """The channels that the builder does not have yet; and where its order will not be that of the file."""
    builder = image_set.builders.get(CONDA_BUILDER)
    there = (
        tuple(channel(name).url for name in builder.conda.channels)
        if builder and builder.conda
        else ()
    )
    fresh = tuple(name for name in wanted.channels if name not in there)
    order = [name for name in (*there, *fresh) if name in wanted.channels]
    if order == [*wanted.channels]:
        return fresh, []
    why = f"{', '.join(there)} of images.toml stay in front; the first channel that has a package decides"
    return fresh, [LeftOut(what=f"the order of the channels {', '.join(wanted.channels)}", why=why)]


def _edits(
    home: _Home,
    fresh: dict[str, tuple[ListItem, ...]],
    channels: tuple[str, ...],
    data: dict[str, dict[str, object]],
) -> tuple[Edit, ...]:
    builder = ("builder", CONDA_BUILDER)
    table = data["builder"].get(CONDA_BUILDER)
    own = isinstance(table, dict) and "channels" in table
    default = (
        ("conda-forge",) if table is not None and not own else ()
    )  # what the builder has without the key
    entries = tuple(ListItem(text=name) for name in (*default, *channels)) if channels else ()
    return (
        Edit(path=builder, key="channels" if channels else "", entries=entries, one_line=True),
        *(Edit(path=path) for path in home.paths),
        *(
            Edit(path=home.paths[-1], key=manager, entries=entries)
            for manager, entries in fresh.items()
        ),
    )


def _new_tables(edits: Iterable[Edit], data: dict[str, object]) -> tuple[str, ...]:
    paths = dict.fromkeys(edit.path for edit in edits)
    return tuple(f"[{'.'.join(path)}]" for path in paths if not _has(data, path))


def _has(data: object, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def check(text: str, images: Path, file: Path) -> None:
    """Raise ConfigError where the new text is no images.toml that Orbiter reads."""
    with tempfile.TemporaryDirectory(prefix="orbiter-import-") as folder:
        new = Path(folder) / images.name
        new.write_bytes(text.encode())
        try:
            read_image_set(new)
        except ConfigError as error:
            raise ConfigError(f"{images} with {file}", error.mistakes) from None
