"""apk rejects indexes and packages that are changed, unsigned or missing."""

from collections.abc import Callable

import pytest

from resolvers.apk import manager as apk
from resolvers.errors import ExpectedError
from tests.support.apk_world import (
    FOLDER,
    Repository,
    build_package,
    core,
    index,
    lock,
    package_spec,
    repository,
    sign,
)
from tests.support.loopback import Answer

pytestmark = pytest.mark.engine

LIB = package_spec("lib", "1.0")
INDEX = f"{FOLDER}APKINDEX.tar.gz"
FILE = f"{FOLDER}lib-1.0-r0.apk"
NOT_FETCHED = "apk could not fetch the packages to install on linux/amd64\n.*lib-1.0-r0"


def unsigned_index(repo: Repository) -> None:
    repo.server.replies[INDEX] = Answer(200, index([build_package(LIB)[1]]))


def index_of_another_key(repo: Repository) -> None:
    unsigned = index([build_package(LIB)[1]])
    repo.server.replies[INDEX] = Answer(200, sign(unsigned, "another.rsa"))


def missing_index(repo: Repository) -> None:
    del repo.server.replies[INDEX]


def missing_package(repo: Repository) -> None:
    del repo.server.replies[FILE]


def incomplete_package(repo: Repository) -> None:
    repo.server.replies[FILE] = Answer(200, build_package(LIB)[0][:-20])


def different_package(repo: Repository) -> None:
    different = package_spec("lib", "1.0", replaces="abc")
    repo.server.replies[FILE] = Answer(200, build_package(different)[0])


def package_of_another_key(repo: Repository) -> None:
    repo.server.replies[FILE] = Answer(200, build_package(LIB, "another.rsa")[0])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (unsigned_index, "apk update failed on linux/amd64"),
        (index_of_another_key, "apk update failed on linux/amd64"),
        (missing_index, "apk update failed on linux/amd64\n.*404"),
        (missing_package, NOT_FETCHED),
        (incomplete_package, NOT_FETCHED),
        (different_package, NOT_FETCHED),
        (
            package_of_another_key,
            "not signed by a key that the base image trusts, on linux/amd64\n.*lib-1.0-r0",
        ),
    ],
)
def test_untrusted_files_are_rejected(harm: Callable[[Repository], None], message: str) -> None:
    with repository(LIB) as repo:
        harm(repo)
        with pytest.raises(ExpectedError, match=message):
            lock(repo.shell, core("lib"))
    assert apk.cached_packages("linux/amd64") == {}


def test_a_cached_index_is_not_used_if_the_current_one_is_missing() -> None:
    with repository(LIB) as repo:
        lock(repo.shell, core("lib"))
        missing_index(repo)
        with pytest.raises(ExpectedError, match="apk update failed"):
            lock(repo.shell, core("lib"))
