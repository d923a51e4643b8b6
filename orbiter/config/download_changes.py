"""The differences of the downloads of a stage between two image sets. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from orbiter.config.image_set import Download, DownloadedFile


def download_changes(path: str, old: Iterable[Download], new: Iterable[Download]) -> Iterator[str]:
    """Yield a line for each download that differs, such as ``…downloads: /opt/tool removed``."""
    old, new = tuple(old), tuple(new)
    before, after = _by_place(old), _by_place(new)
    for place in sorted(before.keys() | after.keys()):
        name = f"{path}: {place[0]} for {place[1]}"
        if place not in before:
            yield f"{name} added ({after[place][1].url})"
        elif place not in after:
            yield f"{name} removed"
        else:
            yield from _differences(name, before[place], after[place])
    has_same_entries = len(old) == len(new) and all(download in new for download in old)
    if old != new and has_same_entries:
        yield f"{path}: order changed"


_Entry = tuple[Download, DownloadedFile]


def _by_place(downloads: Iterable[Download]) -> Mapping[tuple[str, str, int], _Entry]:
    """Return the downloads by target and platform, and by number if several have the same."""
    places: dict[tuple[str, str, int], _Entry] = {}
    for download in downloads:
        for platform, file in download.platforms.items():
            number = 0
            target = file.target or package_place(file.url)
            while (target, platform, number) in places:
                number += 1
            places[target, platform, number] = (download, file)
    return places


def package_place(url: str) -> str:
    """Return the name that changes show for a package without a target: that of its file."""
    return url.partition("?")[0].rpartition("/")[2]


def _differences(name: str, old: _Entry, new: _Entry) -> Iterator[str]:
    for key in ("url", "sha256"):
        before, after = (getattr(file, key) or "(none)" for _, file in (old, new))
        if before != after:
            yield f"{name}: {key} {before} -> {after}"
    for key in ("mode", "unpack", "strip"):
        before, after = (str(getattr(download, key)).lower() for download, _ in (old, new))
        if before != after:
            yield f"{name}: {key} {before} -> {after}"
