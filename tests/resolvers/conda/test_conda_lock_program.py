"""The real conda-lock, with a fake micromamba that prints a prepared solution."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from resolvers.conda import conda_lock_program, lock_file
from resolvers.conda import manager as conda
from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.types.options import CondaOptions
from resolvers.types.request import Request, Upgrade
from tests.support.conda_world import AMD64, base, channel, geo, record, request

SOLVER = """\
#!/bin/sh
[ "$1" = --version ] && echo 2.3.0 && exit 0
case "$*" in *impossible*) # what micromamba 2 prints
    printf '%s\n' '{"solver_problems": ["nothing provides __cuda"], "success": false}'
    cat >&2 <<'END'
info     libmamba Searching index cache file for repo "https://conda.example.org/c/noarch"
error    libmamba Could not solve for environment specs
    The following package could not be installed
    └─ impossible =* * is not installable because it requires
       └─ __cuda =* *, which is missing on the system.
critical libmamba Could not solve for environment specs
END
    exit 1
esac
echo "$CONDA_CHANNEL_PRIORITY $MAMBA_CHANNEL_PRIORITY $*" >> "$(dirname "$0")/arguments"
cat "$(dirname "$0")/solution.json"
"""
CHANNEL = "https://conda.example.org/c"


@pytest.fixture
def solver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a fake solver on PATH and return its folder."""
    for variable in ("MAMBA_EXE", "CONDA_EXE"):
        monkeypatch.delenv(variable, raising=False)
    program = tmp_path / "micromamba"
    program.write_text(SOLVER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def request_for(*requirements: str) -> Request:
    return request(CHANNEL, base(*requirements), engine="conda-lock")


def prepare(solver: Path, *packages: Mapping[str, Any]) -> None:
    found = []
    for package in packages:
        file = f"{package['name']}-{package['version']}-{package['build']}.conda"
        found.append(
            {
                **package,
                "fn": file,
                "url": f"{CHANNEL}/noarch/{file}",
                "channel": f"{CHANNEL}/noarch",
            }
        )
    (solver / "solution.json").write_text(
        json.dumps({"success": True, "actions": {"FETCH": found, "LINK": found}})
    )


@pytest.mark.index
def test_its_solution_is_locked_in_our_categories(solver: Path) -> None:
    prepare(solver, record("a", "1", "c >=1"), record("b", "2", "c"), record("c", "1"))
    both = request(CHANNEL, base("a"), geo("b>=2"), engine="conda-lock")
    files = conda.resolve(
        replace(both, conda=CondaOptions(channels=(CHANNEL,), priority="disabled"))
    )
    groups = {package.name: package.groups for package in conda.read(files)}
    assert groups == {"a": (base().name,), "b": (geo().name,), "c": (base().name, geo().name)}
    assert [pin.name for pin in conda.select(files, AMD64, (geo().name,))] == ["b", "c"]
    assert lock_file.format_lock(lock_file.parse_lock(files)) == files["conda-lock.yml"]
    arguments = (solver / "arguments").read_text()
    assert arguments.startswith("disabled disabled ")
    assert CHANNEL in arguments


@pytest.mark.index
def test_a_lock_of_the_other_engine_is_replaced(solver: Path, tmp_path: Path) -> None:
    packages = (record("a", "1"), record("a", "2"))
    where = channel(tmp_path / "channel", *packages)
    prepare(solver, packages[0])
    by_rattler = request(where, base("a"))
    files = conda.resolve(by_rattler)
    changed = conda.resolve(replace(by_rattler, engine="conda-lock", previous=files))
    assert [[each.version for each in conda.read(each)] for each in (files, changed)] == [
        ["2"],
        ["1"],
    ]
    assert conda.resolve(replace(by_rattler, engine="conda-lock", previous=changed)) == changed


@pytest.mark.index
def test_an_unsolvable_request_is_an_error(solver: Path) -> None:
    prepare(solver)
    with pytest.raises(UnsolvableError) as caught:
        conda.resolve(request_for("impossible"))
    first, *lines = caught.value.message.splitlines()
    assert first.endswith("found no packages that meet all conda requirements:")
    assert lines == [
        "  The following package could not be installed",
        "  └─ impossible =* * is not installable because it requires",
        "     └─ __cuda =* *, which is missing on the system.",
    ]
    assert 'virtual = { cuda = "12.4" } in [builder.micromamba]' in caught.value.hint


# micromamba 2: https://github.com/conda/infrastructure/issues/1175
NO_CONNECTION = """\
warning  libmamba Retrying in 2 seconds
critical libmamba Multiple errors occurred:
    Download error (7) Could not connect to server [https://conda.example.org/c/noarch/repodata.json.zst]
    Failed to connect to conda.example.org port 443 after 6261 ms: Could not connect to server
"""
NO_CONNECTION_OF_CONDA = """\
CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.example.org/c/noarch/repodata.json>
Elapsed: -
"""


@pytest.mark.parametrize(
    ("output", "beginning"),
    [
        (
            NO_CONNECTION,
            f"{CHANNEL}/noarch/repodata.json.zst did not respond: Could not connect to server",
        ),
        (
            NO_CONNECTION_OF_CONDA,
            f"{CHANNEL}/noarch/repodata.json did not respond: CONNECTION FAILED",
        ),
    ],
)
def test_a_channel_that_does_not_respond_is_one_line_with_the_origin_of_its_address(
    output: str, beginning: str
) -> None:
    failed = ProgramError("conda-lock failed", output=output)
    error = conda_lock_program._failure(failed, request_for("a"), "/usr/bin/micromamba")
    assert error.message == f"{beginning} (the address comes from 'channels' in images.toml)"
    assert "online" in error.hint


def test_a_missing_solver_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MAMBA_EXE", "CONDA_EXE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(
        ExpectedError, match="needs micromamba, mamba or conda, and none of them is on PATH"
    ) as caught:
        conda.resolve(request_for("a"))
    assert "rattler needs no program" in caught.value.hint


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"as_of": datetime(2026, 1, 1, tzinfo=UTC)}, "does not support --as-of"),
        (
            {"groups": (base("a >=1"), geo("a <2"))},
            "accepts one requirement per package: 'a >=1' of stage",
        ),
    ],
)
def test_unsupported_requests_are_refused(solver: Path, more: dict[str, Any], words: str) -> None:
    prepare(solver, record("a", "1"))
    with pytest.raises(ExpectedError, match=words):
        conda.resolve(replace(request_for("a"), **more))


@pytest.mark.index
def test_it_cannot_upgrade_to_a_version(solver: Path) -> None:
    prepare(solver, record("a", "1"))
    files = conda.resolve(request_for("a"))
    with pytest.raises(ExpectedError, match="does not support --upgrade-package"):
        conda.resolve(
            replace(request_for("a"), previous=files, upgrade=Upgrade(packages={"a": "2"}))
        )
