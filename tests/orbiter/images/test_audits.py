"""Recorded audits: by image, lock set and stage; the last one counts."""

from orbiter.images.audits import FOLDER, AuditedStage, count_findings, record_audit
from resolvers import cache

BASE = AuditedStage(root="sha256:a", name="debian-base")
IDS = ("sha256:1", "sha256:2")


def test_an_audit_is_found_by_every_digest_of_the_image() -> None:
    record_audit((*IDS, ""), BASE, 2)
    assert [count_findings((each,), BASE) for each in IDS] == [2, 2]
    assert count_findings(("sha256:3", "sha256:2"), BASE) == 2
    record_audit(IDS, BASE, 0)
    assert count_findings(IDS, BASE) == 0


def test_another_image_lock_set_or_stage_was_not_audited() -> None:
    record_audit(("", *IDS), BASE, 0)
    assert count_findings(("sha256:3",), BASE) is None
    assert count_findings(("",), BASE) is None
    assert count_findings(IDS, AuditedStage(root="sha256:b", name="debian-base")) is None
    assert count_findings(IDS, AuditedStage(root="sha256:a", name="debian-core")) is None


def test_a_damaged_record_is_none() -> None:
    record_audit(IDS, BASE, 0)
    for path in cache.folder(FOLDER).iterdir():
        path.write_text("{", encoding="utf-8")
    assert count_findings(IDS, BASE) is None
