"""Explanations of conda's solvers without logs."""

import json

import pytest

from resolvers.conda.explain import HINT, solver_messages, unsolvable_hint

COMMAND = "    Command: ['/usr/bin/micromamba', 'create', '--dry-run', '--json', 'a', 'b']"
BY_CONDA = json.dumps(
    {"success": False, "exception_name": "X", "message": "Encountered problems:\n  - nothing a\n"},
    indent=2,
)


@pytest.mark.parametrize(
    ("output", "messages"),
    [
        (
            f"INFO:conda_lock:linux-64 using specs ['a']\n{COMMAND}\n    STDOUT:\n"
            '{"success": false, "solver_problems": ["nothing provides b", "nothing provides b"]}\n',
            ["nothing provides b"],
        ),
        (
            f"Could not lock the environment for platform linux-64\n{COMMAND}\n"
            f"    STDOUT:\n{BY_CONDA}\n    STDERR:\nINFO:x\n",
            ["Encountered problems:", "  - nothing a"],
        ),
        ("INFO:root:x\nwarning  libmamba y\nPackagesNotFound: a\n", ["PackagesNotFound: a"]),
        ("    STDOUT:\n{broken\n", ["{broken"]),
    ],
    ids=["micromamba-json", "conda-json", "logs", "broken-json"],
)
def test_only_the_solvers_messages_remain(output: str, messages: list[str]) -> None:
    assert solver_messages(output) == messages


def test_the_hint_names_missing_virtual_packages() -> None:
    text = "a needs __cuda >=12, b needs __glibc >=2.40 and x__y, c needs __mpi"
    hint = unsolvable_hint(text, {"__glibc", "__linux"})
    assert 'virtual = { cuda = "12.4", mpi = "1" } in [builder.micromamba]' in hint
    assert unsolvable_hint("b needs __glibc >=2.40", {"__glibc"}) == HINT
