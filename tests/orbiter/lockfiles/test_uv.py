"""uv.lock with its revisions, forks and workspace members."""

import gzip

import pytest

from orbiter.lockfiles import uv
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

DATA = TESTS / "data" / "locks"
HEAD = 'version = 1\nrevision = 3\nrequires-python = ">=3.12"\n'


def read(path: str) -> Lock:
    text = gzip.decompress((DATA / f"{path}.gz").read_bytes()).decode()
    assert uv.recognises(text)
    return uv.read(path.rpartition("/")[2], text)


def small(*packages: str, head: str = HEAD) -> Lock:
    return uv.read("uv.lock", "\n".join([head, *packages]))


def package(
    name: str, version: str = "1.0", source: str = 'registry = "https:///simple"', more: str = ""
) -> str:
    number = f'version = "{version}"\n' if version else ""
    return f'[[package]]\nname = "{name}"\n{number}source = {{ {source} }}\n{more}\n'


def by_name(lock: Lock) -> dict[str, PackageEntry]:
    return {each.name: each for each in lock.packages[Scope()]}


def wheel(name: str, size: int = 0) -> str:
    told = f", size = {size}" if size else ""
    return f'{{ url = "https:///packages/ab/{name}", hash = "sha256:{"0" * 64}"{told} }}'


@pytest.mark.parametrize(
    ("pair", "formats", "entries", "names"),
    [
        ("01-jupytergis-gallery", ("1.3", "1.3"), (29, 29), (29, 29)),
        ("02-jupytergis-gallery-extra", ("1.3", "1.3"), (29, 31), (29, 31)),
        ("04-uv-itself-later", ("1.3", "1.3"), (77, 89), (77, 87)),
        ("05-lonboard-first-half-year", ("1", "1.2"), (186, 195), (185, 184)),
    ],
)
def test_counts_of_real_locks(
    pair: str, formats: tuple[str, str], entries: tuple[int, int], names: tuple[int, int]
) -> None:
    locks = [read(f"pairs/uv/{pair}/{side}.uv.lock") for side in ("old", "new")]
    found = [lock.packages[Scope()] for lock in locks]
    assert tuple(lock.format for lock in locks) == tuple(f"uv.lock {each}" for each in formats)
    assert tuple(len(packages) for packages in found) == entries
    assert tuple(len({p.name for p in packages}) for packages in found) == names
    assert all({p.source for p in packages} == {"", "."} for packages in found)
    assert [lock.notes for lock in locks] == [(), ()]
    assert locks[0].facts == {"index": {"of most packages": "https:///simple"}}


def test_a_real_package() -> None:
    lock = by_name(read("pairs/uv/01-jupytergis-gallery/new.uv.lock"))
    certifi = lock["certifi"]
    assert [file.name for file in certifi.files] == [
        "certifi-2026.2.25-py3-none-any.whl",
        "certifi-2026.2.25.tar.gz",
    ]
    assert certifi.files[1].hashes == (
        "sha256:e887ab5cee78ea814d3472169153c2d12cd43b14bd03329a39a9c6e2e80bfba7",
    )
    assert certifi.size == 153684
    assert certifi.direct is False
    assert lock["charset-normalizer"].size == 0
    assert "certifi" in lock["requests"].requires
    assert lock["requests"].direct is True


def test_requirements_of_members_in_any_group_are_direct() -> None:
    wishes = (
        'dependencies = [{ name = "b" }, { name = "a", extra = ["cli"] }]\n'
        '[package.optional-dependencies]\ncli = [{ name = "c" }]\n'
        '[package.dev-dependencies]\ndev = [{ name = "d" }]\ndocs = [{ name = "d" }]\n'
    )
    others = [package(name, more='dependencies = [{ name = "e" }]\n') for name in "bcd"]
    found = by_name(small(package("a", "", 'editable = "."', wishes), *others, package("e")))
    assert {name for name, each in found.items() if each.direct} == {"a", "b", "c", "d"}
    assert (found["c"].groups, found["d"].groups, found["b"].groups) == (
        ("cli",),
        ("dev", "docs"),
        (),
    )
    assert (found["a"].version, found["a"].source, found["a"].requires) == ("", ".", ("b", "c"))


def test_members_of_a_workspace_and_of_a_script() -> None:
    members = f'{HEAD}[manifest]\nmembers = ["a", "b"]\n'
    needs_c, needs_d = 'dependencies = [{ name = "c" }]\n', 'dependencies = [{ name = "d" }]\n'
    packages = (
        package("a", "1", 'virtual = "."', needs_c),
        package("b", "1", 'editable = "b"', needs_d),
    )
    found = by_name(small(*packages, package("c"), package("d"), head=members))
    assert {name: each.direct for name, each in found.items()} == {
        "a": False,
        "b": False,
        "c": True,
        "d": True,
    }
    script = f'{HEAD}[manifest]\nrequirements = [{{ name = "c" }}]\n'
    assert by_name(small(package("c"), package("d"), head=script))["c"].direct is True
    assert by_name(small(package("c")))["c"].direct is None


