"""The rules of ``orbiter lint``: their ids, severities and descriptions.

Ids are part of people's CI settings, so they never change.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""All severities, the most important first."""


class Rule(msgspec.Struct, frozen=True):
    """A rule; its findings cannot be ignored if they leave a file without further checks."""

    id: str
    severity: Severity
    summary: str
    can_be_ignored: bool = True


_RULES = (
    Rule("merge-marker", "error", "an unresolved merge conflict", can_be_ignored=False),
    Rule("damaged-file", "error", "a lock file that cannot be read", can_be_ignored=False),
    Rule("invisible-character", "error", "a character that editors do not show"),
    Rule("non-ascii-name", "warning", "a name or an address with letters outside ASCII"),
    Rule("credentials", "error", "a user name or a password in an address"),
    Rule("token", "error", "an access token in an address"),
    Rule("secret", "error", "a secret in another place, such as a comment"),
    Rule("insecure-address", "error", "an address without encryption, such as http://"),
    Rule("no-certificate-check", "error", "an option that turns off the check of certificates"),
    Rule("host-not-allowed", "error", "a host that no --allow-host lists"),
    Rule("private-host", "warning", "a host that only some networks know"),
    Rule("unusual-host", "warning", "a package from another host than almost all others"),
    Rule("index-option", "warning", "an option that adds or replaces an index"),
    Rule("no-hash", "error", "a package without a hash"),
    Rule("weak-hash", "warning", "a package with only an md5 or a sha1"),
    Rule("git-without-commit", "error", "a git source without the hash of a commit"),
    Rule("not-pinned", "error", "a requirement without an exact version"),
    Rule("entry-mismatch", "error", "an entry with the file of another package or version"),
    Rule("platform-mismatch", "error", "an entry with the file of another platform"),
    Rule("malicious-version", "error", "a version that is known as malicious"),
    Rule("look-alike-name", "warning", "an unknown name that looks like a widely used one"),
    Rule("install-script", "note", "a package that runs a script when it is installed"),
    Rule("sdist-only", "note", "a Python package without a wheel, whose build runs its code"),
)
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}
"""All rules by id, in the order in which reports list them."""
