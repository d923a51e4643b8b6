"""The public keys of package repositories: files below the folder of images.toml."""

import re
from pathlib import Path, PurePosixPath

from orbiter.config.image_set import RepositoryFile
from orbiter.config.mistakes import Mistakes
from orbiter.config.own_files import FileMistakeError, SmallFile, relative_path, small_file
from orbiter.config.repository_keys import KEY_NAME

ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
PRIVATE = b"PRIVATE KEY"
PEM = re.compile(
    rb"\s*-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*"
)
PRIVATE_TAG, PUBLIC_TAG = 5, 6
"""The kinds of the first packet of an OpenPGP key (RFC 9580, section 5)."""
EXPORT = "export the public key: gpg --armor --export KEY > FILE"


def openpgp_key(source: str, path: str, root: Path, mistakes: Mistakes) -> RepositoryFile | None:
    """Return the OpenPGP public key in a file; add a mistake at ``path`` if there is none."""
    found = _key_file(source, path, root, mistakes)
    if found is None:
        return None
    file, content = found
    if PRIVATE in content or _first_tag(content) == PRIVATE_TAG:
        mistakes.add(path, "contains a private key", hint=f"never commit it; {EXPORT}")
    elif ARMOR not in content and _first_tag(content) != PUBLIC_TAG:
        mistakes.add(path, "is not an OpenPGP public key", hint=EXPORT)
    return file


def rsa_key(source: str, path: str, root: Path, mistakes: Mistakes) -> RepositoryFile | None:
    """Return the RSA public key of apk in a file; add a mistake at ``path`` if there is none."""
    found = _key_file(source, path, root, mistakes)
    if found is None:
        return None
    file, content = found
    if PRIVATE in content:
        hint = "never commit it; use the key that abuild-keygen wrote with the suffix .pub"
        mistakes.add(path, "contains a private key", hint=hint)
    elif not PEM.fullmatch(content):
        hint = "use the key that abuild-keygen wrote with the suffix .pub"
        mistakes.add(path, "is not a public key of apk", hint=hint)
    elif not re.fullmatch(KEY_NAME, PurePosixPath(source).name):
        hint = "give it the name that its signer uses, as in lab-1234.rsa.pub"
        mistakes.add(path, "has an unusual file name", hint=hint)
    return file


def _key_file(source: str, path: str, root: Path, mistakes: Mistakes) -> SmallFile | None:
    try:
        return small_file(relative_path(source), root, "name a file with one public key")
    except FileMistakeError as error:
        mistakes.add(path, error.problem, hint=error.hint)
        return None


def _first_tag(content: bytes) -> int:
    """Return the kind of the first packet of a binary OpenPGP file, or 0."""
    if not content or not content[0] & 0x80:
        return 0
    first = content[0]
    is_new_format = first & 0x40
    return first & 0x3F if is_new_format else (first & 0x3C) >> 2
