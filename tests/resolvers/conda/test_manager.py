"""Real and made-up records, solved by rattler and checked without it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from msgspec.structs import replace

from resolvers.conda import lock_file, requirements
from resolvers.conda import manager as conda
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.types.options import CondaOptions
from resolvers.types.packages import LockFiles
from resolvers.types.request import NOTE, Group, Target, Upgrade
from tests.support.conda_checker import faults
from tests.support.conda_world import (
    AMD64,
    ARM64,
    BASE,
    BUILD_MS,
    GEOSPATIAL,
    base,
    channel,
    geo,
    real_channel,
    record,
    records,
    request,
)

VIRTUAL = {"__archspec": "1 x86_64", "__glibc": "2.41", "__linux": "5.10", "__unix": "0"}
AS_DEPENDENCIES = {"python=3.12": "python 3.12.*", "jupyter-book<2": "jupyter-book <2"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conda-forge")
    real_channel(folder)
    return folder


def versions(files: LockFiles) -> dict[str, str]:
    return {package.name: package.version for package in conda.read(files)}


def locked_records(
    files: LockFiles, known: Mapping[str, Mapping[str, object]], target: Target
) -> list[Mapping[str, object]]:
    """Return the channel's records of the locked packages, after comparing hashes and addresses."""
    found = []
    for entry in {
        each.url: each
        for each in lock_file.parse_lock(files).entries_for(requirements.SUBDIRS[target.platform])
    }.values():
        its = known["/".join(unquote(urlsplit(entry.url).path).split("/")[-2:])]
        assert (entry.name, entry.version, entry.build) == (
            its["name"],
            its["version"],
            its["build"],
        )
        assert (entry.hash.md5, entry.hash.sha256) == (its["md5"], its["sha256"])
        found.append(its)
    return found


def test_solutions_of_the_original_lists_meet_all_dependencies_and_constraints(
    real: Path,
) -> None:
    asked = request(real.as_uri(), base(*BASE), geo(*GEOSPATIAL))
    files = conda.resolve(asked)
    found = locked_records(files, records(real), AMD64)
    assert len(found) > 450
    assert (
        faults(found, VIRTUAL, [AS_DEPENDENCIES.get(each, each) for each in BASE + GEOSPATIAL])
        == []
    )
    assert conda.resolve(asked) == files
    first, both = (
        conda.select(files, AMD64, names)
        for names in (("micromamba-base-build",), (base().name, geo().name))
    )
    assert {pin.name for pin in first} < {pin.name for pin in both} == set(versions(files))
    alone = [each for each in found if each["name"] in {pin.name for pin in first}]
    assert faults(alone, VIRTUAL, [AS_DEPENDENCIES.get(each, each) for each in BASE]) == []


def test_each_platform_gets_its_own_files(real: Path) -> None:
    asked = ["python=3.12", "numpy", "pandas", "matplotlib", "jupyterlab"]
    files = conda.resolve(request(real.as_uri(), base(*asked), targets=(AMD64, ARM64)))
    for target, machine in ((AMD64, "x86_64"), (ARM64, "aarch64")):
        virtual = VIRTUAL | {"__archspec": f"1 {machine}", "__glibc": target.glibc}
        found = locked_records(files, records(real), target)
        assert faults(found, virtual, ["python 3.12.*", *asked[1:]]) == []
        assert len(conda.select(files, target, (base().name,))) == len(found)
    lab = next(each for each in conda.read(files) if each.name == "jupyterlab")
    assert (lab.platforms, len(lab.artifacts)) == (("linux/amd64", "linux/arm64"), 1)


