"""What the tests of pip and its engines share: targets, requests, lock files that are kept as data."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from resolvers.pip import manager as pip
from resolvers.types import Group, LockFiles, Request, Target, Upgrade
from tests.support.paths import TESTS

AMD64 = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
ARM64 = Target(platform="linux/arm64", python="3.13.5", glibc="2.41")
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
DATA = TESTS / "data" / "pip"


def data(engine: str) -> dict[str, str]:
    """core: attrs; base-build: docopt (an sdist), jinja2, tqdm; for both targets, as of NEW_YEAR."""
    return {path.name: path.read_text(encoding="utf-8") for path in (DATA / engine).iterdir()}


def request(
    engine: str,
    *requirements: str,
    previous: LockFiles | None = None,
    upgrade: Upgrade = Upgrade(),  # noqa: B008
    as_of: datetime | None = NEW_YEAR,
    sources: tuple[str, ...] = (),
    targets: tuple[Target, ...] = (AMD64, ARM64),
) -> Request:
    group = Group(name="base-build", requirements=requirements, sources=sources)
    return Request(
        groups=(Group(name="core"), group),
        targets=targets,
        engine=engine,
        previous=previous or {},
        upgrade=upgrade,
        as_of=as_of,
    )


def versions(files: LockFiles) -> Mapping[str, str]:
    return {package.name: package.version for package in pip.read(files)}


def written(files: LockFiles, folder: Path) -> Path:
    """The folder, with the files in it."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def assert_portable(files: LockFiles) -> None:
    """No address, no folder of this machine, one newline at the end."""
    for name, text in files.items():
        assert "://" not in text, name
        assert str(Path.cwd()) not in text, name
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
