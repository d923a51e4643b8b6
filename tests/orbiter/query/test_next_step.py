"""The next command for every state of a release."""

from pathlib import Path

import pytest

from orbiter.lockset.git_files import CommitState, CommitStatus
from orbiter.query.next_step import next_step

PATH = Path("locks/1.0.0")


@pytest.mark.parametrize(
    ("lock", "released", "git", "built", "pushed", "command"),
    [
        ("missing", False, "missing", "missing", "missing", "orbiter lock"),
        ("stale", False, "committed", "fresh", "missing", "orbiter lock"),
        ("stale", True, "committed", "fresh", "pushed", "orbiter bump auto"),
        ("broken", True, "committed", "fresh", "pushed", "orbiter lock --check"),
        ("fresh", False, "ignored", "fresh", "missing", "git remedy"),
        ("fresh", False, "changed", "fresh", "missing", "git remedy"),
        ("fresh", False, "committed", "missing", "missing", "orbiter build"),
        ("fresh", False, "committed", "stale", "missing", "orbiter build"),
        ("fresh", False, "unknown", "fresh", "missing", "orbiter release"),
        ("fresh", False, "committed", "unknown", "missing", ""),
        ("fresh", True, "changed", "fresh", "missing", "git remedy"),
        ("fresh", True, "committed", "missing", "missing", "orbiter push"),
        ("fresh", True, "committed", "fresh", "other", "orbiter bump auto"),
        ("fresh", True, "committed", "fresh", "not checked", "orbiter status --remote"),
        ("fresh", True, "committed", "fresh", "pushed", ""),
    ],
)
def test_the_next_command(
    lock: str, released: bool, git: CommitState, built: str, pushed: str, command: str
) -> None:
    step = next_step(
        lock=lock,
        is_released=released,
        git=CommitStatus(state=git, command="git remedy"),
        built={built},
        pushed={pushed},
        path=PATH,
    )
    assert step.command == command
    assert step.reason