@pytest.mark.parametrize(
    ("requirement", "build"),
    [
        ("blas=*=openblas", "openblas"),
        ("blas 2.* openblas", "openblas"),
        ('blas[build="open*"]', "openblas"),
        ("blas=1", "0"),
        ("blas ==1.0=0", "0"),
        ("blas>=1,<2|>2.1,<3", "mkl"),
    ],
)
def test_requirements_use_condas_syntax(tmp_path: Path, requirement: str, build: str) -> None:
    some = (
        record("blas", "1.0"),
        record("blas", "2.1", build="openblas"),
        record("blas", "2.2", build="mkl"),
    )
    files = conda.resolve(request(channel(tmp_path, *some), base(requirement)))
    assert [each.build for each in conda.read(files)] == [build]


def test_no_requirements(tmp_path: Path) -> None:
    assert conda.resolve(request(channel(tmp_path), base())) == {}
    assert conda.read({}) == ()
    assert conda.select({}, AMD64, ("x",)) == ()


def test_an_edit_keeps_all_pins_that_fit(tmp_path: Path) -> None:
    old = [record("a", "1", "b >=1"), record("b", "1"), record("c", "1")]
    files = conda.resolve(request(channel(tmp_path, *old), base("a")))
    new = [
        *old,
        record("a", "2", "b >=1"),
        record("b", "2"),
        record("b", "3"),
        record("c", "2", "b >=1"),
    ]
    where = channel(tmp_path, *new)
    lines: list[str] = []
    edited = conda.resolve(request(where, base("a", "c"), previous=files, progress=lines.append))
    assert versions(edited) == {"a": "1", "b": "1", "c": "2"}
    assert not [line for line in lines if line.startswith(NOTE)]
    assert conda.resolve(request(where, base("a", "c"), previous=edited)) == edited
    fresh = conda.resolve(
        request(where, base("a", "c"), previous=edited, upgrade=Upgrade(everything=True))
    )
    assert versions(fresh) == {"a": "2", "b": "3", "c": "2"}


def test_only_conflicting_pins_change_and_the_reason_is_reported(tmp_path: Path) -> None:
    many = [record(f"p{number}", version, "a") for number in range(20) for version in ("1", "2")]
    old = [record("a", "1"), record("z", "1", "a <2")]
    names = [f"p{number}" for number in range(20)]
    files = conda.resolve(request(channel(tmp_path, *old, *many[::2]), base("a", "z", *names)))
    where = channel(
        tmp_path,
        *old,
        *many,
        record("a", "2"),
        record("a", "3"),
        record("z", "2"),
        record("n", "1", "a ==2"),
    )
    lines: list[str] = []
    edited = conda.resolve(
        request(where, base("a", "z", "n", *names), previous=files, progress=lines.append)
    )
    assert versions(edited) == {"a": "2", "z": "2", "n": "1", **dict.fromkeys(names, "1")}
    note = next(line for line in lines if line.startswith(NOTE))
    changes = "a 1 -> 2 (n 1 needs a ==2); z 1 -> 2 (it needs a <2, but a is now 2)"
    assert f"linux-64: these packages also had to change: {changes}" in note


def test_an_older_new_package_is_preferred_over_changing_a_pin(
    tmp_path: Path,
) -> None:
    old = [record("a", "1")]
    files = conda.resolve(request(channel(tmp_path, *old), base("a")))
    where = channel(
        tmp_path, *old, record("a", "2"), record("n", "1", "a"), record("n", "2", "a >=2")
    )
    assert versions(conda.resolve(request(where, base("a", "n"), previous=files))) == {
        "a": "1",
        "n": "1",
    }


def test_an_upgrade_changes_a_package_and_its_dependencies(tmp_path: Path) -> None:
    old = [record("a", "1", "b <2"), record("b", "1"), record("c", "1")]
    files = conda.resolve(request(channel(tmp_path, *old), base("a", "c")))
    where = channel(
        tmp_path,
        *old,
        record("a", "2", "b >=2"),
        record("a", "3", "b >=2"),
        record("b", "2"),
        record("c", "2"),
    )
    lines: list[str] = []
    asked = request(where, base("a", "c"), previous=files, progress=lines.append)

    def upgraded(name: str, version: str = "") -> LockFiles:
        return conda.resolve(replace(asked, upgrade=Upgrade(packages={name: version})))

    assert versions(upgraded("c")) == {"a": "1", "b": "1", "c": "2"}
    assert lines == []
    assert versions(upgraded("a")) == {"a": "3", "b": "2", "c": "1"}
    assert lines == [
        f"{NOTE}linux-64: these packages also had to change: b 1 -> 2 (a 3 needs b >=2)"
    ]
    assert versions(upgraded("a", "2")) == {"a": "2", "b": "2", "c": "1"}
    with pytest.raises(UnsolvableError, match="'a ==7' is required by the upgrade"):
        upgraded("a", "7")
    with pytest.raises(ExpectedError, match="conda's lock has no such package"):
        upgraded("nowhere")


