"""The states of images by the audits that were made on this machine."""

from collections.abc import Iterable
from typing import Literal

from orbiter.images.audits import AuditedStage, count_findings
from orbiter.lockset.model import LockSet
from orbiter.lockset.record import Digests

AuditState = Literal["audited", "findings", "not audited"]
"""``findings``: the last audit of the image, for any platform, had findings."""


def audit_state(
    name: str, lock_set: LockSet | None, digests: Digests | None, engine_id: str
) -> AuditState:
    """Return the state of the image of a stage; ``engine_id`` is its id in the engine, or "".

    A released image was audited if all of its platforms were; before the release, the image in the
    engine counts.
    """
    if lock_set is None:
        return "not audited"
    stage = AuditedStage(root=lock_set.root, name=name)
    recorded = digests.stages.get(name, {}).values() if digests else ()
    platforms = [{each.digest, each.config} for each in recorded] or [{engine_id}]
    return _state(count_findings(ids, stage) for ids in platforms)


def _state(findings: Iterable[int | None]) -> AuditState:
    counts = [*findings]
    if any(counts):
        return "findings"
    return "not audited" if None in counts else "audited"
