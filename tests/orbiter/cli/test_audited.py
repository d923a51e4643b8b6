"""The gate of audits, as text and as JSON."""

import pytest

from orbiter.audit.result import Audit, Judgement
from orbiter.cli.audited import exit_if_rejected
from orbiter.cli.results import PushResult
from orbiter.lockset import folder
from orbiter.release.audited import AuditCheck
from tests.support.json_output import read_document
from tests.support.paths import ROOT


def check_of(*findings: Judgement) -> AuditCheck:
    lock_set = folder.read(ROOT / "locks" / "0.2.0")
    check = AuditCheck(lock_set, lambda _title: lambda _line: None)
    result = Audit(
        image="a/b:debian-core-0.2.0",
        digest="sha256:1",
        config_digest="sha256:2",
        platform="linux/amd64",
        method="files",
        stage="debian-core",
        findings=findings,
    )
    check.results = (result,)
    return check


REFUSED = PushResult(release="0.2.0", accepted=False, images=())
UNKNOWN = Judgement(path="etc/backdoor", verdict="unknown")


def test_an_accepted_image_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    exit_if_rejected(check_of(), "nothing was pushed", REFUSED)
    assert capsys.readouterr() == ("", "")


def test_a_rejected_image_is_text_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_if_rejected(check_of(UNKNOWN), "nothing was pushed")
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert "etc/backdoor" in shown.out
    assert "has findings: nothing was pushed" in shown.err


def test_with_json_stdout_has_the_document_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_if_rejected(check_of(UNKNOWN), "nothing was pushed", REFUSED)
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert read_document("push", shown.out)["accepted"] is False
    assert "etc/backdoor" in shown.err