def test_a_pin_missing_from_the_channel_is_replaced_and_reported(tmp_path: Path) -> None:
    files = conda.resolve(
        request(channel(tmp_path, record("a", "1", "b"), record("b", "1")), base("a"))
    )
    lines: list[str] = []
    where = channel(tmp_path, record("a", "1", "b"), record("b", "2"))
    moved = conda.resolve(request(where, base("a", "b"), previous=files, progress=lines.append))
    assert versions(moved) == {"a": "1", "b": "2"}
    assert lines == [
        f"{NOTE}linux-64: these packages also had to change: b 1 -> 2 (no longer in the channels)"
    ]


def test_as_of_also_hides_newer_pins(tmp_path: Path) -> None:
    later = BUILD_MS + 86_400_000
    where = channel(
        tmp_path,
        record("a", "1"),
        record("a", "2", timestamp=later),
        record("b", "1", timestamp=later),
    )
    day = datetime.fromtimestamp(BUILD_MS / 1000 + 3600, UTC)
    files = conda.resolve(request(where, base("a")))
    assert versions(files) == {"a": "2"}
    assert versions(conda.resolve(request(where, base("a"), as_of=day))) == {"a": "1"}
    assert versions(conda.resolve(request(where, base("a"), as_of=day, previous=files))) == {
        "a": "1"
    }
    with pytest.raises(UnsolvableError, match="b"):
        conda.resolve(request(where, base("b"), as_of=day))


def test_virtual_packages_are_declared_and_written(tmp_path: Path) -> None:
    where = channel(
        tmp_path,
        record("gpu", "2", "__cuda >=12"),
        record("gpu", "1"),
        record("new", "1", "__glibc >=2.39"),
        record("old", "1", "__glibc <2.39"),
    )
    assert versions(conda.resolve(request(where, base("gpu", "new")))) == {"gpu": "1", "new": "1"}
    options = CondaOptions(channels=(where,), virtual={"__cuda": "12.4", "__glibc": "2.31"})
    files = conda.resolve(request(where, base("gpu", "old"), conda=options))
    assert versions(files) == {"gpu": "2", "old": "1"}
    assert "__cuda: '12.4'" in files["virtual-packages.yml"]
    assert "__glibc: '2.31'" in files["virtual-packages.yml"]


def test_channels_have_priority_in_order(tmp_path: Path) -> None:
    first = channel(tmp_path / "first", record("a", "1"))
    second = channel(tmp_path / "second", record("a", "2"), record("b", "1"))

    def found(priority: str = "strict") -> dict[str, str]:
        asked = CondaOptions(channels=(first, second), priority=priority)
        return versions(conda.resolve(request(first, base("a", "b"), conda=asked)))

    assert found() == {"a": "1", "b": "1"}
    assert found(priority="disabled") == {"a": "2", "b": "1"}
    with pytest.raises(ExpectedError, match="no channel priority 'flexible'"):
        found(priority="flexible")
    named = conda.resolve(
        request(
            second,
            base(f"{second}::a", "b"),
            conda=CondaOptions(channels=(first, second), priority="disabled"),
        )
    )
    assert versions(named) == {"a": "2", "b": "1"}


