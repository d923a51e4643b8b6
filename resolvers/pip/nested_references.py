"""Requirements with an address in the metadata of packages (``Requires-Dist: name @ https://…``).

An engine would download such a file without locking it. So images.toml must require the package by
the address, too; the requirement of the other package is then met by this file.
"""

import re
from collections.abc import Set

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from resolvers.errors import ExpectedError
from resolvers.redaction import redact

LINE = re.compile(rb"^Requires-Dist:([^\n]*@[^\n]*)$", re.IGNORECASE | re.MULTILINE)
FOLDED = re.compile(rb"\r?\n[ \t]+")


def without_addresses(metadata: bytes, direct: Set[str], package: str) -> bytes:
    """Return METADATA without the addresses of packages in ``direct`` (normalised names).

    ``package`` has the metadata. Raises ExpectedError for the address of any other package.
    """
    header, separator, description = metadata.partition(b"\n\n")
    if b"@" not in header:
        return metadata

    def without_address(match: "re.Match[bytes]") -> bytes:
        text = match[1].decode("utf-8", "replace").strip()
        return b"Requires-Dist: " + _without_address(text, direct, package).encode()

    return LINE.sub(without_address, FOLDED.sub(b" ", header)) + separator + description


def _without_address(text: str, direct: Set[str], package: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return text  # the engine decides what it means
    if not requirement.url:
        return text
    if canonicalize_name(requirement.name) not in direct:
        raise unlocked_address(requirement.name, requirement.url, package)
    requirement.url = None
    return str(requirement)


def unlocked_address(name: str, url: str, package: str) -> ExpectedError:
    """Return the error for the address of a package that images.toml does not have."""
    address = redact(url)
    return ExpectedError(
        f"{package} requires '{name}' from {address}, which images.toml does not name",
        f'add "{name} @ {address}" to the pip list of the stage',
    )
