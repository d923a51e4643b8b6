"""The licences of the packages in some images."""

from typing import Literal

import msgspec

Origin = Literal["lock", "package", "images.toml", ""]
Status = Literal["known", "unclear", "unknown"]


class LicenceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A licence that people found out, as an SPDX expression, and how they know it."""

    package: str
    licence: str
    reason: str


class LicensedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package with its licence.

    ``manager`` is "" for a download. ``text`` is the licence as the package declares it, and
    ``expression`` the SPDX expression for it; both are empty if they are not known. ``origin`` is
    the place of the text. ``reason`` says why there is no text, or who recorded it. ``images`` are
    sorted names.
    """

    manager: str
    name: str
    version: str
    images: tuple[str, ...]
    text: str = ""
    expression: str = ""
    origin: Origin = ""
    reason: str = ""

    @property
    def status(self) -> Status:
        """Return whether the licence is known; "unclear" if SPDX does not have its text."""
        if self.expression:
            return "known"
        return "unclear" if self.text else "unknown"

    @property
    def licence(self) -> str:
        """Return the expression, or the text of an unclear licence."""
        return self.expression or self.text


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """A package that cannot be used without a denied licence."""

    package: LicensedPackage
    licences: tuple[str, ...]


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The licences in images of a release; everything is sorted.

    ``not_covered`` are base images and images whose build had network access: a lock set does not
    name all their content. ``unused`` are records that no package needs.
    """

    release: str
    images: tuple[str, ...]
    packages: tuple[LicensedPackage, ...]
    denials: tuple[Denial, ...] = ()
    not_covered: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def with_status(self, status: Status) -> tuple[LicensedPackage, ...]:
        """Return the packages whose licence is known, unclear or unknown."""
        return tuple(each for each in self.packages if each.status == status)


class ChangedLicence(msgspec.Struct, frozen=True, kw_only=True):
    """A package of both locks with other licences; several versions may have several."""

    manager: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]


class LicenceUse(msgspec.Struct, frozen=True, kw_only=True):
    """A licence that only one of the locks has, with the names of its packages."""

    licence: str
    packages: tuple[str, ...]


class DeniedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package that needs denied licences, which it did not need in the old lock."""

    manager: str
    name: str
    licences: tuple[str, ...]


class LicenceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The licences that differ between two locks; everything is sorted.

    ``unknown_old`` and ``unknown_new`` count the packages without a known licence. Those of the old
    lock may have the ``introduced`` licences, and those of the new lock the ``dropped`` ones.
    """

    introduced: tuple[LicenceUse, ...]
    dropped: tuple[LicenceUse, ...]
    changed: tuple[ChangedLicence, ...]
    denied: tuple[DeniedPackage, ...]
    unknown_old: int
    unknown_new: int
