"""The licences that images.toml records. Pure."""

from orbiter.config.check_keys import LicencesTable
from orbiter.licences.model import LicenceRecord


def records_of(keys: LicencesTable) -> tuple[LicenceRecord, ...]:
    """Return the records of the settings."""
    return tuple(
        LicenceRecord(package=each.package, licence=each.licence, reason=each.reason)
        for each in keys.known
    )
