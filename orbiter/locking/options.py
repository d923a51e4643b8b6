"""What people type after ``orbiter lock``, checked and typed. Pure."""

from datetime import UTC, datetime

from orbiter.config.image_set import ImageSet
from orbiter.locking.work import LockOptions
from orbiter.lockset.inputs import LOCK_FILES
from resolvers.errors import ExpectedError
from resolvers.types import Upgrade


def lock_options(
    image_set: ImageSet,
    *,
    upgrade: bool,
    packages: tuple[str, ...],
    as_of: str | None,
    only: str | None,
    now: datetime,
) -> LockOptions:
    """The options of one ``orbiter lock``. Raises ExpectedError for what cannot be understood."""
    return LockOptions(
        now=now,
        as_of=moment(as_of, now) if as_of else None,
        upgrade=Upgrade(everything=upgrade, packages=dict(_package(text) for text in packages)),
        only=_managers(image_set, only) if only else (),
    )


def moment(text: str, now: datetime) -> datetime:
    """A date (its first moment, UTC) or a date and time with an offset; never later than now."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ExpectedError(
            f"--as-of {text}: not a date", "write it as 2026-08-01 or 2026-08-01T12:00:00Z"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > now:
        raise ExpectedError(
            f"--as-of {text}: lies in the future",
            "packages yet to be published would change the answer",
        )
    return found.astimezone(UTC).replace(microsecond=0)


def _package(text: str) -> tuple[str, str]:
    name, separator, version = text.partition("==")
    if not name.strip() or (separator and not version.strip()):
        raise ExpectedError(
            f"--upgrade-package {text}: not a package", "write NAME or NAME==VERSION"
        )
    return name.strip(), version.strip()


def _managers(image_set: ImageSet, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in LOCK_FILES:
            raise ExpectedError(
                f"--only {text}: no manager {name!r}", f"the managers are {', '.join(LOCK_FILES)}"
            )
    asked = {manager for stage in image_set.stages for manager in stage.requirements}
    if not asked & set(names):
        raise ExpectedError(
            f"--only {text}: images.toml asks nothing of them",
            f"it asks {', '.join(sorted(asked))}",
        )
    return names
