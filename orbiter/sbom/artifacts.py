"""Facts that only the packages themselves have, read from the store: licences, Debian sources."""

import io
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from orbiter.sbom import fact_cache
from orbiter.sbom.debian_copyright import MAX_SIZE, licences_of
from orbiter.sbom.model import Bill, Component
from orbiter.sbom.purl import upstream, with_qualifier
from orbiter.store.store import VERIFIERS, Store
from orbiter.store.unpack import UNREADABLE
from orbiter.threads import stoppable_threads
from resolvers.apt.source_field import parse_source
from resolvers.errors import ExpectedError
from resolvers.types.tar_entry import CheckedTarInfo, checked

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_LICENSE = 100
"""The longest text of a licence in characters. Some packages have the whole licence there."""
CLASSIFIERS = {
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
"""Classifiers that mean exactly one licence. ``BSD License``, for example, may mean several."""
OSI = re.compile(r"License :: (?:OSI Approved :: )?(?P<name>.+)")


def with_artifact_facts(bill: Bill, store: Store) -> Bill:
    """Return the bill with what the packages in the store know.

    Raises ExpectedError if a package is missing in the store, was changed or cannot be read. So the
    result follows from the lock set too.
    """
    _check_store(bill, store)
    return with_stored_facts(bill, store)[0]


def with_stored_facts(bill: Bill, store: Store) -> tuple[Bill, frozenset[str], frozenset[str]]:
    """Return the bill with what those packages know that the store has.

    Also returns the refs of these packages, and the refs of the packages that the store lacks.
    Raises ExpectedError if a package was changed or cannot be read.
    """
    wanted = {each.ref: each for each in bill.components if _is_read(each)}
    missing = frozenset(ref for ref, each in wanted.items() if not store.has(each.hash))
    found = [each for ref, each in wanted.items() if ref not in missing]
    known = {each.ref: each for each in _read_all(found, store)}
    components = tuple(known.get(each.ref, each) for each in bill.components)
    return replace(bill, components=components), frozenset(known), missing


def _read_all(components: list[Component], store: Store) -> list[Component]:
    """Return components with their facts, from the cache or else from the verified packages."""
    facts = fact_cache.load()

    def read(component: Component) -> Component:
        path = store.verify(component.hash, component.file)
        return fact_cache.with_facts(component, facts) or _read(component, path)

    with stoppable_threads(VERIFIERS) as pool:
        found = list(pool.map(read, components))
    fact_cache.add(zip(components, found, strict=True), facts)
    return found


def _check_store(bill: Bill, store: Store) -> None:
    wanted = {each.hash: each.file for each in bill.components if _is_read(each)}
    missing = sorted(file for digest, file in wanted.items() if not store.has(digest))
    if missing:
        raise ExpectedError(
            f"{len(missing)} of {len(wanted)} packages are not in the store, such as {missing[0]}",
            f"run orbiter fetch --release {bill.release}",
        )


def _is_read(component: Component) -> bool:
    return component.manager in READERS and bool(component.hash)


def _read(component: Component, path: Path) -> Component:
    try:
        return READERS[component.manager](component, path)
    except (*UNREADABLE, LookupError, OSError) as error:
        reason = ascii(str(error))[1:-1]
        raise ExpectedError(f"{component.file} is not a package: {reason}") from None


def _read_deb(component: Component, path: Path) -> Component:
    from debian.arfile import ArError
    from debian.debfile import DebFile

    try:
        with DebFile(path) as archive:
            control = archive.debcontrol()
            field = str(control.get("Source", component.name))
            maintainer = str(control.get("Maintainer", ""))
            licences = licences_of(_copyright(checked(archive.data.tgz()), component.name))
    except ArError as error:
        raise ValueError(str(error)) from None
    source = parse_source(field, component.name, component.version)
    return replace(
        component,
        purl=with_qualifier(component.purl, "upstream", upstream(source, component.version)),
        source_package=" ".join(source),
        maintainer=" ".join(maintainer.split()),
        license=licences,
    )


def _copyright(tar: tarfile.TarFile, name: str) -> str:
    """Return the copyright file of a Debian package; empty if another package has it."""
    for member in tar:
        is_wanted = member.name.removeprefix("./") == f"usr/share/doc/{name}/copyright"
        if is_wanted and (content := _content(tar, member)):
            return content.read(MAX_SIZE + 1).decode("utf-8", "replace")
    return ""


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return tar.extractfile(member) if member.isfile() else None


def _read_python(component: Component, path: Path) -> Component:
    is_wheel = component.file.endswith(".whl")
    headers = _wheel_headers(path) if is_wheel else _sdist_headers(path)
    return replace(component, license=_python_license(headers))


def _wheel_headers(path: Path) -> Message:
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if name.count("/") == 1 and name.endswith(".dist-info/METADATA"):
                return _headers(wheel.read(name))
    raise ValueError("it has no METADATA")


def _sdist_headers(path: Path) -> Message:
    """Return the headers of an sdist; very old ones and folders of commits may have none."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found = (name for name in archive.namelist() if _is_package_info(name))
            return _headers(b"".join(map(archive.read, found)))
    with tarfile.open(path, tarinfo=CheckedTarInfo) as tar:
        for member in tar:
            if _is_package_info(member.name) and (content := tar.extractfile(member)):
                return _headers(content.read())
    return Message()


def _is_package_info(name: str) -> bool:
    return name.removeprefix("./").count("/") == 1 and name.endswith("/PKG-INFO")


def _headers(content: bytes) -> Message:
    return HeaderParser().parsestr(content.decode("utf-8", "replace"))


def _python_license(headers: Message) -> str:
    """Return the licence of a Python package: the expression, the short text, or classifiers."""
    if expression := headers.get("License-Expression"):
        return str(expression)
    names = list(_classified(headers))
    # Several classifiers may mean a choice or that all apply.
    if len(names) == 1 and names[0] in CLASSIFIERS.values():
        return names[0]
    text = " ".join(str(headers.get("License", "")).split())
    if text and text.upper() != "UNKNOWN" and len(text) <= MAX_LICENSE:
        return text
    return ", ".join(names)


def _classified(headers: Message) -> Iterator[str]:
    for classifier in headers.get_all("Classifier", ()):
        match = OSI.fullmatch(str(classifier).strip())
        if match and match["name"] != "OSI Approved":
            yield CLASSIFIERS.get(match["name"]) or match["name"]


class _CondaIndex(msgspec.Struct):
    license: str | None = None


def _read_conda(component: Component, path: Path) -> Component:
    if not component.file.endswith(".conda"):
        with path.open("rb") as file:
            return replace(component, license=_conda_license(file))
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("info-") and name.endswith(".tar.zst"):
                content = zstd.decompress(archive.read(name))
                return replace(component, license=_conda_license(io.BytesIO(content)))
    raise ValueError("it has no info")


def _conda_license(file: IO[bytes]) -> str:
    with tarfile.open(fileobj=file, mode="r:*", tarinfo=CheckedTarInfo) as tar:
        for member in tar:
            if member.name == "info/index.json" and (content := tar.extractfile(member)):
                index = msgspec.json.decode(content.read(), type=_CondaIndex)
                return index.license or ""
    raise ValueError("it has no info/index.json")


READERS: Mapping[str, Callable[[Component, Path], Component]] = {
    "apt": _read_deb,
    "conda": _read_conda,
    "pip": _read_python,
}
"""The managers whose locks lack facts. Those of apk and npm have licences."""
