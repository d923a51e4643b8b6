"""Edits of images.toml: where requirements are written, and every other byte stays."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.config.mistakes import ConfigError
from orbiter.edit.add import add
from orbiter.edit.bounds import with_bound
from orbiter.edit.changes import Edited, with_bounds
from orbiter.edit.images_file import ImagesFile, read_images_file
from orbiter.edit.managers import manager_of
from orbiter.edit.remove import remove
from orbiter.edit.stages import find_targets
from orbiter.lockfiles.lock_set import as_lock
from orbiter.lockset import folder
from resolvers.errors import ExpectedError
from tests.support.paths import ROOT

IMAGES = """\
version = "0.1.0"
repository = "a/b"

[sets]
tools = ["git", "curl"]
science = [
    "numpy>=2",  # arrays
    "pandas",
]

[index.cpu]
url = "https://example.org/simple"

[builder.debian]
from = { debian = "trixie" }

[builder.micromamba]

[image.debian.core]
apt = ["@tools", "python3"]

[image.debian.base]
from = "core"
# for the notebooks
[image.debian.base.build]
from = "core"
pip = ["@science", { requirement = "torch>=2", index = "cpu" }]
npm = [
  "d3@^7",     # plots
  "canvas"
]

[image.micromamba.base]
[image.micromamba.base.build]
conda = ["python=3.13", "pandas>=2"]
"""


def document(tmp_path: Path, text: str = IMAGES) -> ImagesFile:
    (tmp_path / "images.toml").write_bytes(text.encode())
    return read_images_file(tmp_path / "images.toml")


def added(
    doc: ImagesFile, *requirements: str, image: str = "debian-base", manager: str = ""
) -> Edited:
    return add(doc, requirements, find_targets(doc, (image,)), manager)


@pytest.mark.parametrize(
    ("requirement", "old", "new"),
    [
        ("scipy>=1", '"cpu" }]', '"cpu" }, "scipy>=1"]'),
        ("torch>=3", "torch>=2", "torch>=3"),
        ("Torch[opt]==3; python_version > '3'", "torch>=2", "Torch[opt]==3; python_version > '3'"),
        ("@types/node", '  "canvas"\n', '  "canvas",\n  "@types/node"\n'),
        ("canvas@^3.1", '"canvas"', '"canvas@^3.1"'),
        ("d3@^8", '"d3@^7",     #', '"d3@^8",     #'),
    ],
)
def test_a_requirement_goes_to_the_list_of_its_manager(
    tmp_path: Path, requirement: str, old: str, new: str
) -> None:
    edited = added(document(tmp_path), requirement)
    assert edited.text == IMAGES.replace(old, new, 1)


@pytest.mark.parametrize(
    ("image", "manager", "requirement", "old", "new"),
    [
        ("debian-base", "apt", "jq", '"core"\n# for', '"core"\napt = ["jq"]\n# for'),
        ("core", "apt", "jq", '"python3"]', '"python3", "jq"]'),
        ("debian-base-build", "apt", "jq", '"canvas"\n]\n', '"canvas"\n]\napt = ["jq"]\n'),
        ("micromamba-base", "", "scipy", 'pandas>=2"]', 'pandas>=2", "scipy"]'),
        ("micromamba-base", "", "pandas>=3", "pandas>=2", "pandas>=3"),
        ("micromamba-base", "pip", "pandas>=3", '2"]\n', '2"]\npip = ["pandas>=3"]\n'),
    ],
)
def test_packages_of_environments_go_to_the_build_stage_and_those_of_the_system_do_not(
    tmp_path: Path, image: str, manager: str, requirement: str, old: str, new: str
) -> None:
    edited = added(document(tmp_path), requirement, image=image, manager=manager)
    assert edited.text == IMAGES.replace(old, new, 1)


def test_a_name_alone_does_not_change_a_requirement(tmp_path: Path) -> None:
    edited = added(document(tmp_path), "numpy", "Pandas")
    assert not edited.changes
    assert edited.text == IMAGES
    assert [entry.list for entry in edited.kept] == ["sets.science", "sets.science"]


def test_a_set_of_one_image_is_edited_and_one_of_several_is_not(tmp_path: Path) -> None:
    edited = added(document(tmp_path), "numpy>=3")
    assert edited.text == IMAGES.replace("numpy>=2", "numpy>=3")
    (change,) = edited.changes
    assert (change.place, change.old, change.new) == ("sets.science", "numpy>=2", "numpy>=3")
    shared = IMAGES.replace('conda = ["python', 'pip = ["@science"]\nconda = ["python')
    doc = document(tmp_path, shared)
    with pytest.raises(ExpectedError, match=r"sets\.science, which is also used by micromamba"):
        added(doc, "numpy>=3")
    both = add(doc, ("numpy>=3",), find_targets(doc, ("debian-base", "micromamba-base")), "pip")
    assert both.text == shared.replace("numpy>=2", "numpy>=3")
    assert both.changes[0].stages == ("debian-base-build", "micromamba-base-build")


def test_a_set_that_two_managers_use_is_edited_once(tmp_path: Path) -> None:
    text = IMAGES.replace('"pandas>=2"]', '"@science"]')
    doc = document(tmp_path, text)
    both = find_targets(doc, ("debian-base", "micromamba-base"))
    edited = add(doc, ("numpy>=3",), both)
    assert edited.text == text.replace("numpy>=2", "numpy>=3")
    assert [change.manager for change in edited.changes] == ["pip", "conda"]
    assert remove(doc, ("numpy",)).text == text.replace('    "numpy>=2",  # arrays\n', "")
    with pytest.raises(ExpectedError, match="also used by micromamba-base-build"):
        added(doc, "numpy>=3")


def test_extras_and_bounds_of_listed_packages(tmp_path: Path) -> None:
    doc = document(tmp_path)
    edited = added(doc, "numpy[dev]", "torch[opt]")
    assert [change.old for change in edited.changes] == ["numpy>=2", "torch>=2"]
    versions = dict(zip(edited.changes, ("2.5.5", "2.9+cpu"), strict=True))
    bounded = with_bounds(edited, versions)
    assert bounded.text == IMAGES.replace("numpy>=2", "numpy[dev]>=2.5.5").replace(
        "torch>=2", "torch[opt]>=2.9"
    )


def test_several_images_get_the_requirement_in_one_edit(tmp_path: Path) -> None:
    doc = document(tmp_path)
    edited = add(doc, ("flask>=3",), find_targets(doc, ("debian-base", "micromamba-base")))
    assert tomllib.loads(edited.text)["image"]["micromamba"]["base"]["build"]["conda"][-1] == (
        "flask>=3"
    )
    assert [change.manager for change in edited.changes] == ["pip", "conda"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("debian-base", "", "numpy=2"), "'numpy=2' is not a valid pip requirement"),
        (("debian-base", "", "@tools"), "'@tools' is not a valid pip requirement"),
        (("debian-base", "apt", "Git"), "'Git' is not a valid apt requirement"),
        (("debian-base", "conda", "numpy"), "the builder 'debian' does not support conda"),
        (("base", "", "numpy"), "several builders have an image 'base'"),
        (("geo", "", "numpy"), "images.toml has no image or stage 'geo'"),
        (("debian", "", "numpy"), "'debian' is the base of a builder"),
        (("debian-base", "", "flask", "Flask>=1"), "'Flask>=1' and 'flask' are for the same"),
        (("debian-base", "", "a" * 5000 + "!"), "is not a valid pip requirement"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, words: tuple[str, ...], problem: str) -> None:
    image, manager, *requirements = words
    with pytest.raises(ExpectedError) as error:
        added(document(tmp_path), *requirements, image=image, manager=manager)
    assert problem in error.value.message
    assert error.value.hint


def test_without_an_image_the_only_one_is_used(tmp_path: Path) -> None:
    doc = document(tmp_path)
    with pytest.raises(ExpectedError) as error:
        find_targets(doc, ())
    assert "debian-core, debian-base, micromamba-base" in error.value.hint
    one = document(
        tmp_path,
        IMAGES.partition("[builder.micromamba]")[0] + '[image.debian.x]\napt = ["@tools"]\n',
    )
    (target,) = find_targets(one, ())
    assert target.stages == ("debian-x",)


CORE_AND_BASE = (
    IMAGES.partition("[builder.micromamba]")[0]
    + """\
