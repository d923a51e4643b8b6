"""The help of each command, and the other names of commands."""

import click
import pytest

from orbiter.cli.main import cli
from orbiter.cli.usage import ALIASES
from tests.test_docs import BY_NAME, REFERENCE

WIDTH = 80


def help_of(name: str) -> str:
    place = click.Context(cli, info_name="orbiter", terminal_width=WIDTH - 2)
    for word in name.split():
        group = place.command
        assert isinstance(group, click.Group)
        found = group.get_command(place, word)
        assert found
        place = click.Context(found, info_name=word, parent=place)
    return place.get_help()


@pytest.mark.parametrize("name", ["", "osv", *sorted(BY_NAME)])
def test_help_fits_80_columns(name: str) -> None:
    assert max(map(len, help_of(name).splitlines())) <= WIDTH


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_is_another_name_of_a_command(alias: str) -> None:
    assert alias not in cli.commands
    assert ALIASES[alias] in cli.commands
    assert f"Also available as orbiter {alias}." in help_of(ALIASES[alias])
    row = f"| `{alias}` | `{ALIASES[alias]}` |"
    assert row in (REFERENCE / "commands.md").read_text(encoding="utf-8")


def test_an_alias_runs_the_command() -> None:
    context = click.Context(cli)
    assert cli.get_command(context, "diff") is cli.commands["diff-locks"]
    assert cli.get_command(context, "dif") is None
