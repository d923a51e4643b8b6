"""The source of a file of pip in a lock: ``<project>/<file name>``.

It starts with ``<index>:`` if images.toml names an index for the package. It is ``url:<address>``
if images.toml names the address of the file itself.
"""

URL = "url:"
"""Start of the source of a file with an address."""


def source_of(project: str, file: str, index_name: str = "") -> str:
    """Return the source of an artifact; ``index_name`` is that of an index in images.toml."""
    prefix = f"{index_name}:" if index_name else ""
    return f"{prefix}{project}/{file}"


def split_source(source: str) -> tuple[str, str, str]:
    """Return the name of the index ("" for pip's configuration), the project and the file name."""
    place, _, file = source.partition("/")
    index_name, _, project = place.rpartition(":")
    return index_name, project, file


def is_direct(source: str) -> bool:
    """Return whether a file does not come from an index, whose project names contain no ``//``."""
    return source.startswith((f"{URL}https://", f"{URL}http://"))


def place_of(source: str) -> str:
    """Return the folder of a file with an address, or the name of its index as ``split_source``."""
    if is_direct(source):
        return source.removeprefix(URL).rpartition("/")[0]
    return split_source(source)[0]
