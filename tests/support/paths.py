"""Folders of the repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The root folder of the repository."""
TESTS = ROOT / "tests"
INVENTED_ORBITER = str(TESTS / "support" / "invented_orbiter.py")
"""The program that runs orbiter on invented lock sets."""
QUICK_ORBITER = str(TESTS / "support" / "quick_orbiter.py")
"""Orbiter with a quicker compression of layers, for lock sets that a test makes itself."""
