"""The result of an audit. Every path of the image has one verdict."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from orbiter.documents import Document

Verdict = Literal["equal", "explained", "recorded", "changed", "missing", "unknown", "undecided"]
FAULTS: tuple[Verdict, ...] = ("changed", "missing", "unknown", "undecided")
"""The verdicts that are findings, the most serious first."""
VERDICTS: Mapping[Verdict, str] = {
    "equal": "equal to the file of its package",
    "explained": "made by a known rule, with the content that the rule gives",
    "recorded": "in a layer that equals the record of the release",
    "changed": "not as its package or its rule has it",
    "missing": "part of a package, but not in the image",
    "unknown": "of no package and no rule",
    "undecided": "cannot be checked on this machine",
}
"""The meaning of each verdict."""

Method = Literal["record", "files", "list"]
"""The way of the audit: by the record of a release, file by file, or without a lock set."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The verdict on one path.

    ``path`` may also be a part of the configuration or a layer: see ``kind``. ``owner`` is a
    package such as ``apt:libc6``, ``rule`` the id of a rule. ``reason`` is for people.
    """

    kind: Literal["file", "configuration", "layer"] = "file"
    path: str
    verdict: Verdict
    owner: str = ""
    rule: str = ""
    reason: str = ""


class PackageCount(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The number of files and links of a package in the image."""

    package: str
    version: str = ""
    files: int


class Audit(Document, frozen=True, kw_only=True):
    """The result for one image.

    ``root`` is the root digest of the lock set, "" without one. ``entries`` is the number of paths
    in the image, 0 if they were not read. ``counts`` are by verdict, ``rules`` by the id of the
    rule. ``unowned`` are the files of no package, if there is no lock set. ``notes`` are lines of
    text.
    """

    image: str
    digest: str
    config_digest: str
    platform: str
    method: Method
    release: str = ""
    stage: str = ""
    root: str = ""
    entries: int = 0
    counts: Mapping[str, int] = {}
    rules: Mapping[str, int] = {}
    findings: tuple[Judgement, ...] = ()
    packages: tuple[PackageCount, ...] = ()
    unowned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
