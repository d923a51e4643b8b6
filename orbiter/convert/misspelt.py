"""Names of files that look like misspelt names of files that an import reads."""

from collections.abc import Collection
from pathlib import Path

SIMILARITY = 0.8
"""The lowest ratio of similar names: requirement.txt is near, requests.txt is not."""


def misspelt_files(
    folder: Path, known: Collection[str], others: Collection[str] = ()
) -> dict[str, str]:
    """Return the files of a folder whose names are near to a known name that no file has.

    Maps the name of each file to the known one. ``others`` are names with a meaning of their own.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    known_by_key = {name.lower(): name for name in known}
    unknown = [name for name in names if name not in known and name not in others]
    found = {name: _nearest(name, known_by_key) for name in unknown}
    return {name: near for name, near in found.items() if near and near not in names}


def _nearest(name: str, candidates: dict[str, str]) -> str:
    """Return the candidate that is nearest to a name; "" if none is near."""
    from difflib import get_close_matches  # imported if there is an unknown file only

    matches = get_close_matches(name.lower(), candidates, n=1, cutoff=SIMILARITY)
    return candidates[matches[0]] if matches else ""
