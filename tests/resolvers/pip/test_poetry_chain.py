"""The part of Poetry's explanation that matters."""

import msgspec

from resolvers.pip.poetry_chain import LONGEST, Fact, chain, is_long
from resolvers.pip.pyproject import PROJECT
from tests.support.pip_cases import DATA

# What Poetry 2.5.1 found for jupyterlab>=4.3 with jupyter-server<2 on PyPI, in November 2026. Its
# own explanation had 72 lines and 18,186 characters.
FACTS = msgspec.json.decode((DATA / "conflict.json").read_bytes(), type=list[Fact])


def test_versions_with_the_same_requirement_share_a_line() -> None:
    assert chain(FACTS, PROJECT) == (
        "jupyterlab 4.3.0 to 4.6.0b1 (58 versions) requires jupyter-server >=2.4.0,<3\n"
        "jupyterlab 4.6.0rc0 to 4.7.0a2 (12 versions) requires jupyter-server >=2.19.0,<3"
    )


def test_packages_near_the_project_come_first() -> None:
    facts = (
        Fact("c", "1", "d", "<2"),
        Fact("b", "1", "c", ">=1"),
        Fact(PROJECT, "0", "a", "*"),
        Fact("a", "1", "b", ">=1"),
    )
    assert chain(facts, PROJECT).splitlines() == [
        "a 1 requires b >=1",
        "b 1 requires c >=1",
        "c 1 requires d <2",
    ]


def test_a_chain_has_an_end() -> None:
    facts = [Fact("a", str(major), "b", f"=={major}") for major in range(40)]
    lines = chain(facts, PROJECT).splitlines()
    assert len(lines) == LONGEST + 1
    assert lines[-1] == "and 32 more requirements of other versions"


def test_only_long_explanations_are_cut() -> None:
    assert not is_long("Because a depends on b, version solving failed.")
    assert is_long("line\n" * (LONGEST + 1))
    assert is_long("x" * 500)
