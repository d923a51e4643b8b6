"""apk in a real Alpine image takes packages from signed repositories of images.toml."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from resolvers.apk import manager as apk
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemOptions, SystemRepository
from resolvers.types.request import Group, LockWarning, Request
from tests.support.apk_world import (
    AMD64,
    KEY,
    PackageSpec,
    Repository,
    alpine,
    build_package,
    core,
    index,
    lock,
    package_spec,
    public_key,
    sign,
)
from tests.support.loopback import Answer, Server, serving

pytestmark = pytest.mark.engine

BASE = (package_spec("tool", "1"), package_spec("lib", "1"), package_spec("plain", "1"))
OWN = (package_spec("tool", "2", depend="lib dep"), package_spec("dep", "1"))


def fill(server: Server, path: str, packages: tuple[PackageSpec, ...], key: str = KEY) -> None:
    """Serve a repository at a path; ``key`` signs its packages and its index."""
    records = []
    for package in packages:
        content, record = build_package(package, key)
        records.append(record)
        file = f"{path}/x86_64/{package.name}-{package.version}.apk"
        server.replies[file] = Answer(200, content)
    server.replies[f"{path}/x86_64/APKINDEX.tar.gz"] = Answer(200, sign(index(records), key))


@contextmanager
def served(own: tuple[PackageSpec, ...] = OWN, key: str = KEY) -> Iterator[Repository]:
    """Serve the base's repository and an own one; ``key`` signs the own one.

    The base image trusts no key of the tests. apk finds a key by its name in the signature, which
    is always that of KEY.
    """
    with serving() as server:
        fill(server, "/repo/main", BASE)
        fill(server, "/lab", own, key)
        source = f"echo {server.url}/repo/main > /etc/apk/repositories\n"
        yield Repository(server, alpine(source))


def options(server: Server) -> SystemRepository:
    return SystemRepository(
        name="lab",
        url=f"{server.url}/lab",
        tag="own",
        key=public_key().encode(),
        key_name=f"{KEY}.pub",
    )


def sources(files: Mapping[str, str], *groups: str) -> dict[str, str]:
    pins = apk.select(dict(files), AMD64, groups or ("alpine-core",))
    return {pin.name: pin.artifact.source for pin in pins}


def test_packages_with_a_tag_name_the_repository_that_they_come_from() -> None:
    with served() as world:
        own = (options(world.server),)
        child = Group(name="child", requirements=("plain",), parents=("alpine-core",))
        files = lock(world.shell, core("tool@own"), child, repositories=own)
        assert sources(files) == {
            "dep": "lab:x86_64/dep-1-r0.apk",
            "lib": "repo/main/x86_64/lib-1-r0.apk",
            "tool": "lab:x86_64/tool-2-r0.apk",
        }
        assert sources(files, "child") == {"plain": "repo/main/x86_64/plain-1-r0.apk"}
        assert files["apk.lock"].count('repository = "lab"') == 2
        assert "://" not in files["apk.lock"]
        again = lock(world.shell, core("tool@own"), child, repositories=own, previous=files)
        assert again == files
        # The image does not have the repository, so its world has no tag.
        world_lines = apk.world(dict(files), AMD64, ("child", "alpine-core")).splitlines()
        assert {"plain", "tool"} <= set(world_lines)
        version = lock(world.shell, core("tool@own=2-r0"), repositories=own)
        assert sources(version) == sources(files)
        without = lock(world.shell, core("tool"), repositories=own)
        assert sources(without) == {"tool": "repo/main/x86_64/tool-1-r0.apk"}


def test_another_key_or_a_changed_package_is_refused() -> None:
    with served(key="other.rsa") as world:
        own = (options(world.server),)
        with pytest.raises(ExpectedError) as error:
            lock(world.shell, core("tool@own"), repositories=own)
        message = error.value.message
        assert "apk cannot use [apk-repository.lab] of images.toml on linux/amd64" in message
    with served() as world:
        other, _ = build_package(OWN[1], "other.rsa")
        world.server.replies["/lab/x86_64/dep-1-r0.apk"] = Answer(200, other)
        with pytest.raises(ExpectedError, match="not signed by a key"):
            lock(world.shell, core("tool@own"), repositories=(options(world.server),))


def test_two_repositories_with_different_files_of_a_version_are_refused() -> None:
    with served((package_spec("tool", "1", depend="lib"),)) as world:
        own = (options(world.server),)
        with pytest.raises(ExpectedError, match="two repositories have different files of tool 1"):
            lock(world.shell, core("tool@own"), repositories=own)


def test_as_of_does_not_cover_repositories() -> None:
    warnings: list[LockWarning] = []
    with served() as world:
        repositories = (replace(options(world.server), name="a"),)
        request = Request(
            groups=(core("tool@own"),),
            targets=(AMD64,),
            as_of=datetime(2025, 1, 1, tzinfo=UTC),
            system=SystemOptions(shell=world.shell, repositories=repositories),
            warn=warnings.append,
        )
        apk.resolve(request)
    assert [warning.text for warning in warnings] == [
        "as-of has no effect on the repositories of images.toml: a"
    ]
