"""The public keys of package repositories: files below the folder of images.toml."""

from pathlib import Path

from orbiter.config.image_set import RepositoryFile
from orbiter.config.mistakes import Mistakes
from orbiter.config.own_files import SMALL, source_file

ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
PRIVATE = b"PRIVATE KEY"
PRIVATE_TAG, PUBLIC_TAG = 5, 6
"""The kinds of the first packet of an OpenPGP key (RFC 9580, section 5)."""
EXPORT = "export the public key: gpg --armor --export KEY > FILE"


def key_file(source: str, path: str, root: Path, mistakes: Mistakes) -> RepositoryFile | None:
    """Return the OpenPGP public key in a file; add a mistake at ``path`` if there is none."""
    file = source_file(source, path, root, mistakes)
    if file is None:
        return None
    if file.size > SMALL:
        mistakes.add(path, f"is larger than {SMALL} bytes", hint=EXPORT)
        return None
    content = (root / file.source).read_bytes()
    if PRIVATE in content or _first_tag(content) == PRIVATE_TAG:
        mistakes.add(path, "contains a private key", hint=f"never commit it; {EXPORT}")
    elif ARMOR not in content and _first_tag(content) != PUBLIC_TAG:
        mistakes.add(path, "is not an OpenPGP public key", hint=EXPORT)
    return file


def _first_tag(content: bytes) -> int:
    """Return the kind of the first packet of a binary OpenPGP file, or 0."""
    first = content[0] if content else 0
    if not first & 0x80:
        return 0
    is_new_format = first & 0x40
    return first & 0x3F if is_new_format else (first & 0x3C) >> 2
