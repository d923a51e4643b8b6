"""The text of ``orbiter doctor``."""

import pytest

from orbiter.doctor.result import CheckResult, Diagnosis
from orbiter.report.doctor_text import check_texts, summary

URL = "https://index.example/a/long/path/to/the/simple/pages/attrs/"
DIAGNOSIS = Diagnosis(
    release="0.1.0",
    checks=(
        CheckResult(name="buildx", state="ok", detail="version 0.13.1"),
        CheckResult(name="pip index", state="ok", detail="files: 2", address="https://a.example/"),
        CheckResult(
            name="pip index",
            state="failed",
            detail="the name of the server does not resolve: Name or service not known",
            address=URL,
            origin="PIP_INDEX_URL",
            proxy="http://proxy.example:3128",
            hint="correct the address, or name the proxy of your network in HTTPS_PROXY",
        ),
        CheckResult(name="archive", state="skipped", detail="\x1b[2J none"),
    ),
)


def shown(width: int) -> list[str]:
    lines = [
        line
        for state, text in check_texts(DIAGNOSIS, width)
        for line in f"{state:9}{text}".splitlines()
    ]
    return [*lines, summary(DIAGNOSIS)]


def test_one_entry_for_each_check() -> None:
    assert shown(80) == [
        "ok       buildx: version 0.13.1",
        "ok       pip index: files: 2 (https://a.example/)",
        "failed   pip index: the name of the server does not resolve: Name or service not",
        "         known",
        f"         {URL}, set by",
        "         PIP_INDEX_URL, through the proxy http://proxy.example:3128",
        "         hint: correct the address, or name the proxy of your network in",
        "         HTTPS_PROXY",
        "skipped  archive: �[2J none",
        "4 checks: 2 ok, 1 failed, 1 skipped",
    ]


def test_the_summary_counts_warnings() -> None:
    unclear = CheckResult(name="push", state="warning", detail="no login")
    assert summary(Diagnosis(release="", checks=(unclear,))) == "1 check: 1 warning"
    assert summary(Diagnosis(release="", checks=(unclear, unclear))) == "2 checks: 2 warnings"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_text_fits_except_addresses(width: int) -> None:
    lines = shown(width)
    assert any(URL in line for line in lines)  # nobody can copy an address from two lines
    assert [line for line in lines if len(line) > width and len(line.split()) > 2] == []
