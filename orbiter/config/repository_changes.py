"""The keys of the repositories in images.toml that differ between two image sets."""

from collections.abc import Iterator, Mapping

from orbiter.config.image_set import PackageRepository
from orbiter.config.mistakes import key_path

Repositories = Mapping[str, PackageRepository]


def repository_changes(table: str, old: Repositories, new: Repositories) -> Iterator[str]:
    """Yield a line for each change, such as ``apt-repository.example.suite: trixie -> forky``."""
    for name in sorted({*old, *new}):
        path = key_path(table, name)
        if name not in old:
            yield f"{path}: added"
        elif name not in new:
            yield f"{path}: removed"
        else:
            yield from _changes(path, old[name], new[name])


def _changes(path: str, old: PackageRepository, new: PackageRepository) -> Iterator[str]:
    before, after = _values(old), _values(new)
    for key, value in before.items():
        if value != after[key]:
            yield f"{path}.{key}: {value or '(none)'} -> {after[key] or '(none)'}"
    old_key, new_key = ((each.key and each.key.sha256) or "" for each in (old, new))
    if old_key != new_key and before["key-file"] == after["key-file"]:
        yield f"{path}.key-file: content of {after['key-file']} changed"


def _values(repository: PackageRepository) -> dict[str, str]:
    return {
        "url": repository.url,
        "suite": repository.suite,
        "components": ", ".join(repository.components),
        "tag": repository.tag,
        "key-file": (repository.key and repository.key.source) or "",
        "fingerprint": repository.fingerprint,
    }
