import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from orbiter.cli.main import cli
from orbiter.config.read import json_schema
from tests.support.prose import PAGES, ROOT, Text, check

REFERENCE = ROOT / "docs" / "reference"
EVERYWHERE = {"--help", "--version", "--directory", "--quiet", "--verbose"}


def leaves(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the commands, also those of groups such as ``osv update``."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


BY_NAME = dict(leaves(cli))
COMMANDS = sorted(BY_NAME)


def section(command: str) -> str:
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    found = re.search(rf"^## orbiter {command}$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert found, f"no section for {command}"
    return found[1]


def options(command: str) -> set[str]:
    found: set[str] = set()
    for option in BY_NAME[command].params:
        if isinstance(option, click.Option) and not option.hidden:
            found.update(option.opts, option.secondary_opts)
    return {word for word in found if word.startswith("--")}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_reference(command: str) -> None:
    shared = {"--quiet"} if "-q" in section(command) else set()
    assert options(command) - shared <= set(re.findall(r"--[a-z][a-z0-9-]*", section(command)))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_names_no_other_option(command: str) -> None:
    usage = re.sub(r"\[.*?\]\(.*?\)|`orbiter [^`]*`|`(docker|build) [^`]*`", "", section(command))
    known = set().union(*map(options, COMMANDS)) | EVERYWHERE
    rows = re.findall(r"^\| `(--[a-z0-9-]+)", usage, re.MULTILINE)
    assert set(rows) <= options(command)
    assert set(re.findall(r"--[a-z][a-z0-9-]*", usage)) <= known


def test_every_command_is_in_the_table() -> None:
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[`([a-z0-9 -]+)`\]", page, re.MULTILINE)) == COMMANDS


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else ():
        yield from keys(each)


def test_every_key_of_images_toml_is_in_the_reference() -> None:
    page = (REFERENCE / "images-toml.md").read_text(encoding="utf-8")
    tables = {"user", "sets", "npm-registry", "builder", "image", "build", "debian"}
    tables |= {"apk-repository", "apt-repository", "ignore-advisory", "lint", "licences"}
    assert {key for key in keys(json_schema()) if f"| `{key}` |" not in page} <= tables


def test_every_variable_of_orbiter_is_in_the_reference() -> None:
    files = [path for name in ("orbiter", "resolvers") for path in (ROOT / name).rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    page = (REFERENCE / "environment-variables.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(ORBITER_[A-Z_]+)`", page, re.MULTILINE))
    assert rows == set(re.findall(r'"(ORBITER_[A-Z_]+)"', code))


def test_every_path_that_the_pages_name_exists() -> None:
    named = r"`((?:orbiter|resolvers|templates|tests|bench|docs|demo)/[\w./-]*)`"
    pages = [path for pattern in PAGES for path in ROOT.glob(pattern) if path.name != "README.md"]
    paths = {
        found for page in pages for found in re.findall(named, page.read_text(encoding="utf-8"))
    }
    assert len(paths) > 30
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_command_that_exits_with_1_is_in_the_table_of_exit_codes() -> None:
    code_1 = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8").partition("## Code 1")[2]
    rows = "".join(re.findall(r"^\| (`orbiter.*?) \|", code_1, re.MULTILINE))
    words = re.compile(r"(?i)\bexits? with (?:code )?1\b|exit code(?: is)? 1\b|\bcode\s1\.")
    texts = {name: f"{section(name)}{BY_NAME[name].help}" for name in COMMANDS}
    found = {name for name, text in texts.items() if words.search(text)}
    assert {"readme", "doctor", "verify-signature"} <= found
    assert {name for name in found if not re.search(rf"`orbiter {name}\b", rows)} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_like_english(command: str) -> None:
    found = BY_NAME[command]
    options = (option for option in found.params if isinstance(option, click.Option))
    texts = [found.help, *(option.help for option in options)]
    assert list(check(command, [Text(1, text or "") for text in texts])) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_no_summary_is_cut_at_80_columns(command: str) -> None:
    columns = 80 - 2 - max(map(len, COMMANDS)) - 2
    assert not BY_NAME[command].get_short_help_str(columns).endswith("...")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command: str) -> None:
    options = (option for option in BY_NAME[command].params if isinstance(option, click.Option))
    assert [option.name for option in options if not option.help] == []


def test_the_overview_links_every_page() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages = set(re.findall(r": ([\w/-]+\.md)$", nav, re.MULTILINE))
    assert len(pages) > 30
    linked = re.findall(
        r"\]\(([\w/-]+\.md)\)", (ROOT / "docs/index.md").read_text(encoding="utf-8")
    )
    assert pages - {"index.md"} == set(linked)


@pytest.mark.parametrize("pattern", PAGES)
def test_no_page_has_a_section_twice(pattern: str) -> None:
    """A merge can keep the sections of both sides."""
    for page in ROOT.glob(pattern):
        text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text(encoding="utf-8"))
        headings = re.findall(r"^## .*", text, re.MULTILINE)
        assert sorted(set(headings)) == sorted(headings), page


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_no_blank_line_divides_a_table(page: Path) -> None:
    """The rows after it would be text: a table begins with a header and a line of dashes."""
    lines = page.read_text(encoding="utf-8").splitlines()
    triples = zip(lines, lines[1:], [*lines[2:], ""], strict=False)
    divided = [
        number
        for number, (blank, row, following) in enumerate(triples, 2)
        if not blank and row.startswith("| ") and not re.match(r"\| ?-", following)
    ]
    assert divided == []
