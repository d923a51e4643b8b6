"""Installers that ``orbiter lock`` replaces are reported with a warning."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orbiter.config.read import read_image_set
from orbiter.locking.assemble import assemble
from orbiter.locking.installers import installers
from orbiter.locking.merge import combine
from orbiter.locking.work import LockOptions, LockRun
from orbiter.lockset.model import LockSet
from resolvers.types.request import Upgrade
from tests.support.conda_world import channel, record

IMAGES = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]
[builder.micromamba]
channels = ["{channel}"]
[image.micromamba.base.build]
conda = ["tool"]
"""
ONLY_MICROMAMBA = Upgrade(packages={"micromamba": ""})
NEVER: Any = None


@pytest.fixture
def run(tmp_path: Path) -> LockRun:
    """Return a run that resolves micromamba from a channel with version 1.0."""
    address = channel(tmp_path / "channel", record("micromamba", "1.0"))
    images = tmp_path / "images.toml"
    images.write_text(IMAGES.format(channel=address))
    return LockRun(
        image_set=read_image_set(images),
        previous=None,
        options=LockOptions(now=datetime(2026, 1, 1, tzinfo=UTC)),
        environment=NEVER,
        start_task=NEVER,
        as_of=None,
    )


def lock(run: LockRun, previous: LockSet | None, upgrade: Upgrade = ONLY_MICROMAMBA) -> LockSet:
    options = msgspec.structs.replace(run.options, upgrade=upgrade)
    run = msgspec.structs.replace(run, previous=previous, options=options)
    return assemble(run, {}, installers(run), complete=False)


def warnings(lock_set: LockSet) -> list[str]:
    return [str(warning) for warning in lock_set.manifest.warnings]


def publish(tmp_path: Path) -> None:
    channel(tmp_path / "channel", record("micromamba", "1.0"), record("micromamba", "2.0"))


def test_an_upgrade_of_a_package_warns_that_it_replaced_the_installer(
    run: LockRun, tmp_path: Path
) -> None:
    first = lock(run, None, Upgrade())
    assert warnings(first) == []
    publish(tmp_path)
    upgraded = lock(run, first)
    assert {each.pin.version for each in upgraded.manifest.installers} == {"2.0"}
    assert warnings(upgraded) == ["micromamba: the installer changed from version 1.0 to 2.0"]
    assert "--upgrade-package" in upgraded.manifest.warnings[0].hint


def test_the_warning_stays_in_the_lock_set_until_the_next_release(
    run: LockRun, tmp_path: Path
) -> None:
    first = lock(run, None, Upgrade())
    publish(tmp_path)
    upgraded = lock(run, first)
    assert lock(run, upgraded, Upgrade()) == upgraded
    next_release = msgspec.structs.replace(run.image_set, version="0.2.0")
    run = msgspec.structs.replace(run, image_set=next_release)
    assert warnings(lock(run, upgraded, Upgrade())) == []


def test_a_merge_keeps_the_warning_with_the_installer(run: LockRun, tmp_path: Path) -> None:
    first = lock(run, None, Upgrade())
    publish(tmp_path)
    upgraded = lock(run, first)
    for merged in (combine(first, upgraded, first), combine(upgraded, first, first)):
        assert merged.manifest.installers == upgraded.manifest.installers
        assert merged.manifest.warnings == upgraded.manifest.warnings


def test_an_installer_that_stays_or_that_upgrade_replaces_causes_no_warning(
    run: LockRun, tmp_path: Path
) -> None:
    first = lock(run, None, Upgrade())
    assert lock(run, first) == first
    publish(tmp_path)
    upgraded = lock(run, first, Upgrade(everything=True))
    assert {each.pin.version for each in upgraded.manifest.installers} == {"2.0"}
    assert warnings(upgraded) == []