def test_requested_extras_add_requirements() -> None:
    extras = '[package.optional-dependencies]\nssl = [{ name = "c" }]\nold = [{ name = "d" }]\n'
    needs = 'dependencies = [{ name = "b", extra = ["ssl"] }]\n'
    found = by_name(
        small(package("a", more=needs), package("b", more=extras), package("c"), package("d"))
    )
    assert found["b"].requires == ("c",)


def test_forks_of_a_name() -> None:
    packages = read("pairs/uv/04-uv-itself-later/new.uv.lock").packages[Scope()]
    forks = [each for each in packages if each.name == "fastjsonschema"]
    assert len({each.version for each in forks}) == 2
    assert all(each.version in file.name for each in forks for file in each.files)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'git = "https://me:secret@example.org/a?rev=main#0123abc"',
            ("https://example.org/a", "0123abc"),
        ),
        (
            'registry = "https://me:secret@other.example.org/simple"',
            ("https://other.example.org/simple", ""),
        ),
        ('url = "https://example.org/a-1.0.tar.gz"', ("https://example.org/a-1.0.tar.gz", "")),
        ('directory = "../a"', ("../a", "")),
        ('path = "a-1.0-py3-none-any.whl"', ("a-1.0-py3-none-any.whl", "")),
        ('virtual = "packages/a"', ("packages/a", "")),
    ],
)
def test_sources(source: str, expected: tuple[str, str]) -> None:
    found = by_name(small(package("a", "1.0", source), package("b"), package("c")))
    assert (found["a"].source, found["a"].build) == expected
    assert found["b"].source == ""


@pytest.mark.parametrize(
    ("wheels", "sdist", "size"),
    [
        ([wheel("a-1.0-py3-none-any.whl", 5)], wheel("a-1.0.tar.gz", 7), 5),
        ([wheel("a-1.0-py3-none-any.whl", 5)], "", 5),
        ([], wheel("a-1.0.tar.gz", 7), 7),
        ([wheel("a-1.0-cp312-cp312-win32.whl", 5)], wheel("a-1.0.tar.gz", 7), 0),
        ([wheel("a-1.0-py3-none-any.whl", 5), wheel("a-1.0-cp312-cp312-win32.whl", 6)], "", 0),
        ([wheel("a-1.0-py3-none-any.whl")], "", 0),
    ],
)
def test_a_package_has_a_size_if_all_machines_download_the_same_file(
    wheels: list[str], sdist: str, size: int
) -> None:
    more = f"wheels = [{', '.join(wheels)}]\n" + (f"sdist = {sdist}\n" if sdist else "")
    (found,) = small(package("a", more=more)).packages[Scope()]
    assert found.size == size
    assert len(found.files) == len(wheels) + bool(sdist)


def test_a_lock_set_refers_to_files_by_path() -> None:
    text = (DATA.parent / "pip" / "uv" / "uv.lock").read_text()
    found = by_name(uv.read("uv.lock", text))
    hashes = ("sha256:49b3a825280bd66b3aa83585ef59c4a8c82f2c8a522dbe754a8bc8d08c85c491",)
    assert found["docopt"].files == (PackageFile("docopt-0.6.2.tar.gz", hashes),)
    assert found["docopt"].groups == ("base-build",)


def test_notes() -> None:
    cut = small(package("a", more='dependencies = [{ name = "b" }]\n'))
    assert cut.notes == ("a needs b, which is not in the file: its end may be missing",)
    mixed = small(package("a", "1.0", more=f"wheels = [{wheel('b-1.0-py3-none-any.whl')}]\n"))
    assert mixed.notes == ("a 1.0 lists the file b-1.0-py3-none-any.whl, which is not its own",)


def test_a_cargo_lock_is_not_a_uv_lock() -> None:
    assert not uv.recognises(
        '# generated by Cargo\nversion = 3\n\n[[package]]\nname = "a"\nversion = "1.0"\n'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD.replace("version = 1", "version = 2"),
            ": uv.lock 2 is not supported (newest supported version: 1)",
        ),
        (
            HEAD + package("a", more='wheels = [\n    { url = "https:///a-1.0'),
            ":9: Illegal character '\\n'",
        ),
        (
            HEAD + package("a") + '[[package]]\nversion = "1"\n',
            ":9: package[1]: Object missing required field `name`",
        ),
        (
            HEAD + package("a", source='git = ["b"]'),
            ":4: package[0].source.git: Expected `str`, got `array`",
        ),
        (
            HEAD + package("a", more=f"wheels = [{wheel('a-1-py3-none-any.whl', 10**400)}]"),
            ":4: package[0].wheels[0].size: Expected `int` <= 9007199254740992",
        ),
        (
            HEAD + package("a", more=f"sdist = {wheel('a-1.tar.gz', -1)}"),
            ":4: package[0].sdist.size: Expected `int` >= 0",
        ),
        (f'{HEAD}{package("a")}name = "b"\n', ":9: Cannot overwrite a value"),
    ],
)
def test_broken_locks(text: str, expected: str) -> None:
    with pytest.raises(ExpectedError) as caught:
        uv.read("uv.lock", text)
    assert caught.value.message == f"uv.lock{expected}"
