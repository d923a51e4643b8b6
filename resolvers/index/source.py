"""The source of a file of pip in a lock: ``<project>/<file name>``.

It starts with ``<index>:`` if images.toml names an index for the package.
"""


def source_of(project: str, file: str, index_name: str = "") -> str:
    """Return the source of an artifact; ``index_name`` is that of an index in images.toml."""
    prefix = f"{index_name}:" if index_name else ""
    return f"{prefix}{project}/{file}"


def split_source(source: str) -> tuple[str, str, str]:
    """Return the name of the index ("" for pip's configuration), the project and the file name."""
    place, _, file = source.partition("/")
    index_name, _, project = place.rpartition(":")
    return index_name, project, file
