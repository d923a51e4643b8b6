"""The rules in the order in which they are asked, and what people read about them.

``docs/reference/audit.md`` lists them. Ids never change.
"""

import msgspec

from orbiter.audit.rules import (
    accounts,
    apk,
    base,
    conda,
    configs,
    dpkg,
    environment,
    generated,
    npm,
    orbiter,
    scripts,
    stripped,
    trimmed,
)
from orbiter.audit.scene import Rule


class KnownRule(msgspec.Struct, frozen=True):
    """A rule: its id, its check, and what it explains."""

    id: str
    check: Rule
    text: str


RULES = (
    KnownRule("replaced", base.replaced, "files of the base image that a locked package replaces"),
    KnownRule(
        "own-file", orbiter.own_files, "own files and downloads, by their hash in the lock set"
    ),
    KnownRule("step", orbiter.written, "files whose text is in a Dockerfile, and packages.json"),
    KnownRule("home", orbiter.home, "the home folder of the notebook user, a copy of /etc/skel"),
    KnownRule("venv", environment.virtual_environment, "the virtual environment that uv makes"),
    KnownRule("user", accounts.accounts, "users and groups, and the accounts of packages"),
    KnownRule("apk-database", apk.database, "apk's list of packages, their scripts and triggers"),
    KnownRule("apk-world", apk.world, "apk's requirements"),
    KnownRule("dpkg-info", dpkg.info, "control files and file lists in dpkg's database"),
    KnownRule("dpkg-status", dpkg.status, "dpkg's list of installed packages, field by field"),
    KnownRule("dpkg-exclude", dpkg.excluded, "documentation that dpkg leaves out"),
    KnownRule("dpkg-state", dpkg.state, "small files of dpkg and apt"),
    KnownRule("dpkg-trigger", dpkg.triggers, "triggers of packages"),
    KnownRule("alternative", dpkg.alternatives, "alternatives and their links"),
    KnownRule("debconf", configs.debconf, "questions of packages and their answers"),
    KnownRule("pam", configs.pam, "PAM's configuration, composed from the profiles of packages"),
    KnownRule("certificates", configs.certificate_list, "the list of certificates to use"),
    KnownRule("shells", configs.shells, "the list of login shells"),
    KnownRule("mirrors", scripts.sources, "the list of Debian mirrors, from an example in apt"),
    KnownRule("unit", scripts.units, "links that enable units of systemd"),
    KnownRule("script-mode", scripts.permissions, "files whose mode a package's script sets"),
    KnownRule("script-copy", scripts.copies, "copies that a package's script makes of its files"),
    KnownRule("script-text", scripts.texts, "files whose content is in a package's script"),
    KnownRule("script-empty", scripts.empty, "empty files that a package's script names"),
    KnownRule("script-link", scripts.links, "links that a package's script names"),
    KnownRule("launcher", environment.launchers, "programs for the entry points of wheels"),
    KnownRule("record", environment.records, "records of installed wheels"),
    KnownRule("conda-launcher", conda.launchers, "programs for the entry points of conda packages"),
    KnownRule("conda-code", conda.byte_code, "byte-code of conda packages without times"),
    KnownRule("conda-record", conda.records, "records of conda packages"),
    KnownRule("conda-tidy", conda.removed, "static libraries and byte-code that the build removes"),
    KnownRule("npm-project", npm.project, "package.json of /opt/env/lib/npm"),
    KnownRule("npm-lock", npm.hidden_lock, "npm's list of installed packages"),
    KnownRule("npm-link", npm.links, "links to programs of npm packages"),
    KnownRule("stripped", stripped.stripped, "programs without debug symbols"),
    KnownRule("trim", trimmed.trimmed, "files that the rules of trim remove"),
    KnownRule("generated", generated.generated, "files that programs of packages make again"),
    KnownRule("folder", orbiter.folders, "folders above other files"),
    KnownRule("script-folder", scripts.folders, "folders that a package's script names"),
)
