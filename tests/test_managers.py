"""Each table of managers has an entry for every manager."""

from collections.abc import Collection

import pytest

from orbiter.cli.options import COMPARED_MANAGERS
from orbiter.cli.options import MANAGERS as OPTION_VALUES
from orbiter.config.builders import SYSTEM_MANAGERS
from orbiter.config.requirements import SYNTAXES
from orbiter.config.stage_graph import ENVIRONMENT_MANAGERS
from orbiter.diff.versions import PARSERS
from orbiter.fetch.mirrors import READ_MIRRORS
from orbiter.fetch.sources import MIRROR_RULES
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.render.toolchain import MANAGERS_BEFORE_PIP
from resolvers.managers import MANAGERS

TABLES: dict[str, Collection[str]] = {
    "orbiter.cli.options.MANAGERS": OPTION_VALUES,
    "orbiter.config.requirements.SYNTAXES": SYNTAXES,
    "orbiter.lockset.inputs.LOCK_FILES": LOCK_FILES,
    "orbiter.render.toolchain.MANAGERS_BEFORE_PIP": (*MANAGERS_BEFORE_PIP, "pip"),
    "system and environment managers": (*SYSTEM_MANAGERS, *ENVIRONMENT_MANAGERS),
}
SYSTEM_TABLES: dict[str, Collection[str]] = {
    "orbiter.fetch.mirrors.READ_MIRRORS": READ_MIRRORS,
    "orbiter.fetch.sources.MIRROR_RULES": MIRROR_RULES,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_manager_has_an_entry(table: str) -> None:
    assert sorted(TABLES[table]) == sorted(MANAGERS)


def test_every_manager_whose_locks_are_compared_has_an_order_of_versions() -> None:
    assert set(MANAGERS) < set(COMPARED_MANAGERS)
    assert sorted(PARSERS) == sorted(COMPARED_MANAGERS)


@pytest.mark.parametrize("table", SYSTEM_TABLES)
def test_every_system_manager_has_an_entry(table: str) -> None:
    assert sorted(SYSTEM_TABLES[table]) == sorted(SYSTEM_MANAGERS)
