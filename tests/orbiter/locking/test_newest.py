"""The versions that an upgrade would lock: apt solves twice in a small repository."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from orbiter.locking.environment import LocalEnvironment
from orbiter.locking.lock import lock
from orbiter.locking.newest import newest_versions
from orbiter.locking.work import LockOptions
from orbiter.query.outdated import outdated
from orbiter.query.packages import Selection
from orbiter.tasks import Report
from resolvers.errors import UnsolvableError
from resolvers.types.options import Shell
from resolvers.types.packages import Availability, Pin
from tests.support.apt_world import repository

pytestmark = pytest.mark.engine
IMAGES = """
version = "0.1.0"
repository = "orbiter-test/newest"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
apt = ["same", "tool", "limited=1.*"]
"""
BEFORE = repository(
    ("same", "1.0", ""),
    ("tool", "1.0", "Depends: needed"),
    ("needed", "1.0", ""),
    ("limited", "1.0", ""),
)
NOW = repository(
    ("same", "1.0", ""),
    ("tool", "2.0", "Depends: needed"),
    ("needed", "2.0", ""),
    ("limited", "1.5", ""),
    ("limited", "3.0", ""),
)
WITHOUT_TOOL = repository(("same", "1.0", ""), ("limited", "1.0", ""))


class Mirror(LocalEnvironment):
    """Resolves with packages of a small repository, which no mirror on the network has."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell

    def base_shell(self, reference: str, digests: Mapping[str, str]) -> Shell:  # noqa: ARG002
        return self._shell

    def store_artifacts(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        repositories: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        pass


def start_task(_title: str) -> Report:
    return lambda _line: None


def test_packages_of_apt_have_the_versions_of_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "images.toml"
    path.write_text(IMAGES, encoding="utf-8")
    options = LockOptions(now=datetime.now(UTC), only=("apt",))
    locked = lock(read_image_set(path), None, options, Mirror(BEFORE), start_task)

    def versions(builder: str, manager: str, report: Report) -> Mapping[str, Availability]:
        return newest_versions(locked, builder, manager, Mirror(NOW), start_task, report)

    found = outdated(locked, Selection(), start_task, lambda: versions, everything=True)
    assert {
        package.name: (
            package.state,
            package.locked,
            package.allowed and package.allowed.version,
            package.newest and package.newest.version,
        )
        for package in found.packages
    } == {
        "limited": ("outdated", "1.0", "1.5", "3.0"),
        "needed": ("outdated", "1.0", None, "2.0"),
        "same": ("current", "1.0", "1.0", "1.0"),
        "tool": ("outdated", "1.0", "2.0", "2.0"),
    }
    with pytest.raises(UnsolvableError, match="tool"):
        newest_versions(locked, "debian", "apt", Mirror(WITHOUT_TOOL), start_task, print)
