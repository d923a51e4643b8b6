"""poetry.lock of all formats since 2018."""

import gzip

import pytest

from orbiter.lockfiles import poetry
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
METADATA = '[metadata]\nlock-version = "2.1"\npython-versions = "*"\ncontent-hash = "0"\n'


def text_of(path: str) -> str:
    return gzip.decompress((DATA / f"{path}.gz").read_bytes()).decode()


def read(path: str) -> Lock:
    text = text_of(path)
    assert poetry.recognises(text)
    return poetry.read(path.rpartition("/")[2], text)


def named(lock: Lock, name: str) -> list[PackageEntry]:
    return [package for package in lock.packages[Scope()] if package.name == name]


def package(name: str, version: str = "1.0", more: str = "") -> str:
    head = (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\n'
        f'python-versions = "*"\n'
    )
    return f"{head}{more}\n"


@pytest.mark.parametrize(
    ("pair", "formats", "entries", "names"),
    [
        ("01-orbiter", ("1.1", "1.1"), (97, 238), (97, 238)),
        ("02-poetry-prerelease-format", ("0", "0"), (62, 95), (62, 86)),
        ("03-poetry-1.1-to-2.0", ("1.1", "2.0"), (83, 85), (83, 84)),
        ("04-poetry-2.0-to-2.1", ("2.0", "2.1"), (68, 78), (68, 78)),
    ],
)
def test_counts_of_real_locks(
    pair: str, formats: tuple[str, str], entries: tuple[int, int], names: tuple[int, int]
) -> None:
    locks = [read(f"pairs/poetry/{pair}/{side}.poetry.lock") for side in ("old", "new")]
    found = [lock.packages[Scope()] for lock in locks]
    assert tuple(lock.format for lock in locks) == tuple(f"poetry.lock {each}" for each in formats)
    assert tuple(len(packages) for packages in found) == entries
    assert tuple(len({p.name for p in packages}) for packages in found) == names
    assert all(p.direct is None and p.manager == "pip" for packages in found for p in packages)
    assert [lock.notes for lock in locks] == [(), ()]


def test_hashes_without_file_names() -> None:
    (appdirs,) = named(read("pairs/poetry/02-poetry-prerelease-format/old.poetry.lock"), "appdirs")
    assert appdirs.files == (
        PackageFile(
            "", ("sha256:9e5896d1372858f8dd3344faf4e5014d21849c756c8d5701f78f8a103b372d92",)
        ),
        PackageFile(
            "", ("sha256:d8b24664561d0d34ddfaec54636d502d7cea6e29c3eaf68f3df6180863e2166e",)
        ),
    )


def test_hashes_in_metadata_files() -> None:
    (sample,) = read("poetry/old_lock.poetry.lock").packages[Scope()]
    assert sample.files[0] == PackageFile(
        "sampleproject-1.3.1-py2.py3-none-any.whl",
        ("sha256:26c9172e08244873b0e09c574a229bf2c251c67723a05e08fd3ec0c5ee423796",),
    )
    assert len(sample.files) == 3


def test_files_with_the_package_and_its_groups() -> None:
    (build,) = named(read("pairs/poetry/04-poetry-2.0-to-2.1/new.poetry.lock"), "build")
    assert build.groups == ("main",)
    assert [file.name for file in build.files] == [
        f"build-{build.version}-py3-none-any.whl",
        f"build-{build.version}.tar.gz",
    ]
    assert {"packaging", "pyproject-hooks"} <= set(build.requires)


def test_two_versions_of_a_name_have_their_own_files() -> None:
    files = "\n".join(
        f'  {{file = "a-{version}.tar.gz", hash = "sha256:{version[0] * 64}"}},'
        for version in ("1.0", "2.0")
    )
    text = (
        package("A", "1.0")
        + package("A", "2.0")
        + f"{METADATA}[metadata.files]\nA = [\n{files}\n]\n"
    )
    first, second = poetry.read("poetry.lock", text).packages[Scope()]
    assert (first.name, first.version, first.files) == (
        "a",
        "1.0",
        (PackageFile("a-1.0.tar.gz", ("sha256:" + "1" * 64,)),),
    )
    assert (second.version, second.files) == (
        "2.0",
        (PackageFile("a-2.0.tar.gz", ("sha256:" + "2" * 64,)),),
    )


def test_category_and_optional() -> None:
    text = (
        package("a", more='category = "dev"\n').replace("optional = false", "optional = true")
        + METADATA
    )
    assert poetry.read("poetry.lock", text).packages[Scope()][0].groups == ("dev", "optional")


SOURCES = """
[package.source]
type = "git"
url = "https://me:secret@example.org/a.git"
reference = "main"
resolved_reference = "0123456789012345678901234567890123456789"
"""


def test_sources() -> None:
    git = poetry.read("poetry.lock", package("a", more=SOURCES) + METADATA).packages[Scope()][0]
    assert (git.source, git.build) == (
        "https://example.org/a.git",
        "0123456789012345678901234567890123456789",
    )
    directory = named(read("poetry/with_path_dependency.poetry.lock"), "bazz")[0]
    assert (directory.source, directory.build, directory.files) == ("bazz", "", ())
    file = read("poetry/deleted_file_dependency.poetry.lock").packages[Scope()][0]
    assert file.source == "missing-0.1.0-py2.py3-none-any.whl"


def test_requirements_of_extras_count_for_packages_without_another_parent() -> None:
    needs = (
        '[package.dependencies]\nb = {version = "*", optional = true}\n'
        'c = {version = "*", optional = true}\n'
    )
    lock = (
        package("a", more=needs)
        + package("b")
        + package("c")
        + package("d", more='[package.dependencies]\nc = "*"\n')
    )
    a, _, _, d = poetry.read("poetry.lock", lock + METADATA).packages[Scope()]
    assert (a.requires, d.requires) == (("b",), ("c",))


def test_a_file_that_belongs_to_another_version_is_noted() -> None:
    files = 'files = [{file = "a-2.0.tar.gz", hash = "sha256:0"}]\n'
    lock = poetry.read("poetry.lock", package("a", "1.0", files) + METADATA)
    assert lock.notes == ("a 1.0 lists the file a-2.0.tar.gz, which is not its own",)


@pytest.mark.parametrize(
    "file", ["A_b-1.0.0.tar.gz", "a.b-1-py3-none-any.whl", "a_b-1.0-cp311-cp311-win32.whl"]
)
def test_other_notations_of_a_file_name_are_not_noted(file: str) -> None:
    lock = poetry.read(
        "poetry.lock",
        package("a-b", "1.0", f'files = [{{file = "{file}", hash = "sha256:0"}}]\n') + METADATA,
    )
    assert lock.notes == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            text_of("poetry/invalid_lock.poetry.lock"),
            ":1: Expected '=' after a key in a key/value pair",
        ),
        (
            text_of("poetry/incompatible_lock.poetry.lock"),
            ": poetry.lock 999.0 is not supported (newest supported version: 2.1)",
        ),
        (package("a"), ": no [metadata]: the end of the file is missing"),
        (package("a")[:25], ":3: Expected '=' after a key in a key/value pair"),
        (
            package("a") + '[[package]]\nname = "b"\n' + METADATA,
            ":7: package[1]: Object missing required field `version`",
        ),
        (f'package = "a"\n{METADATA}', ": package: Expected `array`, got `str`"),
    ],
)
def test_broken_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        poetry.read("poetry.lock", text)
    assert caught.value.message == f"poetry.lock{expected}"
    assert caught.value.hint
