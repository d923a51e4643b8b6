"""``orbiter lock`` renders a build folder again if it is not what the lock files give."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NoReturn

import pytest
from msgspec.structs import replace

from orbiter.config.image_set import OwnFile, RepositoryFile
from orbiter.locking.assemble import only_build_folder_differs
from orbiter.locking.lock import lock
from orbiter.locking.work import LockOptions
from orbiter.lockset.model import LockSet
from orbiter.oci.base_image import BaseStart
from resolvers.types.options import Shell
from resolvers.types.packages import Pin
from tests.support.lock_sets import changed, older, small

LATER = datetime(2027, 1, 1, tzinfo=UTC)


class Unreachable:
    """An environment in which nothing can be resolved, pinned or fetched."""

    def pin_base(self, reference: str, platform: str) -> str:
        raise AssertionError((reference, platform))

    def base_start(self, reference: str, digest: str) -> BaseStart:
        assert digest in small().manifest.bases[reference].values()
        return BaseStart()

    def base_shell(self, reference: str, digests: Mapping[str, str]) -> Shell:
        assert small().manifest.bases[reference] == digests
        return refuse

    def debian_shell(self, suite: str) -> Shell:
        raise AssertionError(suite)

    def store_artifacts(
        self,
        manager: str,
        pins: Mapping[str, tuple[Pin, ...]],
        shell: Shell,
        repositories: Mapping[str, str],
        progress: Callable[[str], None],
    ) -> None:
        raise AssertionError((manager, pins, shell, repositories, progress))

    def read_own_file(self, file: RepositoryFile) -> NoReturn:
        raise AssertionError(file)

    def store_own_file(self, file: OwnFile) -> NoReturn:
        raise AssertionError(file)

    def store_download(self, url: str, sha256: str, strips: tuple[int, ...]) -> NoReturn:
        raise AssertionError((url, sha256, strips))

    def stored_download(self, url: str, sha256: str) -> NoReturn:
        raise AssertionError((url, sha256))


def refuse(script: str, *, platform: str, cache: str = "") -> NoReturn:
    raise AssertionError((script, platform, cache))


def locked_again(previous: LockSet) -> LockSet:
    return lock(
        previous.image_set,
        previous,
        LockOptions(now=LATER),
        Unreachable(),
        lambda _title: lambda _line: None,
    )


def test_an_unchanged_lock_set_stays_the_same() -> None:
    assert locked_again(small()) is small()


@pytest.mark.parametrize(
    "edited",
    [
        changed(small(), {"build/debian-base/Dockerfile": "FROM scratch\n"}),
        changed(small(), {"build/debian-base/pip-linux-amd64.txt": None}),
        changed(small(), {"build/more.txt": "text\n"}),
        older(),
        changed(older(), {"build/docker-bake.json": "{}\n"}),
    ],
    ids=["Dockerfile", "missing list", "additional file", "older templates", "bake file"],
)
def test_another_build_folder_is_replaced_and_the_pins_stay(edited: LockSet) -> None:
    locked = locked_again(edited)
    assert locked == small()
    assert only_build_folder_differs(edited, locked)
    assert not only_build_folder_differs(locked, locked)


def test_a_file_that_no_manager_wrote_is_removed() -> None:
    locked = locked_again(changed(small(), {"artifacts/x": "text\n"}))
    assert locked.files.keys() == small().files.keys()
    assert replace(locked.manifest, cutoff="", tools={}, source_date_epoch=0, files={}) == replace(
        small().manifest, cutoff="", tools={}, source_date_epoch=0, files={}
    )
