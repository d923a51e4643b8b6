"""The states of images by their audits, for a real release and before one."""

from orbiter.images.audits import AuditedStage, record_audit
from orbiter.lockset import folder, record
from orbiter.query.audited import audit_state
from tests.support.paths import ROOT

LOCKED = folder.read(ROOT / "locks" / "0.2.0")
DIGESTS = record.read(ROOT / "locks" / "0.2.0", LOCKED).digests
STAGE = AuditedStage(root=LOCKED.root, name="debian-base")


def state(engine_id: str = "", *, released: bool = True) -> str:
    return audit_state("debian-base", LOCKED, DIGESTS if released else None, engine_id)


def test_a_released_image_is_audited_if_all_of_its_platforms_are() -> None:
    assert state() == "not audited"
    first, *others = DIGESTS.stages["debian-base"].values()
    record_audit((first.digest,), STAGE, 0)
    assert state() == ("not audited" if others else "audited")
    for image in others:
        record_audit((image.config,), STAGE, 0)
    assert state() == "audited"
    record_audit((first.digest, first.config), STAGE, 3)
    assert state() == "findings"


def test_before_the_release_the_image_of_the_engine_counts() -> None:
    assert state("sha256:1", released=False) == "not audited"
    record_audit(("sha256:1",), STAGE, 0)
    assert state("sha256:1", released=False) == "audited"
    assert state("", released=False) == "not audited"
    assert audit_state("debian-base", None, None, "sha256:1") == "not audited"
