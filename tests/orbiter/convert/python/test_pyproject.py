"""Import of pyproject.toml: extras and groups, and the tables of Poetry, uv and PDM."""

from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from tests.support.imports import Imported, import_text

HEAD = '[project]\nname = "lab"\nversion = "1"\n'


def imported(folder: Path, text: str, *words: str) -> Imported:
    done = import_text(folder, "pyproject.toml", text, *words)
    assert done.code == 0, done.err
    read_image_set(folder / "images.toml")
    return done


def test_groups_and_extras_are_chosen_by_name(tmp_path: Path) -> None:
    text = f"""\
{HEAD}dependencies = ["a"]
optional-dependencies = {{ plots = ["b"], more = ["c"] }}
[dependency-groups]
test = ["d", {{ include-group = "Lint" }}]
lint = ["e", {{ include-group = "test" }}]
"""
    done = imported(tmp_path, text, "--group", "plots", "--group", "test")
    assert done.entries("pip") == ["a", "b", "d", "e"]
    assert "left out: extra more (c): choose it with --group more" in done.err
    assert "left out: group lint (e, include-group test): choose it" in done.err
    assert "group 'test': it includes itself" in done.err


def test_each_group_is_read_once(tmp_path: Path) -> None:
    """Reading groups as often as they are included would take forever."""
    chain = "".join(
        f'g{n} = ["p{n}", {{ include-group = "G{n + 1}" }}, {{ include-group = "g{n + 1}" }}]\n'
        for n in range(2000)
    )
    text = f"{HEAD}[dependency-groups]\n{chain}g2000 = [5, {{ include-group = 'no' }}]\n"
    done = imported(tmp_path, text, "--group", "g0", "--group", "g7")
    assert done.entries("pip") == [f"p{n}" for n in range(2000)]
    assert "left out: G2000: 5: not a requirement\n" in done.err
    assert "group 'no': it is not a list\n" in done.err
    assert "includes itself" not in done.err


def test_a_group_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    text = f'{HEAD}dependencies = ["a"]\noptional-dependencies = {{ plots = ["b"] }}\n'
    done = import_text(tmp_path, "pyproject.toml", text, "--group", "plot")
    assert (done.code, done.data) == (2, {})
    assert "pyproject.toml has no group 'plot'\n\nhint: it has: plots\n" in done.err


def test_dependencies_in_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "needs.txt").write_text("a\n")
    text = f"""\
{HEAD}dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
dependencies = {{ file = ["needs.txt", "absent.txt"] }}
"""
    done = imported(tmp_path, text)
    assert done.entries("pip") == ["a"]
    assert "pyproject.toml: dependencies from absent.txt: there is no such file" in done.err
    assert "pyproject.toml: optional-dependencies: the project computes them" in done.err


POETRY = """\
[tool.poetry]
name = "lab"
[tool.poetry.dependencies]
python = "^3.11"
caret = "^1.2.3"
zero = "^0.0.3"
tilde = "~1.2"
exact = "1.2.3"
star = "1.*"
both = ">=1 <2, !=1.5"
any = "*"
table = { version = "^2", extras = ["x", "y"], markers = "python_version >= '3.11'" }
windows = { version = "1", platform = "win32" }
newer = [{ version = "^1", python = "<3.9" }, { version = "^2", python = ">=3.9" }]
either = "^1 || ^2"
tools = { git = "git@example.org:lab/tools.git", tag = "v1", subdirectory = "py" }
optional = { version = "^1", optional = true }
torch = { version = "^2.4", source = "torch" }
odd = { version = "1", unheard = true }
[tool.poetry.extras]
more = ["optional"]
[tool.poetry.group.dev.dependencies]
pytest = "^8"
[[tool.poetry.source]]
name = "torch"
url = "https://download.example.org/whl"
priority = "explicit"
[[tool.poetry.source]]
name = "unused"
url = "https://example.org/simple"
"""


def test_constraints_of_poetry_become_those_of_pip(tmp_path: Path) -> None:
    done = imported(tmp_path, POETRY, "--group", "dev")
    assert done.entries("pip") == [
        "caret>=1.2.3,<2",
        "zero>=0.0.3,<0.0.4",
        "tilde>=1.2,<1.3",
        "exact==1.2.3",
        "star==1.*",
        "both>=1,<2,!=1.5",
        "any",
        "table[x,y]>=2,<3 ; python_version >= '3.11'",
        "newer>=1,<2 ; python_version < '3.9'",
        "tools @ git+ssh://git@example.org/lab/tools.git@v1#subdirectory=py",
        "torch>=2.4,<3",
        "pytest>=8,<9",
    ]
    assert done.data["index"] == {"torch": {"url": "https://download.example.org/whl"}}
    for name in ("either", "odd", "windows", "optional"):
        assert f"left out: dependency '{name} " in done.err
    assert "optional: choose it with --group more" in done.err
    assert "source 'unused': no requirement names it" in done.err
    assert "pip 'newer>=2,<3 ; python_version >= '3.9'': the file already has" in done.err


