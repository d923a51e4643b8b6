"""``orbiter log`` over the real lock sets of this repository."""

import subprocess
import sys

from tests.support.json_output import read_document
from tests.support.paths import ROOT


def log(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", "log", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_text_and_json_have_the_same_events() -> None:
    text = log("numpy").stdout
    events = read_document("log", log("numpy", "--format", "json").stdout)["events"]
    assert events
    for event in events:
        assert event["name"] == "numpy"
        row = next(line for line in text.splitlines() if f" {event['release']} " in line)
        assert all(version in row for version in (event["kind"], *event["old"], *event["new"]))


def test_an_unknown_package_is_an_error_without_a_document() -> None:
    done = log("nupmy", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "package 'nupmy' not found" in done.stderr
