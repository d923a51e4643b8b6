"""Addresses of npm packages that do not come from a registry. Pure.

``npm help package-spec`` describes them. A lock set may come from anybody, so these patterns also
check the addresses in its locks.
"""

import re
from typing import NamedTuple

URL = "url:"
"""Start of the source of a tarball with an address of its own."""
HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
"""Hosts of npm's shorthands, such as ``github:user/repository``."""
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?"
_PATH = r"(?:/[A-Za-z0-9._~+%@-]+)+"
_TARBALL = re.compile(rf"https?://{_HOST}{_PATH}")
_REFERENCE = r"(?P<reference>[A-Za-z0-9_][A-Za-z0-9._/+-]*)"
# The user of ssh is a login name, which is not a secret.
_GIT = re.compile(
    rf"git\+(?P<repository>(?:https?://|ssh://(?:[a-z_][a-z0-9_-]*@)?){_HOST}{_PATH})"
    rf"(?:#{_REFERENCE})?"
)
_SHORTHAND = re.compile(
    rf"(?P<host>{'|'.join(HOSTS)}):(?P<path>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)(?:#{_REFERENCE})?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitAddress(NamedTuple):
    """A repository, and a tag, branch or commit in it; an empty one is the default branch."""

    repository: str
    reference: str = ""

    def __str__(self) -> str:
        """Return the address as npm writes it."""
        return f"git+{self.repository}" + (f"#{self.reference}" if self.reference else "")


def is_address(text: str) -> bool:
    """Return whether what package.json requires is an address, valid or not, instead of a range."""
    schemes = ("https:", "http:", "git+", *(f"{host}:" for host in HOSTS))
    return text.startswith(schemes)


def is_tarball(text: str) -> bool:
    """Return whether a text is the address of a tarball: http or https, and no credentials."""
    return _TARBALL.fullmatch(text) is not None


def git_address(text: str) -> GitAddress | None:
    """Return the repository and the reference of an address; None for any other text."""
    if shorthand := _SHORTHAND.fullmatch(text):
        path = shorthand["path"].removesuffix(".git")
        repository = f"https://{HOSTS[shorthand['host']]}/{path}.git"
        return GitAddress(repository, shorthand["reference"] or "")
    if match := _GIT.fullmatch(text):
        return GitAddress(match["repository"], match["reference"] or "")
    return None


def git_commit(text: str) -> GitAddress | None:
    """Return the repository and the commit of an address in a lock; None for any other text."""
    address = git_address(text)
    if address is None or str(address) != text or not _COMMIT.fullmatch(address.reference):
        return None
    return address


def source_of(resolved: str) -> str:
    """Return the source of a package that a lock resolved to an address; "" for any other text."""
    if git_commit(resolved):
        return resolved
    return URL + resolved if is_tarball(resolved) else ""
