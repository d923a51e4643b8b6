"""The options of ``orbiter lock``, checked and typed. Pure."""

from datetime import UTC, datetime

from orbiter.config.image_set import ImageSet
from orbiter.config.stage_graph import has_packages
from orbiter.locking.work import LockOptions
from orbiter.lockset.inputs import LOCK_FILES
from resolvers.errors import ExpectedError
from resolvers.types.request import Upgrade


def lock_options(
    image_set: ImageSet,
    *,
    upgrade: bool,
    packages: tuple[str, ...],
    as_of: str | None,
    only: str | None,
    now: datetime,
) -> LockOptions:
    """Return the options of one ``orbiter lock``. Raises ExpectedError for invalid ones."""
    cutoff = None
    if as_of:
        cutoff = parse_cutoff(as_of, now)
    managers: tuple[str, ...] = ()
    if only:
        managers = _managers(image_set, only)
    versions = dict(parse_package(text, "--upgrade-package") for text in packages)
    upgrades = Upgrade(everything=upgrade, packages=versions)
    return LockOptions(now=now, as_of=cutoff, upgrade=upgrades, only=managers)


def parse_cutoff(text: str, now: datetime) -> datetime:
    """Return the moment of ``--as-of`` in UTC; a date means its start in UTC.

    Raises ExpectedError for a moment in the future.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExpectedError(
            f"--as-of {text}: not a date", "write it as 2026-08-01 or 2026-08-01T12:00:00Z"
        ) from None
    if not moment.tzinfo:
        moment = moment.replace(tzinfo=UTC)
    if moment > now:
        raise ExpectedError(
            f"--as-of {text}: the date is in the future",
            "packages published until then would change the result",
        )
    return moment.astimezone(UTC).replace(microsecond=0)


def parse_package(text: str, option: str) -> tuple[str, str]:
    """Return the name and the version in ``NAME`` or ``NAME==VERSION``; ``option`` is for errors.

    Raises ExpectedError for any other text.
    """
    name, separator, version = text.partition("==")
    if not name.strip() or (separator and not version.strip()):
        raise ExpectedError(f"{option} {text}: not a package", "write NAME or NAME==VERSION")
    return name.strip(), version.strip()


def _managers(image_set: ImageSet, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in LOCK_FILES:
            raise ExpectedError(
                f"--only {text}: unknown manager {name!r}",
                f"the managers are {', '.join(LOCK_FILES)}",
            )
    used = {
        manager
        for stage in image_set.stages
        for manager in LOCK_FILES
        if has_packages(stage, manager)
    }
    if not used & set(names):
        raise ExpectedError(
            f"--only {text}: images.toml has no requirements for these managers",
            f"it uses {', '.join(sorted(used))}",
        )
    return names
