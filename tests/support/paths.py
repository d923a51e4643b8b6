"""Folders of the repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The root folder of the repository."""
TESTS = ROOT / "tests"