[image.debian.core]
apt = ["python3"]

[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
"""
)


@pytest.mark.parametrize(
    ("more", "chosen"),
    [
        ("", ("debian-base-build", "debian-base")),
        ("[image.debian.plain]\n", ("debian-base-build", "debian-base")),
        ('[image.debian.lab]\nfrom = "base"\n', None),
        ("[image.debian.lab.build]\n", None),
    ],
)
def test_the_only_image_with_a_build_stage_is_used_if_none_starts_from_it(
    tmp_path: Path, more: str, chosen: tuple[str, ...] | None
) -> None:
    doc = document(tmp_path, CORE_AND_BASE + more)
    if chosen:
        assert [target.stages for target in find_targets(doc, ())] == [chosen]
    else:
        with pytest.raises(ExpectedError, match="several images"):
            find_targets(doc, ())


def test_an_invalid_result_is_refused(tmp_path: Path) -> None:
    text = IMAGES.replace("npm = [\n", 'npm-scripts = ["canvas"]\nnpm = [\n')
    doc = document(tmp_path, text)
    with pytest.raises(ConfigError, match=r"with this change: .*has no effect"):
        remove(doc, ("d3", "canvas"))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("torch", ', { requirement = "torch>=2", index = "cpu" }', ""),
        ("NumPy", '    "numpy>=2",  # arrays\n', ""),
        ("curl", ', "curl"', ""),
        ("canvas", '  "d3@^7",     # plots\n  "canvas"\n', '  "d3@^7"     # plots\n'),
    ],
)
def test_a_requirement_is_removed_where_it_is(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    assert remove(document(tmp_path), (name,)).text == IMAGES.replace(old, new, 1)


def test_an_ambiguous_name_lists_the_places(tmp_path: Path) -> None:
    doc = document(tmp_path)
    with pytest.raises(ExpectedError) as error:
        remove(doc, ("pandas",))
    assert "sets.science: pandas" in error.value.message
    assert "image.micromamba.base.build.conda: pandas>=2" in error.value.message
    assert "--image NAME or --manager NAME" in error.value.hint
    edited = remove(doc, ("pandas",), manager="conda")
    assert edited.text == IMAGES.replace(', "pandas>=2"', "")
    assert remove(doc, ("pandas",), find_targets(doc, ("debian-base",))).changes[0].place == (
        "sets.science"
    )


def test_a_package_that_is_not_a_requirement_says_who_needs_it(tmp_path: Path) -> None:
    locked = as_lock(folder.read(ROOT / "locks" / "0.2.0"), "0.2.0")
    doc = document(tmp_path)
    with pytest.raises(ExpectedError, match=r"required by jupyter-server-proxy"):
        remove(doc, ("jupyter-server",), read_lock=lambda: locked)
    with pytest.raises(ExpectedError) as error:
        remove(doc, ("nunpy",))
    assert error.value.hint == "did you mean 'numpy'?"
    with pytest.raises(ExpectedError) as error:
        remove(doc, ("curl",), find_targets(doc, ("micromamba-base",)))
    assert "of micromamba-base" in error.value.message
    assert error.value.hint == "it is in sets.tools"


@pytest.mark.parametrize(
    ("manager", "requirement", "version", "bound"),
    [
        ("pip", "numpy", "2.4.0", "numpy>=2.4.0"),
        ("pip", "dask[array]", "2026.1", "dask[array]>=2026.1"),
        ("pip", "torch", "2.4.0+cpu", "torch>=2.4.0"),
        ("conda", "numpy", "2.4.0", "numpy>=2.4.0,<3"),
        ("conda", "conda-forge::proj", "0.4.1", "conda-forge::proj>=0.4.1,<0.5"),
        ("conda", "tzdata", "2025b", "tzdata>=2025b"),
        ("npm", "@types/node", "22.1.0", "@types/node@^22.1.0"),
        ("apt", "git", "1:2.47.3-0+deb13u1", "git"),
        ("apk", "git", "2.52.0-r0", "git"),
    ],
)
def test_bounds_have_the_form_of_the_ecosystem(
    manager: str, requirement: str, version: str, bound: str
) -> None:
    assert with_bound(manager, requirement, version) == bound


@pytest.mark.parametrize(
    ("requirement", "builder", "manager"),
    [
        ("numpy", "debian", "pip"),
        ("numpy>=2", "micromamba", "conda"),
        ("conda-forge::proj", "micromamba", "conda"),
        ("dask[array]", "micromamba", "pip"),
        ("blas[build=openblas]", "micromamba", "conda"),
        ("lab @ https://example.org/lab-1.0-py3-none-any.whl", "micromamba", "pip"),
        ("@jupyterlab/git", "debian", "npm"),
        ("d3@^7", "micromamba", "npm"),
        ("cmd:jq", "alpine", "apk"),
        ("lab-tool@lab", "alpine", "apk"),
        ("d3@^7", "alpine", "npm"),
    ],
)
def test_the_form_of_a_requirement_shows_its_manager(
    requirement: str, builder: str, manager: str
) -> None:
    assert manager_of(requirement, builder, ()) == manager


NEW = st.sampled_from(["zzz-lab>=1", "zzz[a]==2", "@zzz/npm@^1", "zzz@^1", "zzz>=1,<2"])
COMMENTS = st.sampled_from(["", "  # why", "\n# a line", "\n\n"])


@given(data=st.data(), comment=COMMENTS, line_break=st.sampled_from(["\n", "\r\n"]))
def test_adding_and_removing_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, comment: str, line_break: str
) -> None:
    text = IMAGES.replace("]\n", f"]{comment}\n", data.draw(st.integers(0, 9)))
    text = (data.draw(st.sampled_from(["", "\ufeff"])) + text).replace("\n", line_break)
    text = text.rstrip() + data.draw(st.sampled_from(["", line_break, 2 * line_break]))
    doc = document(tmp_path_factory.mktemp("edit"), text)
    image = data.draw(st.sampled_from(["debian-base", "core", "micromamba-base"]))
    edited = added(doc, data.draw(NEW), image=image)
    (change,) = edited.changes
    lines = set(edited.content.decode().splitlines()) - set(text.splitlines())
    assert len(lines) <= 2  # the new line, and the one before that got a comma
    again = document(tmp_path_factory.mktemp("edit"), edited.content.decode())
    name = next(entry.name for entry in again.entries if entry.text == change.new)
    assert remove(again, (name,)).content == text.encode()


@pytest.mark.parametrize("image", ["debian-base", "alpine-base", "micromamba-base"])
def test_the_projects_own_images_can_be_edited(image: str) -> None:
    text = (ROOT / "images.toml").read_text(encoding="utf-8")
    doc = read_images_file(ROOT / "images.toml")
    edited = added(doc, "zzz-lab>=1", image=image)
    old, new = text.splitlines(), edited.text.splitlines()
    assert len(set(new) - set(old)) == 1
    assert tomllib.loads(edited.text) != tomllib.loads(text)
