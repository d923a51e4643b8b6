"""The text of apk.lock and apt.lock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from resolvers.apt.lock_file import AptLock, AptPackage, AptPlatform, parse, write
from resolvers.distro.lock_text import LockedGroup
from resolvers.distro.repositories import FILE_PATH
from resolvers.errors import ExpectedError
from resolvers.types.packages import MAX_SIZE

# TOML has no surrogates, which JSON uses for some characters, and requires an escaped DEL.
TEXT = st.text(st.characters(max_codepoint=0xD7FF, exclude_characters="\x7f"))
WORDS = st.lists(TEXT, max_size=3).map(tuple)
# Keys without a value are left out, so required ones need a value.
SOME_TEXT, SOME_WORDS = TEXT.filter(bool), WORDS.filter(bool)
PLATFORMS = st.builds(AptPlatform, apt=SOME_TEXT, glibc=TEXT, suite=TEXT, signers=WORDS)
GROUPS = st.builds(LockedGroup, requirements=SOME_WORDS)
PACKAGES = st.builds(
    AptPackage,
    name=SOME_TEXT,
    version=SOME_TEXT,
    architecture=SOME_TEXT,
    platforms=SOME_WORDS,
    groups=SOME_WORDS,
    file=st.from_regex(FILE_PATH, fullmatch=True),
    size=st.integers(min_value=0, max_value=MAX_SIZE),
    sha256=SOME_TEXT,
    requires=WORDS,
    source_package=TEXT,
    source_version=TEXT,
)


@given(
    st.dictionaries(TEXT, PLATFORMS, min_size=1, max_size=2),
    st.dictionaries(TEXT, GROUPS, min_size=1, max_size=2),
    st.lists(PACKAGES, max_size=2).map(tuple),
)
def test_a_lock_is_read_as_it_was_written(
    platforms: dict[str, AptPlatform],
    groups: dict[str, LockedGroup],
    packages: tuple[AptPackage, ...],
) -> None:
    lock = AptLock(format=1, platforms=platforms, groups=groups, package=packages)
    assert parse(write(lock)) == lock
    assert write(parse(write(lock))) == write(lock)


def test_the_text_is_canonical() -> None:
    package = AptPackage(
        name="bash",
        version="5.2",
        architecture="amd64",
        platforms=("linux/amd64",),
        groups=("core",),
        file="pool/bash.deb",
        size=1,
        sha256="00",
    )
    libc = replace(package, name="libc6", source_package="glibc", source_version="5.1")
    lock = AptLock(
        format=1,
        platforms={"linux/amd64": AptPlatform(apt="3")},
        groups={"core": LockedGroup(requirements=("bash", "dash"))},
        package=(package, libc),
    )
    assert (
        write(lock)["apt.lock"]
        == """\
# Written by Orbiter: what apt installs. To change it, edit images.toml and lock.

format = 1

[platforms."linux/amd64"]
apt = "3"

[groups.core]
requirements = ["bash", "dash"]

[[package]]
name = "bash"
version = "5.2"
architecture = "amd64"
platforms = ["linux/amd64"]
groups = ["core"]
file = "pool/bash.deb"
size = 1
sha256 = "00"

[[package]]
name = "libc6"
version = "5.2"
architecture = "amd64"
platforms = ["linux/amd64"]
groups = ["core"]
file = "pool/bash.deb"
size = 1
sha256 = "00"
source-package = "glibc"
source-version = "5.1"
"""
    )


def test_a_newer_format_is_reported() -> None:
    with pytest.raises(ExpectedError, match=r"apt\.lock has format 2; this Orbiter reads format 1"):
        parse({"apt.lock": "format = 2\n"})
