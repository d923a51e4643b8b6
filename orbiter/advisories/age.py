"""The age of a vulnerability database. Pure."""

from datetime import datetime, timedelta

from orbiter.advisories.index import Database
from resolvers.errors import ExpectedError


def age_of(database: Database, now: datetime) -> timedelta:
    """Return the time since the last change of a record.

    Raises ExpectedError if the database has no valid time.
    """
    try:
        newest = datetime.fromisoformat(database.newest)
        return now - newest
    except (ValueError, TypeError) as error:
        raise ExpectedError(
            f"the newest advisory has the time '{database.newest}', which is not a time in UTC",
            "download the exports again",
        ) from error


def require_recent(database: Database, now: datetime, limit: timedelta) -> None:
    """Raise ExpectedError if the newest record of the database is older than the limit."""
    age = age_of(database, now)
    if age > limit:
        raise ExpectedError(
            f"the vulnerability database is old: its newest advisory is of {database.newest}, "
            f"{age.days} days ago",
            "run orbiter osv update, or download current exports; --max-age allows older ones",
        )
