"""The options of `orbiter lock`."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.locking.options import lock_options, parse_cutoff
from orbiter.locking.work import LockOptions
from resolvers.errors import ExpectedError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def image_set(tmp_path: Path) -> ImageSet:
    path = tmp_path / "images.toml"
    path.write_text(
        'version = "0.1.0"\nrepository = "a/b"\n[builder.debian]\nfrom = "debian:trixie-slim"\n'
        '[image.debian.base]\napt = ["python3"]\npip = ["attrs"]\n'
    )
    return read_image_set(path)


def options(
    image_set: ImageSet, packages: tuple[str, ...] = (), only: str | None = None
) -> LockOptions:
    return lock_options(image_set, upgrade=False, packages=packages, as_of=None, only=only, now=NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01", datetime(2026, 8, 1, tzinfo=UTC)),
        ("2026-08-01T12:00:00Z", datetime(2026, 8, 1, 12, tzinfo=UTC)),
        ("2026-08-01T12:00:00.5+02:00", datetime(2026, 8, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_date_is_its_first_moment_in_utc(text: str, moment: datetime) -> None:
    assert parse_cutoff(text, NOW) == moment


@pytest.mark.parametrize(
    ("text", "reason"), [("yesterday", "not a date"), ("2026-12-01", "in the future")]
)
def test_bad_dates(text: str, reason: str) -> None:
    with pytest.raises(ExpectedError, match=reason):
        parse_cutoff(text, NOW)


def test_packages_with_and_without_a_version(image_set: ImageSet) -> None:
    assert options(image_set, ("numpy", "pandas==2.3.0")).upgrade.packages == {
        "numpy": "",
        "pandas": "2.3.0",
    }
    with pytest.raises(ExpectedError, match="not a package"):
        options(image_set, ("numpy==",))


def test_only_accepts_known_managers_with_requirements(image_set: ImageSet) -> None:
    assert options(image_set, only="pip, apt").only == ("pip", "apt")
    with pytest.raises(ExpectedError, match="unknown manager 'cargo'"):
        options(image_set, only="cargo")
    with pytest.raises(ExpectedError, match="has no requirements for these managers"):
        options(image_set, only="npm")
