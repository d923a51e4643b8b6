"""Licences in the copyright file of a Debian package, as an SPDX expression. Pure.

Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
"""

import re
from collections.abc import Iterator

from orbiter.sbom.licenses import spdx_expression

FORMAT = "format:"
MAX_SIZE = 4_000_000
"""The largest file that is read, in bytes."""
GNU = re.compile(
    r"(?P<name>[AL]?GPL)-?v?(?P<version>[0-9](?:\.[0-9])?)(?P<later>\+?)", re.IGNORECASE
)
GFDL = re.compile(r"GFDL-NIV-(?P<version>[0-9]\.[0-9])(?P<later>\+?)", re.IGNORECASE)
NAMES = {
    "artistic": "Artistic-1.0",
    "artistic-1": "Artistic-1.0",
    "artistic-2": "Artistic-2.0",
    "apache-2": "Apache-2.0",
    "boost": "BSL-1.0",
    "bzip": "bzip2-1.0.6",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "python": "Python-2.0",
}
"""Short names that SPDX has under another one. Names without a certain meaning are missing."""
EXCEPTION = re.compile(
    r"(?P<licence>\S{1,40}?)[\s-]with[\s-](?P<name>.{1,40})[\s-]exception", re.IGNORECASE
)
EXCEPTIONS = {
    "autoconf": "Autoconf-exception-generic",
    "autoconf generic": "Autoconf-exception-generic",
    "autoconf-data": "Autoconf-exception-generic",
    "bison": "Bison-exception-2.2",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "libtool": "Libtool-exception",
}
COMMA_AND = re.compile(r",\s+and\s+", re.IGNORECASE)
OR = re.compile(r",?\s+or\s+", re.IGNORECASE)
AND = re.compile(r"\s+and\s+", re.IGNORECASE)
NOT_ALLOWED = re.compile(r"[^A-Za-z0-9.]+")


def licences_of(text: str) -> str:
    """Return all licences of the files of the source package, joined by AND.

    Names that SPDX does not have become ``LicenseRef-<name>``. Return "" for a file of another
    format.
    """
    if len(text) > MAX_SIZE or not text.lstrip().lower().startswith(FORMAT):
        return ""
    parts = {part for synopsis in _synopses(text) for part in _parts(synopsis)}
    if len(parts) == 1:
        return spdx_expression(*parts, own=True)
    return spdx_expression(" AND ".join(map(_bracketed, sorted(parts))), own=True)


def _synopses(text: str) -> Iterator[str]:
    """Yield the short licence of each paragraph about files."""
    from debian.deb822 import Deb822

    for paragraph in Deb822.iter_paragraphs(text, use_apt_pkg=False):
        if "Files" in paragraph and (licence := paragraph.get("License", "").strip()):
            # The patterns need quadratic time for long white space.
            yield " ".join(licence.partition("\n")[0].split())


def _parts(synopsis: str) -> Iterator[str]:
    """Yield the parts that all apply: identifiers, and choices between several."""
    for part in COMMA_AND.split(synopsis):
        choices = [_all(choice) for choice in OR.split(part)]
        if len(choices) > 1:
            yield " OR ".join(" AND ".join(names) for names in choices)
        else:
            yield from choices[0]


def _all(text: str) -> list[str]:
    return [_identifier(name.strip(" ,")) for name in AND.split(text)]


def _bracketed(part: str) -> str:
    return f"({part})" if " OR " in part else part


def _identifier(name: str) -> str:
    if match := GNU.fullmatch(name):
        version = match["version"] if "." in match["version"] else f"{match['version']}.0"
        return f"{match['name'].upper()}-{version}-{'or-later' if match['later'] else 'only'}"
    if match := GFDL.fullmatch(name):
        later = "or-later" if match["later"] else "only"
        return f"GFDL-{match['version']}-no-invariants-{later}"
    if match := EXCEPTION.fullmatch(name):
        licence, exception = _identifier(match["licence"]), EXCEPTIONS.get(match["name"].lower())
        if exception and spdx_expression(licence):
            return f"{licence} WITH {exception}"
    known = NAMES.get(name.lower(), name)
    return spdx_expression(known) or f"LicenseRef-{NOT_ALLOWED.sub('-', name).strip('-')}"
