"""images.toml as a text to edit, and the places of its requirements."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orbiter.config.drafts import Draft, stage_drafts
from orbiter.config.image_set import ImageSet
from orbiter.config.mistakes import Mistakes
from orbiter.config.read import read_form, read_image_set
from orbiter.config.requirements import SYNTAXES
from orbiter.config.sets import Sets, expand
from orbiter.config.toml_format import TablePath

BYTE_ORDER_MARK = "\ufeff"
MAX_SHOWN = 100
"""Characters of a text that an error repeats."""
INDEX = re.compile(r"\[(\d+)\]$")


def shown(text: str) -> str:
    """Return a text from the command line for an error: in quotes, short and printable."""
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


class StageRequirement(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement of a stage.

    ``name`` is the normalized name of its package, and ``path`` the key path of the entry, which is
    in ``[sets]`` if the stage takes it from there. ``in_table`` says that the entry is an inline
    table, whose key ``requirement`` has the text.
    """

    stage: str
    builder: str
    manager: str
    name: str
    text: str
    path: str
    in_table: bool

    @property
    def list(self) -> str:
        """The path of the list that contains the entry."""
        return INDEX.sub("", self.path)

    @property
    def index(self) -> int:
        """The index of the entry in its list."""
        match = INDEX.search(self.path)
        assert match  # each entry is in a list
        return int(match[1])

    @property
    def is_shared(self) -> bool:
        """True if the entry is in a named list of ``[sets]``."""
        return self.path.startswith("sets.")


class ImagesFile(msgspec.Struct, frozen=True, kw_only=True):
    """images.toml: its path, its text without a byte order mark, and what it means.

    ``tables`` are the paths of the stages' tables.
    """

    path: Path
    text: str
    mark: str
    image_set: ImageSet
    entries: tuple[StageRequirement, ...]
    tables: dict[str, TablePath]

    def with_text(self, text: str) -> bytes:
        """Return the bytes of the file with another text."""
        return (self.mark + text).encode()


def read_images_file(path: Path) -> ImagesFile:
    """Read images.toml. Raises ConfigError with all of its mistakes."""
    image_set = read_image_set(path)
    file = read_form(path)
    assert file  # it was read before
    text = path.read_bytes().decode()
    drafts = stage_drafts(file, Mistakes()).values()
    return ImagesFile(
        path=path,
        text=text.removeprefix(BYTE_ORDER_MARK),
        mark=BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else "",
        image_set=image_set,
        entries=tuple(entry for draft in drafts for entry in _entries(draft, file.sets)),
        tables={draft.name: _table(draft) for draft in drafts},
    )


def _table(draft: Draft) -> TablePath:
    table = ("image", draft.builder, draft.image)
    return (*table, "build") if draft.kind == "build" else table


def _entries(draft: Draft, sets: Sets) -> Iterator[StageRequirement]:
    """Yield the requirements of a stage; the file has no mistakes."""
    for manager, syntax in SYNTAXES.items():
        written = getattr(draft.table, manager)
        for entry in expand(written, f"{draft.path}.{manager}", sets, Mistakes()):
            yield StageRequirement(
                stage=draft.name,
                builder=draft.builder,
                manager=manager,
                name=syntax.name(entry.text) or entry.text,
                text=entry.text,
                path=entry.path,
                in_table=bool(entry.index),
            )
