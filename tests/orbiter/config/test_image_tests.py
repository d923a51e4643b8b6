"""The tests of images in images.toml."""

from pathlib import Path

import pytest

from orbiter.config.image_tests import ImageTests, seconds
from orbiter.config.mistakes import ConfigError
from orbiter.config.read import (
    read_image_checks,
    read_image_set,
    read_project_config,
)

HEAD = """
version = "0.1.0"
repository = "a/b"
[sets]
checks = ["true", "./verify --all"]
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("verify", "tests/a.ipynb", "tests/b.ipynb", "tests/data/x/y.csv", "locks/c.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    copy = tmp_path / "tests/.ipynb_checkpoints/a-checkpoint.ipynb"
    copy.parent.mkdir()
    copy.write_text("copy")
    return tmp_path


def read(folder: Path, keys: str) -> ImageTests:
    path = folder / "images.toml"
    path.write_text(HEAD + keys)
    return read_image_checks(path).tests["debian-core"]


def problems(folder: Path, keys: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, keys)
    assert all(mistake.line and mistake.hint for mistake in caught.value.mistakes)
    return caught.value.message


def test_commands_bring_their_program_and_sets_are_inserted(folder: Path) -> None:
    tests = read(folder, 'verify = ["@checks", "python -V"]\nverify-timeout = "1m30s"')
    assert tests.commands == ("true", "./verify --all", "python -V")
    assert [(file.source, file.mode) for file in tests.files] == [("verify", "0755")]
    assert tests.timeout == 90


def test_patterns_find_notebooks_but_no_copies_and_no_lock_sets(folder: Path) -> None:
    tests = read(folder, 'verify-notebooks = ["**/*.ipynb", "tests/a.ipynb"]')
    assert tests.notebooks == ("tests/a.ipynb", "tests/b.ipynb")
    assert [file.source for file in tests.files] == ["tests/a.ipynb", "tests/b.ipynb"]
    assert tests.timeout == 600


def test_folders_are_files_of_tests(folder: Path) -> None:
    tests = read(folder, 'verify = ["true"]\nverify-files = ["tests/data/"]')
    assert [file.target for file in tests.files] == ["/orbiter-test/project/tests/data/x/y.csv"]


def test_an_edit_of_a_file_is_another_test(folder: Path) -> None:
    before = read(folder, 'verify = ["./verify"]')
    (folder / "verify").write_text("edited")
    assert read(folder, 'verify = ["./verify"]') != before


def test_images_without_tests_and_missing_files_are_left_out(folder: Path) -> None:
    path = folder / "images.toml"
    assert read_image_checks(path).tests == {}
    path.write_text(f'{HEAD}verify-files = ["verify"]')
    assert read_image_checks(path).tests == {}


def test_a_project_has_what_the_other_functions_read(folder: Path) -> None:
    path = folder / "images.toml"
    path.write_text(f'require-audit = true{HEAD}verify = ["./verify"]')
    expected = (read_image_set(path), read_image_checks(path))
    assert read_project_config(path) == expected
    assert expected[1].requires_audit


def test_mistakes_of_a_project_and_of_its_tests_are_reported_together(folder: Path) -> None:
    path = folder / "images.toml"
    path.write_text(f'{HEAD}apt = ["a b"]\nverify = ["./missing"]')
    with pytest.raises(ConfigError, match="has 2 mistakes") as caught:
        read_project_config(path)
    assert [mistake.key for mistake in caught.value.mistakes] == [
        "image.debian.core.apt[0]",
        "image.debian.core.verify[0]",
    ]


def test_tests_change_no_lock_set(folder: Path) -> None:
    path = folder / "images.toml"
    path.write_text(HEAD)
    plain = read_image_set(path)
    path.write_text(HEAD + 'verify = ["./missing"]\nverify-notebooks = ["nothing*"]')
    assert read_image_set(path) == plain


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('verify = ["./missing"]', "verify[0]: 'missing' does not exist"),
        ('verify = ["./tests"]', "verify[0]: 'tests' is a folder"),
        ('verify = ["./../x"]', "verify[0]: './../x' contains .."),
        ('verify = ["./locks/c.ipynb"]', "belongs to git, or to the lock sets"),
        ('verify = ["@nothing"]', "verify[0]: unknown set 'nothing'"),
        ('verify = [""]', "verify[0]: is empty"),
        ("verify = [1]", "verify[0]: "),
        ('verify = "true"', "verify: "),
        ('verify-notebooks = ["x/*.ipynb"]', "no notebook matches 'x/*.ipynb'"),
        ('verify-notebooks = ["locks/*.ipynb"]', "no notebook matches 'locks/*.ipynb'"),
        ('verify-notebooks = ["/etc/*"]', "'/etc/*' is an absolute path"),
        ('verify-notebooks = ["../*"]', "contains .."),
        ('verify-files = ["/etc/passwd"]', "'/etc/passwd' is an absolute path"),
        ('verify-timeout = "0s"', 'verify-timeout: "0s" is not valid'),
        ('verify-timeout = "soon"', 'verify-timeout: "soon" is not valid'),
    ],
)
def test_mistakes_name_the_entry(folder: Path, keys: str, problem: str) -> None:
    assert problem in problems(folder, keys)


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "out").symlink_to("/etc/passwd")
    assert "is a symbolic link that leaves" in problems(folder, 'verify = ["./out"]')


@pytest.mark.parametrize(
    ("text", "value"), [("90s", 90), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25), ("2m1s", 121)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value
