"""Recorded passes: images that passed the same tests before, on this machine."""

from collections.abc import Iterable

import msgspec

from orbiter.config.image_tests import ImageTests
from orbiter.image_tests.files import PROGRAM
from orbiter.image_tests.results import ImageResults
from orbiter.oci.registry import sha256
from resolvers import cache

FOLDER = "passed-tests"


def record_pass(results: ImageResults, tests: ImageTests) -> None:
    """Record the results of an image if all its tests passed."""
    if results.passed:
        path = cache.folder(FOLDER) / _name(results.id, results.platform, tests)
        cache.write(path, msgspec.json.encode(results))


def find_pass(ids: Iterable[str], platform: str, tests: ImageTests) -> ImageResults | None:
    """Return the results of an earlier run of the same tests; None if there is no pass.

    ``ids`` are the names that the image stores of engines may give to the image.
    """
    for each in ids:
        path = cache.folder(FOLDER) / _name(each, platform, tests)
        try:
            found = msgspec.json.decode(path.read_bytes(), type=ImageResults)
        except (OSError, msgspec.DecodeError):
            continue
        return msgspec.structs.replace(found, recorded=True)
    return None


def _name(image_id: str, platform: str, tests: ImageTests) -> str:
    """Return the name of a record: the hash of everything that the result depends on."""
    program = sha256(PROGRAM.read_bytes())
    key = msgspec.json.encode((image_id, platform, tests, program))
    return f"{sha256(key).partition(':')[2]}.json"