UV = f"""\
{HEAD}dependencies = ["torch>=2", "tools[x]; python_version > '3'", "member", "labtools", "many"]
[tool.uv]
constraint-dependencies = ["numpy<3"]
override-dependencies = ["protobuf>=5"]
dev-dependencies = ["pytest"]
package = true
[tool.uv.sources]
torch = {{ index = "torch" }}
Tools = {{ git = "https://example.org/lab/tools.git", rev = "v1" }}
member = {{ workspace = true }}
labtools = {{ path = "src", editable = true }}
many = [{{ index = "a", marker = "x" }}, {{ index = "b" }}]
absent = {{ index = "torch" }}
[[tool.uv.index]]
name = "torch"
url = "https://download.example.org/whl"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "pyproject.toml").write_text(HEAD.replace("lab", "labtools"))
    return tmp_path


def test_sources_of_uv_are_kept(folder: Path) -> None:
    done = imported(folder, UV, "--group", "dev-dependencies")
    tools = "tools[x] @ git+https://example.org/lab/tools.git@v1 ; (python_version > '3')"
    assert [text.replace('"', "'") for text in done.entries("pip")] == [
        "torch>=2",
        tools,
        "labtools @ ./src",
        "pytest",
    ]
    build = done.data["image"]["debian"]["base"]["build"]
    assert build["pip"][0] == {"requirement": "torch>=2", "index": "torch"}
    assert build["pip-sdist"] == ["tools"]
    assert done.data["builder"]["debian"]["constraints"] == ["numpy<3"]
    for what in ("dependency 'member'", "dependency 'many'", "overrides 'protobuf>=5'"):
        assert f"left out: {what}: " in done.err
    assert "tool.uv.sources.absent: no requirement that is imported has this name" in done.err
    assert "tool.uv.package: " in done.err


def test_overrides_need_the_engine_uv(folder: Path) -> None:
    imported(folder, UV)
    text = (folder / "images.toml").read_text()
    (folder / "images.toml").write_text(
        text.replace("[builder.debian]\n", '[builder.debian]\npip-engine = "uv"\n')
    )
    done = imported(folder, UV, "--image", "debian-base")
    assert done.data["builder"]["debian"]["overrides"] == ["protobuf>=5"]


def test_groups_of_pdm_are_chosen_by_name(tmp_path: Path) -> None:
    text = f"""\
{HEAD}dependencies = ["a"]
[tool.pdm.dev-dependencies]
test = ["pytest", "-e ./sub"]
[[tool.pdm.source]]
name = "private"
url = "https://example.org/simple"
"""
    done = imported(tmp_path, text, "--group", "test")
    assert done.entries("pip") == ["a", "pytest"]
    assert "left out: '-e ./sub': it is not a Python project below" in done.err
    assert "index 'private': no requirement names it" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has neither [project] nor another table with dependencies"),
        ("a = [", "cannot be read"),
        ("a = " + "[" * 3000, "cannot be read"),
        ('[builder.debian]\n[image.debian.core]\napt = ["git"]\n', "is an images.toml"),
        (f'{HEAD}dependencies = "a"\n', "has nothing that images.toml can contain"),
        ('[project]\ndependencies = ["@@", "[x]"]\n', "has nothing that images.toml can contain"),
        ("[tool.poetry]\ndependencies = 3\n", "has nothing that images.toml can contain"),
        ("[dependency-groups]\na = 3\n", "has nothing that images.toml can contain"),
        ("tool.uv.sources = 3\n[project]\ndependencies = []\n", "has nothing that images.toml"),
    ],
)
def test_errors_leave_the_folder_as_it_was(tmp_path: Path, text: str, words: str) -> None:
    done = import_text(tmp_path, "pyproject.toml", text)
    assert (done.code, done.data) == (2, {})
    assert words in done.err


@pytest.mark.parametrize("version", ["1" + "a.a" * 40 + "!", "^1" + ".a" * 50_000, "<" * 100_000])
def test_hostile_versions_are_listed(tmp_path: Path, version: str) -> None:
    """A reader whose time is not linear would be stopped."""
    text = f'[tool.poetry.dependencies]\nlab = "{version}"\n'
    done = import_text(tmp_path, "pyproject.toml", text)
    assert (done.code, done.data) == (2, {})
    assert "left out: dependency 'lab " in done.err


def test_keys_of_poetry_without_effect_are_listed(tmp_path: Path) -> None:
    text = """\
[tool.poetry.dependencies]
a = { version = "^1", allow-prereleases = true }
b = { path = "lab", subdirectory = "x" }
c = { version = "^1", allow-prereleases = false }
"""
    done = imported(tmp_path, text)
    assert done.entries("pip") == ["a>=1,<2", "c>=1,<2"]
    assert (
        "changed: dependency 'a (version=^1, allow-prereleases=True)': imported without" in done.err
    )
    assert "'b (path=lab, subdirectory=x)': it is in a subdirectory of its path" in done.err
    assert "'c" not in done.err
