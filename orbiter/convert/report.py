"""The JSON document of ``orbiter import``. Pure."""

from typing import Any

from orbiter.convert.add_to_image import Addition, ImportResult
from orbiter.convert.outcome import Changed, LeftOut, Note
from orbiter.documents import Document, encode, schema_of


class ImportDocument(Document, frozen=True, kw_only=True):
    """The additions of an import to images.toml, its changes, and everything that it left out.

    ``stage`` is "" for a file that describes a whole image set, whose parts are not listed.
    ``new_image`` is an image that images.toml did not have.
    """

    file: str
    images: str
    written: bool
    stage: str
    new_image: str = ""
    tables: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    added: tuple[Addition, ...] = ()
    changed: tuple[Changed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def document_of(file: str, images: str, result: ImportResult, *, written: bool) -> ImportDocument:
    """Return the document of an import into one image."""
    return ImportDocument(
        file=file,
        images=images,
        written=written,
        stage=result.stage,
        new_image=result.new_image,
        tables=result.tables,
        channels=result.channels,
        added=result.added,
        changed=result.changed,
        left_out=result.left_out,
    )


def document_of_notes(
    file: str, images: str, notes: tuple[Note, ...], *, written: bool
) -> ImportDocument:
    """Return the document of an import of a whole image set."""
    parts = [
        (note.kind, ": ".join(filter(None, (note.table, note.what))), note.why) for note in notes
    ]
    return ImportDocument(
        file=file,
        images=images,
        written=written,
        stage="",
        changed=tuple(
            Changed(what=what, why=why) for kind, what, why in parts if kind != "left out"
        ),
        left_out=tuple(
            LeftOut(what=what, why=why) for kind, what, why in parts if kind == "left out"
        ),
    )


def format_json(document: ImportDocument) -> str:
    """Return the document as JSON."""
    return encode(document)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return schema_of(ImportDocument)
