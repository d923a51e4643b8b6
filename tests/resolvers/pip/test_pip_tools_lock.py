"""The lock format of pip-tools: hostile and damaged files."""

import time

import pytest

from resolvers.errors import ExpectedError
from resolvers.pip import manager as pip
from resolvers.pip import pip_tools_lock, requirements_txt
from tests.support.pip_cases import AMD64, ARM64, data

CORE = "requirements-core-linux-amd64.txt"
BUILD = "requirements-base-build-linux-amd64.txt"
LIST = "requirements.sha256"
WHEEL = "ac96cd038792094f438ad1f6ff80837353805ac950cd2aa0e0625ef19850c308"
HASHED = f"    --hash=sha256:{WHEEL}\n"


def changed(file: str, old: str, new: str) -> dict[str, str]:
    files = data("pip-tools")
    assert old in files[file]
    return {**files, file: files[file].replace(old, new)}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (CORE, "attrs==24.3.0", "attrs==24.2.0", "has no file of attrs 24.2.0 for the hash"),
        (CORE, "attrs==24.3.0", "six==24.3.0", "has no file of six 24.3.0 for the hash"),
        (CORE, WHEEL, "0" * 64, "has no file of attrs 24.3.0 for the hash sha256:000"),
        (CORE, HASHED, "", "attrs 24.3.0 has no hash"),
        (CORE, WHEEL, WHEEL[:-1], f"{CORE}:8: '    --hash=sha256:ac96"),
        (CORE, "attrs==24.3.0 ", "attrs>=24.3.0 ", f"{CORE}:7: 'attrs>=24.3.0"),
        (CORE, "attrs==24.3.0 ", "attrs==24.3.0;$(id) ", "is not a locked version"),
        (CORE, "attrs==24.3.0 ", "--index-url=x ", "is not a locked version"),
        (LIST, f"{WHEEL}  ", f"{WHEEL} ", "requirements.sha256: 'ac96"),
        (LIST, "  attrs-24", "  ../attrs-24", "is not a hash and a file"),
        (LIST, f"{WHEEL}  attrs-24.3.0", f"{WHEEL}  attrs-24.2.0", "has no file of attrs 24.3.0"),
    ],
)
def test_damaged_files_are_reported(file: str, old: str, new: str, message: str) -> None:
    files = changed(file, old, new)
    for read in (lambda: pip.read(files), lambda: pip.select(files, AMD64, ("core",))):
        with pytest.raises(ExpectedError) as caught:
            read()
        assert message in caught.value.message
        assert caught.value.hint == "restore it from git, or lock again"


def test_a_missing_file_of_a_stage_is_reported() -> None:
    files = data("pip-tools")
    del files["requirements-core-linux-arm64.txt"]
    assert pip.select(files, AMD64, ("core",))
    with pytest.raises(ExpectedError, match=r"requirements-core-linux-arm64\.txt is missing"):
        pip.select(files, ARM64, ("core",))
    assert pip_tools_lock.missing_files(files, ("linux/amd64", "linux/arm64")) == (
        "requirements-core-linux-arm64.txt",
    )


def test_stages_with_different_versions_are_reported() -> None:
    files = data("pip-tools")
    other = "0" * 64
    files[BUILD] += f"attrs==25.1.0 \\\n    --hash=sha256:{other}\n"
    files[LIST] += f"{other}  attrs-25.1.0-py3-none-any.whl\n"
    assert pip.select(files, AMD64, ("base-build",))
    with pytest.raises(ExpectedError, match="but another stage has"):
        pip.select(files, AMD64, ("core", "base-build"))


def test_the_list_of_files_has_the_format_of_sha256sum() -> None:
    assert pip_tools_lock.format_list({"b.whl": "sha256:11", "a.whl": "sha256:22"}) == (
        "22  a.whl\n11  b.whl\n"
    )


def test_hashes_of_placeholders_are_removed() -> None:
    first, last = (f"    --hash=sha256:{digit * 64}" for digit in "1f")
    text = f"a==1 \\\n{first} \\\n{last}\n    # via b\n"
    assert requirements_txt.without_hash(text, "f" * 64) == f"a==1 \\\n{first}\n    # via b\n"
    assert requirements_txt.without_hash(text, "1" * 64) == f"a==1 \\\n{last}\n    # via b\n"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500_000,
        "a-" * 250_000,
        "a==1 ; " + " " * 500_000,
        "a==1 ; " + "x \\" * 150_000,
        "    # via " + " " * 500_000 + "\x00",
        "#\n" * 200_000 + "!",
    ],
)
def test_hostile_text_is_rejected_in_linear_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpectedError):
        requirements_txt.parse("requirements.txt", text)
    assert time.process_time() - started < 5
