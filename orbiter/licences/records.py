"""The licences that images.toml records. Pure."""

from orbiter.config.check_keys import LicencesTable
from orbiter.licences.model import Record


def records_of(keys: LicencesTable) -> tuple[Record, ...]:
    """Return the records of the settings."""
    return tuple(
        Record(package=each.package, licence=each.licence, reason=each.reason)
        for each in keys.known
    )
