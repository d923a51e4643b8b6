"""Recorded results of audits on this machine: how many findings an image had.

``orbiter status`` shows them. Nothing else relies on them: a lost record only means that an image
counts as not audited.
"""

from collections.abc import Iterable

import msgspec

from orbiter import __version__
from orbiter.oci.registry import sha256
from resolvers import cache

FOLDER = "audits"


class AuditedStage(msgspec.Struct, frozen=True, kw_only=True):
    """The stage of a lock set that an image was compared with; ``root`` is its root digest."""

    root: str
    name: str


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    findings: int


def record_audit(ids: Iterable[str], stage: AuditedStage, findings: int) -> None:
    """Record the number of findings of an image.

    ``ids`` are its digests: the image stores of engines name images in different ways.
    """
    content = msgspec.json.encode(_Outcome(findings=findings))
    for each in {*ids} - {""}:
        cache.write(cache.folder(FOLDER) / _name(each, stage), content)


def count_findings(ids: Iterable[str], stage: AuditedStage) -> int | None:
    """Return the number of findings of the last audit; None if there was no audit."""
    for each in ids:
        path = cache.folder(FOLDER) / _name(each, stage)
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Outcome).findings
        except (OSError, msgspec.DecodeError):
            continue
    return None


def _name(image_id: str, stage: AuditedStage) -> str:
    """Return the name of a record: the hash of everything that the result depends on."""
    # Another version of Orbiter may have other rules.
    key = msgspec.json.encode((image_id, stage, __version__))
    return f"{sha256(key).partition(':')[2]}.json"
