"""apt in a real Debian image takes packages from signed repositories of images.toml."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from resolvers.apt import manager as apt
from resolvers.errors import ExpectedError
from resolvers.types.options import SystemOptions, SystemRepository
from resolvers.types.request import Group, LockWarning, Request
from tests.support.alpine_world import needs_world
from tests.support.apt_repository import (
    AptRepository,
    apt_repository,
    fingerprint,
    public_key,
)
from tests.support.apt_world import (
    AMD64,
    added_versions,
    base_shell,
    core,
    lock,
    repository,
)

pytestmark = [pytest.mark.engine, needs_world]

BASE = repository(("tool", "1.0", ""), ("lib", "1", ""))


@pytest.fixture
def served() -> Iterator[AptRepository]:
    with apt_repository() as own:
        own.write(("tool", "2.0", "Depends: lib, helper"), ("helper", "1", ""))
        yield own


def sources(files: dict[str, str]) -> dict[str, str]:
    pins = apt.select(files, AMD64, ("debian-core",))
    return {pin.name: pin.artifact.source for pin in pins}


@pytest.mark.parametrize("armored", [True, False])
def test_packages_name_the_repository_that_they_come_from(
    served: AptRepository, *, armored: bool
) -> None:
    own = (served.options("own", public_key(armored=armored)),)
    files = dict(lock(BASE, core("tool"), repositories=own))
    assert sources(files) == {
        "helper": "own:pool/helper_1_all.deb",
        "lib": "pool/lib_1_all.deb",
        "tool": "own:pool/tool_2.0_all.deb",
    }
    assert files["apt.lock"].count('repository = "own"') == 2
    assert "://" not in files["apt.lock"]
    assert lock(BASE, core("tool"), repositories=own, previous=files) == files
    # Without the repository, the index lacks its packages.
    assert added_versions(lock(BASE, core("tool"), previous=files), "debian-core") == {
        "tool": "1.0"
    }


def test_another_key_or_a_changed_index_is_refused(served: AptRepository) -> None:
    other = (served.options("own", public_key("other")),)
    with pytest.raises(ExpectedError) as error:
        lock(BASE, core("tool"), repositories=other)
    assert (
        "apt cannot use [apt-repository.own] of images.toml on linux/amd64" in error.value.message
    )
    assert "the key that signs it" in error.value.hint
    index = served.folder / "dists/stable/main/binary-amd64/Packages"
    index.write_text(index.read_text().replace("Version: 2.0", "Version: 3.0"))
    with pytest.raises(ExpectedError) as error:
        lock(BASE, core("tool"), repositories=(served.options("own"),))
    assert "apt cannot use [apt-repository.own]" in error.value.message


def test_a_key_is_only_trusted_for_its_own_repository(served: AptRepository) -> None:
    # The base's own repository is signed by the same key, which its sources do not name.
    unsigned = (
        f"echo 'deb {served.url} stable main' > /etc/apt/sources.list\n"
        "rm -f /etc/apt/sources.list.d/*\n"
    )
    with apt_repository() as second:
        second.write(("extra", "1", ""))
        with pytest.raises(ExpectedError, match="apt-get update failed"):
            lock(base_shell(unsigned), core("extra"), repositories=(second.options("own"),))


def test_a_fingerprint_names_a_key_that_the_base_trusts(served: AptRepository) -> None:
    trust = f"cat > /etc/apt/keyrings/a.asc <<'END'\n{public_key().decode()}END\n"
    trust += f"cat > /etc/apt/keyrings/b.asc <<'END'\n{public_key('other').decode()}END\n"

    def shell(script: str, *, platform: str, cache: str = "") -> str:
        return BASE(f"{trust}{script}", platform=platform, cache=cache)

    own = replace(served.options("own", b""), fingerprint=fingerprint())
    files = lock(shell, core("helper"), repositories=(own,))
    assert sources(dict(files)) == {"helper": "own:pool/helper_1_all.deb"}
    with pytest.raises(ExpectedError, match=r"apt cannot use \[apt-repository.own\]"):
        lock(shell, core("helper"), repositories=(replace(own, fingerprint=fingerprint("other")),))


def test_a_suite_of_the_mirror_is_used_for_packages_that_name_it() -> None:
    backports = SystemRepository(name="bpo", suite="trixie-backports", components=("main",))
    groups = core("curl/trixie-backports"), Group(name="other", requirements=("tmux",))
    files = dict(lock(base_shell(), *groups, repositories=(backports,)))
    versions = added_versions(files, "debian-core")
    assert "~bpo13+" in versions["curl"]
    assert "~bpo" not in added_versions(files, "other")["tmux"]
    assert all(source.startswith("pool/") for source in sources(files).values())
    assert lock(base_shell(), *groups, repositories=(backports,), previous=files) == files
    plain = core("curl"), groups[1]
    edited = lock(base_shell(), *plain, repositories=(backports,), previous=files)
    assert "~bpo" not in added_versions(edited, "debian-core")["curl"]


def test_a_base_made_of_packages_uses_repositories_too(served: AptRepository) -> None:
    base = Group(name="debian", requirements=("?essential", "?priority(required)", "apt"))
    group = Group(name="debian-core", requirements=("helper",), parents=("debian",))
    files = dict(
        lock(base_shell(), base, group, suite="trixie", repositories=(served.options("own"),))
    )
    assert sources(files) == {"helper": "own:pool/helper_1_all.deb"}
    assert fingerprint() not in files["apt.lock"]


def test_as_of_does_not_cover_repositories(served: AptRepository) -> None:
    warnings: list[LockWarning] = []
    system = SystemOptions(shell=BASE, repositories=(served.options("own"),))
    as_of = datetime(2025, 1, 1, tzinfo=UTC)
    request = Request(
        groups=(core("helper"),), targets=(AMD64,), as_of=as_of, system=system, warn=warnings.append
    )
    apt.resolve(request)
    assert [warning.text for warning in warnings] == [
        "as-of has no effect on the repositories of images.toml: own"
    ]
