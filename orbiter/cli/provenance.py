"""The provenance that ``attest``, ``sign`` and ``verify-signature`` work on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orbiter.cli.errors import warn

if TYPE_CHECKING:
    from orbiter.attest.provenance import Provenance
    from orbiter.lockset.model import LockSet


def read_provenance(lock_set: "LockSet", names: tuple[str, ...]) -> "tuple[Provenance, ...]":
    """Return the provenance of some images of a release, by default of all."""
    from orbiter.attest.provenance import provenance_of
    from orbiter.lockset import folder, record

    path = folder.release_folder(lock_set.manifest.release)
    digests = record.read(path, lock_set).digests
    chosen = names or tuple(record.image_stages(lock_set))
    return tuple(provenance_of(lock_set, digests, name) for name in chosen)


def warn_incomplete(provenances: "Iterable[Provenance]") -> None:
    """Warn about images whose provenance does not list everything that went into them."""
    names = [each.stage for each in provenances if not each.is_hermetic]
    if names:
        warn(
            f"the provenance does not list everything in {', '.join(names)}",
            "a lock set does not name what network = true loads",
        )