def test_a_missing_virtual_package_is_named(tmp_path: Path) -> None:
    where = channel(tmp_path, record("a", "1", "__cuda >=12", subdir="linux-64"))
    with pytest.raises(UnsolvableError) as caught:
        conda.resolve(request(where, base("a")))
    assert 'virtual = { cuda = "12.4" } in [builder.micromamba]' in caught.value.hint
    options = CondaOptions(channels=(where,), virtual={"__cuda": "12.4"})
    assert versions(conda.resolve(request(where, base("a"), conda=options))) == {"a": "1"}


def test_an_unsolvable_request_names_the_requirements_and_their_groups(tmp_path: Path) -> None:
    where = channel(tmp_path, record("a", "1", "b <2"), record("b", "1"), record("b", "2"))
    with pytest.raises(UnsolvableError) as caught:
        conda.resolve(request(where, base("a"), geo("b >=2", "missing")))
    assert "'missing' is required by 'micromamba-geo-build'" in caught.value.message
    with pytest.raises(UnsolvableError) as caught:
        conda.resolve(request(where, base("a"), geo("b >=2")))
    assert "linux-64" in caught.value.message
    assert "'a' is required by 'micromamba-base-build'" in caught.value.message
    assert "'b >=2' is required by 'micromamba-geo-build'" in caught.value.message


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("numpy>=", "is not a valid requirement"),
        ("foo;bar", "is not a valid requirement"),
        ("", "is not a valid requirement"),
        ("numpy*", "is not a valid requirement"),
        ("https://example.org/c/noarch/a-1-0.conda?x=1", "is a URL, not a package name"),
        ('a[when="python <3"]', "has a condition"),
    ],
)
def test_invalid_requirements_are_refused(tmp_path: Path, requirement: str, words: str) -> None:
    with pytest.raises(ExpectedError, match=words) as caught:
        conda.resolve(request(channel(tmp_path), base(requirement)))
    assert "micromamba-base-build" in caught.value.message


def test_a_package_without_a_hash_is_refused(tmp_path: Path) -> None:
    where = channel(tmp_path, record("a", "1", sha256=None), record("b", "1", md5=None))
    with pytest.raises(ExpectedError, match="no sha256 for a-1-0"):
        conda.resolve(request(where, base("a")))
    with pytest.raises(ExpectedError, match="no md5 for b-1-0"):
        conda.resolve(request(where, base("b")))


def test_unsupported_platforms_and_engines_are_refused(tmp_path: Path) -> None:
    where = channel(tmp_path, record("a", "1"))
    files = conda.resolve(request(where, base("a")))
    with pytest.raises(ExpectedError, match="no packages for linux/s390x"):
        conda.resolve(request(where, base("a"), targets=(Target(platform="linux/s390x"),)))
    with pytest.raises(ExpectedError, match="not locked for linux/arm64"):
        conda.select(files, ARM64, (base().name,))
    with pytest.raises(ExpectedError, match="no engine 'mamba'"):
        conda.resolve(request(where, base("a"), engine="mamba"))


def test_a_package_of_two_groups_is_in_both_categories(tmp_path: Path) -> None:
    where = channel(tmp_path, record("a", "1", "c"), record("b", "1", "c"), record("c", "1"))
    files = conda.resolve(
        request(where, base("a"), geo("b"), Group(name="other", requirements=("c",)))
    )
    groups = {package.name: package.groups for package in conda.read(files)}
    assert groups["c"] == ("micromamba-base-build", "micromamba-geo-build", "other")
    assert groups["a"] == ("micromamba-base-build",)
    assert [pin.name for pin in conda.select(files, AMD64, ("other",))] == ["c"]


def test_an_upgrade_that_nothing_needs_has_a_remedy() -> None:
    wanted = replace(request("file:///channel"), upgrade=Upgrade(packages={"zlib": "1.3"}))
    with pytest.raises(UnsolvableError, match="no requirement needs it") as caught:
        conda._check_upgraded_versions(wanted, {})
    assert caught.value.hint == "add it to a conda list, or leave out --upgrade-package zlib==1.3"
