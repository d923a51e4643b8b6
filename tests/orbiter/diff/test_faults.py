"""Entries that a faulty merge mixed stand at the top of every report."""

import pytest

from orbiter.diff.compare import diff
from orbiter.lockfiles import recognise
from orbiter.report import html, markdown, text
from tests.orbiter.diff.test_sources import (
    USUAL,
    Writer,
    conda_lock,
    npm,
    pixi,
    pixi_pypi,
    pylock,
    uv,
)


@pytest.mark.parametrize(
    ("write", "entry", "mixed"),
    [
        (conda_lock, "- name: ccc\n  version: 1.0.0", "- name: ccc\n  version: 2.0.0"),
        (conda_lock, "- name: ccc\n", "- name: ddd\n"),
        (pixi, f"  sha256: {'3' * 64}\n", f"  sha256: {'3' * 64}\n  version: 2.0.0\n"),
        (pixi_pypi, f"  sha256: {'3' * 64}\n", f"  sha256: {'3' * 64}\n  version: 2.0.0\n"),
        (uv, 'name = "ccc"\nversion = "1.0.0"', 'name = "ccc"\nversion = "2.0.0"'),
        (pylock, 'name = "ccc"\nversion = "1.0.0"', 'name = "ccc"\nversion = "2.0.0"'),
        (npm, "ccc/-/ccc-1.0.0.tgz", "ccc/-/ccc-2.0.0.tgz"),
    ],
)
def test_a_mixed_entry_is_at_the_top(write: Writer, entry: str, mixed: str) -> None:
    old = write(USUAL, "1.0.0", "3")
    new = old.replace(entry, mixed)
    assert new != old
    result = diff(recognise.read("old", old.encode()), recognise.read("new", new.encode()))
    assert len(result.faults) == 1
    assert result.faults[0].startswith("new: ")
    assert result.notes == ()
    shown = text.render(result, width=80, colour=False, everything=False)
    assert "1 entry with a file of another package" in shown.replace("\n  ", " ")
    alarm = shown.index("!! Contradictory entries (1)")
    assert alarm < min(shown.find(f"\n  {sign} ") % len(shown) for sign in "+-~=↑→")
    assert markdown.render(result).index("[!CAUTION]") < 600
    assert html.render(result).count('class="alarm"') == 1
