"""Repositories in locks and addresses of apt, without running it."""

import ssl

import pytest
from msgspec.structs import replace

from resolvers.apt import manager as apt
from resolvers.apt.index import DebRecord
from resolvers.apt.repositories import check_addresses, repositories_of
from resolvers.apt.source_field import SourcePackage
from resolvers.distro.repositories import source_of, split_source
from resolvers.errors import ExpectedError
from resolvers.net.certificates import trusted_certificates
from resolvers.types.options import SystemRepository
from tests.support.paths import TESTS

LOCK = (TESTS / "data/apt/two-platforms.lock").read_text(encoding="utf-8")
OWN = SystemRepository(name="own", url="http://127.0.0.1/debian", suite="stable")
RECORD = DebRecord(
    name="tool",
    version="1",
    architecture="all",
    file="pool/t+1.deb",
    size=1,
    sha256="0",
    built_from=SourcePackage("tool", "1"),
)


def test_the_mirror_of_the_base_needs_no_address() -> None:
    check_addresses((OWN,), ("http://127.0.0.1/",), "")
    with pytest.raises(ExpectedError, match="'own' is a mirror of the base image"):
        check_addresses((OWN,), ("http://127.0.0.1/debian/",), "")


def test_the_longest_address_decides_the_repository() -> None:
    below = replace(OWN, name="below", url=f"{OWN.url}/below")
    records = {"tool=1": RECORD, "tool=2": RECORD}
    lines = f"tool=1 {OWN.url}/pool/t%2b1.deb\ntool=2 {below.url}/pool/t%2b1.deb\n"
    assert repositories_of(records, lines, (OWN, below)) == {"tool=1": "own", "tool=2": "below"}
    assert repositories_of(records, "tool=1 http://127.0.0.2/pool/t+1.deb", (OWN,)) == {}
    with pytest.raises(ExpectedError, match="two repositories have different files of tool 1"):
        repositories_of(records, f"tool=1 {OWN.url}/pool/other.deb", (OWN,))


@pytest.mark.parametrize("repository", ["", "own", "a-1"])
def test_a_source_is_split_again(repository: str) -> None:
    path = "pool/main/a/a:b_1%3a2_all.deb"
    assert split_source(source_of(path, repository)) == (repository, path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sha256 = ", 'repository = "../x"\nsha256 = '),
        ("sha256 = ", 'repository = "a b"\nsha256 = '),
        ("sha256 = ", 'repository = "own\\n"\nsha256 = '),
        ('file = "pool/', 'file = "$(reboot)/'),
        ('file = "pool/', 'file = "pool/a b/'),
        ('file = "pool/', 'file = "pool/\\n'),
        ('file = "pool/', 'file = "-pool/'),
        ("size = ", "size = -"),
        ("size = ", f"size = {10**400}"),
    ],
)
def test_a_lock_with_an_unusual_name_or_size_is_rejected(old: str, new: str) -> None:
    assert old in LOCK
    with pytest.raises(ExpectedError, match=r"apt\.lock is not valid"):
        apt.read({"apt.lock": LOCK.replace(old, new, 1)})


def test_the_certificates_of_this_machine_can_be_read_by_others() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=trusted_certificates())
    assert context.cert_store_stats()["x509_ca"] > 10
