"""pixi.lock, versions 1 to 7."""

import gzip
from pathlib import Path

import pytest

from orbiter.lockfiles import conda_lock, pixi
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
SPECIMENS = sorted(file for file in (DATA / "pixi").glob("v*.gz"))
PAIRS = sorted((DATA / "pairs" / "pixi").glob("*/*.gz"))
SHA256 = "fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726"
XZ = "https://conda.anaconda.org/conda-forge/linux-64/xz-5.8.1-hbcc6ac9_2.conda"
HEAD = (
    "environments:\n  default:\n    channels:\n"
    "    - url: https://conda.anaconda.org/conda-forge/\n    packages:\n"
)
SIX = f"version: 6\n{HEAD}      linux-64:\n"


def text_of(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


def read(name: str) -> Lock:
    return pixi.read("pixi.lock", text_of(DATA / "pixi" / f"{name}.pixi.lock.gz"))


def all_of(lock: Lock) -> list[PackageEntry]:
    return [package for place in lock.packages.values() for package in place]


def one(text: str) -> PackageEntry:
    (package,) = all_of(pixi.read("pixi.lock", text))
    return package


def pypi(address: str, more: str = "", reference: str = "") -> PackageEntry:
    return one(
        f"{SIX}      - pypi: {address}\n{reference}packages:\n- pypi: {address}\n"
        f"  name: Some_Thing\n{more}"
    )


def message(text: str) -> str:
    with pytest.raises(ExpectedError) as caught:
        pixi.read("pixi.lock", text)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    "file", [*SPECIMENS, *PAIRS], ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_real_files_are_read(file: Path) -> None:
    text = text_of(file)
    assert pixi.recognises(text)
    assert not conda_lock.recognises(text)
    lock = pixi.read(file.name, text)
    version = next(line for line in text.splitlines() if line.startswith("version: "))
    assert lock.format == f"pixi.lock {version.removeprefix('version: ')}"
    assert not lock.notes
    assert all(package.name and (package.version or package.source) for package in all_of(lock))


@pytest.mark.parametrize(
    ("file", "entries", "names"),
    [
        ("01-docker-example/old", 240, 50),
        ("01-docker-example/new", 224, 46),
        ("02-pypi-example-v1-to-v3/old", 162, 94),
        ("02-pypi-example-v1-to-v3/new", 333, 102),
        ("03-py-rattler-v4-to-v5/old", 462, 139),
        ("03-py-rattler-v4-to-v5/new", 787, 159),
        ("04-nebari-jupyterlab/old", 855, 429),
        ("04-nebari-jupyterlab/new", 891, 447),
        ("05-pixi-v5-to-v6/old", 1288, 213),
        ("05-pixi-v5-to-v6/new", 2347, 299),
        ("06-pixi-v6-to-v7/old", 3197, 317),
        ("06-pixi-v6-to-v7/new", 2430, 260),
    ],
)
def test_every_reference_is_read(file: str, entries: int, names: int) -> None:
    packages = all_of(pixi.read(file, text_of(DATA / "pairs" / "pixi" / f"{file}.pixi.lock.gz")))
    assert len(packages) == entries
    assert len({(package.manager, package.name) for package in packages}) == names


def test_scopes_share_their_packages() -> None:
    packages = all_of(read_pair("06-pixi-v6-to-v7/old"))
    assert len({id(package) for package in packages}) == len(set(packages)) < len(packages)


def read_pair(name: str) -> Lock:
    return pixi.read("pixi.lock", text_of(DATA / "pairs" / "pixi" / f"{name}.pixi.lock.gz"))


BZIP2 = PackageEntry(
    manager="conda",
    name="bzip2",
    version="1.0.8",
    build="h99b78c6_7",
    source="conda-forge",
    files=(
        PackageFile(
            "bzip2-1.0.8-h99b78c6_7.conda",
            (
                "md5:fc6948412dbbbe9a4c9ddbbcfe0a79ab",
                "sha256:adfa71f158cbd872a36394c56c3568e6034aa55c623634b37a4836bd036e6b91",
            ),
            "prefix.dev/conda-forge",
        ),
    ),
    size=122909,
    licence="bzip2-1.0.6",
    requires=("__osx",),
)


@pytest.mark.parametrize("version", [6, 7])
def test_a_conda_package_by_its_url(version: int) -> None:
    lock = read(f"v{version}-numpy-as-pypi-lock")
    place = lock.packages[Scope("default", "osx-arm64")]
    assert BZIP2 in place
    (numpy,) = [package for package in place if package.manager == "pip"]
    assert (numpy.name, numpy.version, numpy.source, numpy.size) == ("numpy", "2.2.1", "", 0)
    assert numpy.files[0].name == "numpy-2.2.1-cp313-cp313-macosx_11_0_arm64.whl"
    assert lock.facts["channels"] == {"in order": "https://prefix.dev/conda-forge/"}
    assert lock.facts["index"] == {"in order": "https:///simple"}


@pytest.mark.parametrize("size", ["-1", "9" * 20, "9" * 5000])
def test_a_size_that_no_file_has_is_unknown(size: str) -> None:
    text = (
        "version: 6\n"
        "environments: {default: {channels: [], packages: "
        "{linux-64: [conda: https://h/c/linux-64/a-1-b_0.conda]}}}\n"
        f"packages:\n- {{conda: https://h/c/linux-64/a-1-b_0.conda, size: {size}}}\n"
    )
    ((package,),) = pixi.read("pixi.lock", text).packages.values()
    assert (package.name, package.size) == ("a", 0)


def test_the_structure_of_conda_lock() -> None:
    lock = read_pair("02-pypi-example-v1-to-v3/old")
    linux = {
        (package.manager, package.name): package for package in lock.packages[Scope("", "linux-64")]
    }
    assert linux["conda", "_openmp_mutex"].requires == ("_libgcc_mutex", "libgomp")
    assert linux["conda", "_openmp_mutex"].size == 23621
    assert linux["conda", "_libgcc_mutex"].licence == ""
    assert linux["pip", "astunparse"].requires == ("wheel", "six")
    assert linux["pip", "absl-py"].files == (
        PackageFile(
            "absl_py-2.0.0-py3-none-any.whl",
            ("sha256:9a28abb62774ae4e8edbe2dd4c49ffcd45a6a848952a5eccc6a49f3f0fc1e2f3",),
        ),
    )


def test_kinds_of_sources() -> None:
    place = {
        package.name: package
        for package in read("v4-path-based-lock").packages[Scope("default", "win-64")]
    }
    assert place["flask"].source == "git+ssh://github.com/pallets/flask"
    assert place["flask"].build == "b90a4f1f4a370e92054b9cc9db0efcb864f87ebe"
    assert "asgiref" not in place["flask"].requires  # only of an extra
    assert place["click"].source == "https://github.com/pallets/click/releases/download/8.1.7"
    assert (place["minimal-project"].source, place["minimal-project"].files) == (
        "minimal_project",
        (),
    )
    assert place["idna"].source == ""


def test_packages_with_the_same_url() -> None:
    for version in (6, 7):
        lock = read(f"v{version}-conda-path-lock")
        places = {
            place: [(package.name, package.build, package.source) for package in packages]
            for place, packages in lock.packages.items()
        }
        linux = "linux-64" if version == 6 else "linux-64-foobar"
        assert places[Scope("default", linux)] == [
            ("minimal-project", "first", "../minimal-project")
        ]
        assert places[Scope("second", "win-64")] == [
            ("minimal-project", "second", "../minimal-project")
        ]
        assert sorted(places[Scope("default", "win-64")]) == [
            ("a-python-project", "py38", "../a-python-project"),
            ("b-python-project", "h398123", "../a-python-project"),
            ("minimal-project", "first", "../minimal-project"),
        ]


@pytest.mark.parametrize("version", [6, 7])
def test_the_source_of_a_package(version: int) -> None:
    (package,) = all_of(read(f"v{version}-pixi-build-git-tag-source-lock"))
    assert package.version == "1.2.0"
    assert (
        package.source
        == "pixi-tag-package (https://github.com/example/pixi-package.git def456789012345)"
    )


def test_virtual_packages_of_platforms() -> None:
    assert read("v7-conda-path-lock").facts["virtual packages"] == {
        "linux-64-foobar": "__libc >= 32"
    }


def test_environments_with_other_channels() -> None:
    first = HEAD.replace("packages:", "packages: {}")
    second = first.partition("\n")[2].replace("default", "other").replace("conda-forge", "bioconda")
    text = f"version: 6\n{first}{second}packages: []\n"
    assert pixi.read("pixi.lock", text).facts["channels"] == {
        "default": "https://conda.anaconda.org/conda-forge/",
        "other": "https://conda.anaconda.org/bioconda/",
    }


def test_extras_add_their_requirements() -> None:
    wheel = "https://example.com/some_thing-1.0-py3-none-any.whl"
    needs = "  version: '1.0'\n  requires_dist:\n  - Foo.Bar[x]>=1\n  - baz ; extra == 'dev'\n"
    without, asked = pypi(wheel, needs), pypi(wheel, needs, "        extras:\n        - dev\n")
    assert (without.requires, without.groups) == (("foo-bar",), ())
    assert (asked.requires, asked.groups) == (("foo-bar", "baz"), ("dev",))


@pytest.mark.parametrize("address", [".", "./"])
def test_a_folder_has_no_file(address: str) -> None:
    assert pypi(address, f"  version: 0.1.0\n  sha256: {SHA256}\n") == PackageEntry(
        manager="pip", name="some-thing", version="0.1.0", source="."
    )


@pytest.mark.parametrize(
    "address",
    [
        "git+https://example.com/a/b?rev=main#2d4ad799442f",
        "git+https://example.com/a/b@2d4ad799442f",
    ],
)
def test_a_git_commit(address: str) -> None:
    found = pypi(address, "  version: 0.1.0\n")
    assert (found.source, found.build) == ("git+https://example.com/a/b", "2d4ad799442f")


def test_a_package_from_another_index() -> None:
    wheel, other = (
        f"https://{host}/{name}-1.0-py3-none-any.whl" for host, name in (("a", "aa"), ("b", "bb"))
    )
    hashed = f"  version: '1.0'\n  sha256: {SHA256}\n"
    text = (
        f"{SIX}      - pypi: {wheel}\n      - pypi: {other}\npackages:\n"
        f"- pypi: {wheel}\n  name: aa\n{hashed}"
        f"- pypi: {other}\n  name: bb\n{hashed}  index: https://user:secret@b/simple\n"
    )
    assert [package.source for package in all_of(pixi.read("pixi.lock", text))] == [
        "https://a",
        "https://b/simple",
    ]


def test_a_faulty_merge_is_noted() -> None:
    text = f"{SIX}      - conda: {XZ}\npackages:\n- conda: {XZ}\n  version: 5.8.2\n"
    assert pixi.read("pixi.lock", text).notes == (
        "xz 5.8.2 lists the file xz-5.8.1-hbcc6ac9_2.conda, which is not its own",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "version: 8\nenvironments: {}\npackages: []\n",
            "pixi.lock: pixi.lock 8 is not supported (newest supported version: 7)",
        ),
        (
            "version: x\nenvironments: {}\npackages: []\n",
            "pixi.lock: the 'version' must be a number, not 'x'",
        ),
        (
            f"{HEAD}      linux-64: []\npackages: []\n",
            "pixi.lock: the 'version' must be a number, not ''",
        ),
        (
            f"{SIX}      - conda: {XZ}\npackages: []\n",
            f"pixi.lock: the environment default for linux-64 refers to '{XZ}', which "
            f"is not among the packages",
        ),
        (
            f"{SIX}      - conda: {XZ}\npackages:\n- conda: {XZ}\n  sha256: fe51\n",
            f"pixi.lock:10: the package {XZ}: 'fe51' is not a valid sha256",
        ),
        (
            f"{SIX}      - conda: ./a\npackages:\n- conda: ./b\n  name: b\n- conda: ./a\n",
            "pixi.lock:12: the package ./a has no name",
        ),
        (
            f"{SIX.replace('6', '4', 1)}      - conda: a\npackages:\n- kind: cargo\n  url: a\n",
            "pixi.lock:10: the package a has an unknown kind: 'cargo'",
        ),
        (f"{SIX}      - conda: {XZ}\n", "pixi.lock: Object missing required field `packages`"),
        (
            f"{SIX}      - conda: {XZ}\npackages:\n",
            "pixi.lock: packages: Expected `array`, got `null`",
        ),
        (
            "version: 6\nenvironments:\n  default: x\npackages: []\n",
            "pixi.lock: environments[...]: Expected `object`",
        ),
    ],
)
def test_errors_contain_the_line(text: str, expected: str) -> None:
    assert message(text).startswith(expected)


def test_a_newer_version_in_an_old_structure() -> None:
    text = text_of(DATA / "pixi" / "forward-compatible-lock.pixi.lock.gz")
    assert pixi.recognises(text)
    assert not conda_lock.recognises(text)
    assert (
        message(text) == "pixi.lock: pixi.lock 1000 is not supported (newest supported version: 7)"
    )
