"""Reader of Pipfile.lock, specification 6: https://pipenv.pypa.io/en/latest/pipfile.html.

Each category is a mapping of names. The lock records neither requirements nor file names.
"""

import re
from typing import Any

import msgspec

from orbiter.lockfiles.document import (
    convert,
    load_json,
    unsupported_version,
    without_credentials,
)
from orbiter.lockfiles.pip_files import normalise
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope

SPECIFICATION = 6
MARK = re.compile(r'"pipfile-spec"\s*:')
META, DEFAULT = "_meta", "default"


class _Package(msgspec.Struct):
    version: str = ""
    hashes: tuple[str, ...] = ()
    git: str = ""
    ref: str = ""
    path: str = ""
    file: str = ""

    def source(self) -> str:
        """Return the repository, file or folder; "" for a package of an index."""
        return without_credentials(self.git or self.file or self.path)


class _Meta(msgspec.Struct, rename="kebab"):
    pipfile_spec: int
    sources: tuple[dict[str, Any], ...] = ()


def recognises(text: str) -> bool:
    """Return whether a text is a JSON object with a ``pipfile-spec``."""
    return text.lstrip()[:1] == "{" and MARK.search(text) is not None


def read(name: str, text: str) -> Lock:
    """Read a Pipfile.lock; the categories of a package are its groups."""
    data = load_json(name, text)
    meta = convert(name, text, data.pop(META, {}), _Meta)
    if meta.pipfile_spec > SPECIFICATION:
        raise unsupported_version(name, "Pipfile.lock", meta.pipfile_spec, str(SPECIFICATION))
    categories = convert(name, text, data, dict[str, dict[str, _Package]])
    entries: dict[tuple[str, str, str, str], PackageEntry] = {}
    for category, packages in categories.items():
        for title, package in packages.items():
            entry = _entry(title, category, package)
            key = (entry.name, entry.version, entry.source, entry.build)
            if key in entries:
                groups = (*entries[key].groups, category)
                entry = msgspec.structs.replace(entry, groups=groups)
            entries[key] = entry
    urls = [without_credentials(str(source.get("url", ""))) for source in meta.sources]
    return Lock(
        name=name,
        format=f"Pipfile.lock {meta.pipfile_spec}",
        packages={Scope(): tuple(entries.values())},
        facts={"index": {"in order": ", ".join(urls)}} if urls else {},
    )


def _entry(title: str, category: str, package: _Package) -> PackageEntry:
    return PackageEntry(
        manager="pip",
        name=normalise(title),
        version=package.version.lstrip("="),
        build=package.ref,
        source=package.source(),
        files=tuple(PackageFile("", (digest,)) for digest in package.hashes),
        groups=(category,),
    )
