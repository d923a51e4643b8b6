"""Programs and libraries without their debug symbols: everything that is loaded stays.

Format: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

import math
import struct
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from orbiter.audit.claims import Claim
from orbiter.audit.locked import LockedPackage
from orbiter.audit.packages.conda import read_conda_files
from orbiter.audit.packages.npm import read_npm_files
from orbiter.audit.packages.wheel import read_wheel_files
from orbiter.audit.result import Judgement
from orbiter.audit.scene import Pending, Scene, attribute_problem, changed, explained
from resolvers import cache

ReadFiles = Callable[[Path, Collection[str]], Iterator[tuple[str, bytes]]]
"""Yields the names and the contents of some files of a package."""
READERS: Mapping[str, ReadFiles] = {
    "conda": read_conda_files,
    "npm": read_npm_files,
    "pip": read_wheel_files,
}
"""The managers of /opt/env, the only folder in which a build strips programs."""
MAGIC = b"\x7fELF\x02\x01"
"""ELF files for 64 bits, the lowest byte first."""
HEADER = 64
HEADER_SECTIONS = (slice(40, 48), slice(58, 64))
"""The fields of the header that say where sections are; strip changes them."""
NOBITS, SYMTAB = 8, 2
TABLES = (b".symtab", b".strtab", b".shstrtab")
SYMBOL = 24


class _Segment(NamedTuple):
    offset: int
    size: int
    facts: tuple[int, ...]


class _Section(NamedTuple):
    name: bytes
    kind: int
    offset: int
    size: int
    link: int


def stripped(scene: Scene, pending: Pending) -> Iterator[Judgement]:
    """Compare changed programs with those of their packages, except for debug symbols."""
    claims = dict(_programs(scene, pending))
    differences = _differences(scene, claims)
    for path, claim in claims.items():
        owner = (claim.file.uid, claim.file.gid)
        problem = attribute_problem(scene.tree[path], "file", claim.file.mode, owner)
        problem = problem or differences[path]
        yield changed(path, problem, claim.owner) if problem else explained(path, claim.owner)


def _programs(scene: Scene, pending: Pending) -> Iterator[tuple[str, Claim]]:
    """Yield the paths of programs that differ from those of all packages, with a claim."""
    for path, reason in pending.items():
        entry = scene.tree.get(path)
        claims = scene.claims.by_path.get(path, ())
        if not reason or not claims or entry is None or entry.content is None:
            continue
        if any(claim.file.digest == entry.content.digest for claim in claims):
            continue
        if entry.content.read(len(MAGIC)) == MAGIC:
            yield path, claims[0]


def _differences(scene: Scene, claims: Mapping[str, Claim]) -> dict[str, str]:
    """Return how programs differ from those of packages, "" if only debug symbols are missing.

    Decompressing a package takes long, so each one is read once.
    """
    found = {path: "" for path, claim in claims.items() if _known(scene, path, claim).exists()}
    packages: dict[LockedPackage, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in claims.keys() - found.keys():
        if package := _package(scene, claims[path]):
            packages[package][claims[path].source].append(path)
    for package, paths in packages.items():
        archive = scene.store.verify(package.file.hash)
        for source, original in READERS[package.manager](archive, paths):
            for path in paths[source]:
                found[path] = difference(original, scene.read(path))
                if not found[path]:
                    cache.write(_known(scene, path, claims[path]), b"")
    return {path: found.get(path, "its content differs") for path in claims}


def _known(scene: Scene, path: str, claim: Claim) -> Path:
    """Return the file of the cache that exists if a program was compared before."""
    content = scene.tree[path].content
    digest = content.digest if content else ""
    return cache.folder("audit", "stripped-2") / f"{claim.file.digest}-{digest}"


def _package(scene: Scene, claim: Claim) -> LockedPackage | None:
    """Return the package of a file; npm may have installed several versions of it."""
    for each in scene.claims.packages.values():
        package, file = each.package, each.contents.files.get(claim.source)
        is_known = package.manager in READERS and file and file.digest == claim.file.digest
        if package.owner == claim.owner and is_known:
            return package
    return None


def difference(original: bytes, found: bytes) -> str:
    """Return how a program differs from the original one, "" if only debug symbols are missing."""
    try:
        return _first_difference(original, found)
    except (struct.error, LookupError, ValueError):
        return "it is not an ELF file with sections"


def _first_difference(original: bytes, found: bytes) -> str:
    if _header(original) != _header(found):
        return "its header differs from that of the package's file"
    sections, kept = _sections(original), _sections(found)
    if [each.facts for each in _segments(original)] != [each.facts for each in _segments(found)]:
        return "other parts of it are loaded than of the package's file"
    for before, now in zip(_segments(original), _segments(found), strict=True):
        if _loaded(original, before) != _loaded(found, now):
            return "its code or data differs from that of the package's file"
    for name, section in kept.items():
        if name in TABLES or section.kind == NOBITS:
            continue
        if name not in sections or _content(original, sections[name]) != _content(found, section):
            return f"its section {name.decode(errors='replace')!a} differs"
    if _rest(found, kept.values()).strip(b"\0"):
        return "it has other bytes between its sections"
    return _symbol_difference(original, sections, found, kept)


def _rest(program: bytes, sections: Iterable[_Section]) -> bytes:
    """Return a program with zeros for all known parts. strip writes only zeros between them."""
    rest = bytearray(program)
    tables = (struct.unpack_from("<Q", program, at)[0] for at in (32, 40))
    sizes = (math.prod(struct.unpack_from("<HH", program, at)) for at in (54, 58))
    parts = [(0, HEADER), *zip(tables, sizes, strict=True)]
    parts += [(each.offset, each.size) for each in _segments(program)]
    parts += [(each.offset, each.size) for each in sections if each.kind != NOBITS]
    for start, size in parts:
        known = slice(start, start + size)
        rest[known] = bytes(len(rest[known]))
    return bytes(rest)


def _header(program: bytes) -> bytes:
    header = bytearray(program[:HEADER])
    for fields in HEADER_SECTIONS:
        header[fields] = bytes(fields.stop - fields.start)
    return bytes(header)


def _segments(program: bytes) -> list[_Segment]:
    """Return the parts of a program that are loaded, or that describe it."""
    (start,) = struct.unpack_from("<Q", program, 32)
    size, number = struct.unpack_from("<HH", program, 54)
    raw = [struct.unpack_from("<IIQQQQQQ", program, start + at * size) for at in range(number)]
    return [_Segment(each[2], each[5], (*each[:2], *each[3:])) for each in raw]


def _loaded(program: bytes, segment: _Segment) -> bytes:
    """Return the bytes of a part, without the headers of the file, which say where parts are."""
    content = bytearray(program[segment.offset : segment.offset + segment.size])
    (table,) = struct.unpack_from("<Q", program, 32)
    size, number = struct.unpack_from("<HH", program, 54)
    for start, end in ((0, HEADER), (table, table + size * number)):
        first, last = (max(0, at - segment.offset) for at in (start, end))
        if first < len(content):
            length = min(last, len(content)) - first
            content[first : first + length] = bytes(length)
    return bytes(content)


def _sections(program: bytes) -> dict[bytes, _Section]:
    (start,) = struct.unpack_from("<Q", program, 40)
    size, number, names = struct.unpack_from("<HHH", program, 58)
    raw = [struct.unpack_from("<IIQQQQII", program, start + at * size) for at in range(number)]
    table = raw[names][4]
    found = {}
    for name, kind, _, _, offset, length, link, _ in raw[1:]:
        end = program.index(b"\0", table + name)
        text = program[table + name : end]
        found[text] = _Section(text, kind, offset, length, link)
    return found


def _content(program: bytes, section: _Section) -> bytes:
    return program[section.offset : section.offset + section.size]


def _symbol_difference(
    original: bytes,
    sections: Mapping[bytes, _Section],
    found: bytes,
    kept: Mapping[bytes, _Section],
) -> str:
    """Return whether the table of symbols has one that the original lacks."""
    if b".symtab" not in kept:
        return ""
    known = set(_symbols(original, sections)) if b".symtab" in sections else set()
    unknown = [symbol for symbol in _symbols(found, kept) if symbol not in known]
    return "its table of symbols differs" if unknown else ""


def _symbols(program: bytes, sections: Mapping[bytes, _Section]) -> Iterator[tuple[object, ...]]:
    """Yield the name, the kind and the value of each symbol with a name."""
    names = _content(program, sections[b".strtab"])
    for name, info, other, _, value, size in struct.iter_unpack(
        "<IBBHQQ", _content(program, sections[b".symtab"])
    ):
        if name:
            yield names[name : names.index(b"\0", name)], info, other, value, size
