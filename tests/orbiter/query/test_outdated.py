"""Newer versions of the packages of lock sets, on indexes that a test fills."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from orbiter.cli.main import cli
from orbiter.docker import client
from orbiter.lockset import folder
from orbiter.query.outdated import Outdated, VersionedPackage, outdated
from orbiter.query.packages import Selection
from orbiter.report.query import outdated_text
from orbiter.tasks import Report
from resolvers.index import index as package_index
from tests.support.conda_world import channel, record
from tests.support.lock_sets import PROJECT, small
from tests.support.paths import ROOT
from tests.support.pip_cases import only_index
from tests.support.sbom_lock_sets import mixed
from tests.support.wheel_index import WheelIndex

NO_ENGINE = "no Docker engine"


def start_task(_title: str) -> Report:
    return lambda _line: None


PIP = Selection(managers=("pip",))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    with only_index(monkeypatch) as served:
        package_index._index.cache_clear()  # as in a new process
        yield served


def check(selection: Selection = PIP, *, everything: bool = False) -> Outdated:
    return outdated(small(), selection, start_task, lambda: NO_ENGINE, everything=everything)


def states(found: Outdated) -> dict[str, str]:
    return {package.name: package.state for package in found.packages}


def test_newer_versions_are_found(index: WheelIndex) -> None:
    index.add("attrs", "26.1.0")
    index.add("attrs", "99.1", upload_time="2026-11-01T12:00:00Z")
    index.add("six", "1.17.0")
    found = check()
    assert states(found) == {"attrs": "outdated", "six": "current"}
    attrs = found.packages[0]
    assert (attrs.locked, attrs.images) == ("26.1.0", ("debian-base",))
    assert attrs.newest is not None
    assert attrs.newest == attrs.allowed
    rows = [line.split() for line in outdated_text.render(found, width=80).splitlines()]
    assert ["attrs", "26.1.0", "99.1", "99.1", "2026-11-01"] in rows


def test_a_missing_package_is_never_current(index: WheelIndex) -> None:
    index.add("six", "1.16.0")  # the locked version was deleted, and there is no newer one
    found = check()
    assert states(found) == {"attrs": "not found", "six": "current"}
    assert "not found: the index does not have it\n  attrs (pip)" in outdated_text.render(
        found, width=80
    )


def test_packages_of_apt_are_not_checked(index: WheelIndex) -> None:
    found = check(Selection(managers=("apt",)), everything=True)
    assert {package.state for package in found.packages} == {"not checked"}
    assert {package.direct for package in found.packages} == {False, True}
    text = outdated_text.render(found, width=80)
    assert "apt resolves in a container: no Docker engine" in text
    assert max(map(len, text.splitlines())) <= 80
    assert index.server.requests == []


def test_conda_packages_of_two_platforms(tmp_path: Path) -> None:
    lock_set = mixed(tmp_path)
    url = channel(
        tmp_path / "channel", record("python", "3.12.11"), record("python", "3.14.0"),
    )  # fmt: skip
    builder = lock_set.image_set.builders["micromamba"]
    assert builder.conda
    image_set = replace(
        lock_set.image_set,
        builders={
            **lock_set.image_set.builders,
            "micromamba": replace(builder, conda=replace(builder.conda, channels=(url,))),
        },
    )
    lock_set.__dict__["image_set"] = image_set  # the cached property
    found = outdated(
        lock_set,
        Selection(managers=("conda",)),
        start_task,
        lambda: NO_ENGINE,
        everything=True,
    )
    assert states(found) == {"python": "outdated", "tzdata": "not found"}
    assert found.packages[0].newest is not None
    assert found.packages[0].newest.version == "3.14.0"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a project with a lock set and without a Docker engine."""
    shutil.copy(PROJECT / "images.toml", tmp_path)
    folder.write(small(), tmp_path / "locks" / "0.1.0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    client._connection.cache_clear()  # as in a new process
    yield tmp_path
    client._connection.cache_clear()


@pytest.mark.usefixtures("project")
def test_exit_codes_and_json(index: WheelIndex) -> None:
    index.add("attrs", "26.1.0")
    index.add("six", "1.17.0")
    words = ["outdated", "--format", "json", "-q"]
    done = CliRunner().invoke(cli, [*words, "--exit-code"])
    assert (done.exit_code, done.stderr) == (0, "")
    jsonschema.validate(
        json.loads(done.stdout), json.loads(CliRunner().invoke(cli, ["schema", "outdated"]).stdout)
    )
    index.add("six", "1.18.0")
    package_index._index.cache_clear()
    assert CliRunner().invoke(cli, words).exit_code == 0
    package_index._index.cache_clear()
    assert CliRunner().invoke(cli, [*words, "--exit-code"]).exit_code == 1


@pytest.mark.usefixtures("project")
def test_an_index_that_does_not_answer_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setattr("resolvers.net.http.PAUSES", ())
    done = CliRunner().invoke(cli, ["outdated", "--manager", "pip", "-q"])
    assert done.exit_code == 2
    assert done.stdout.count("failed: ") == 1
    assert "failed: http://127.0.0.1:1/simple/…/ did not respond: " in done.stdout
    assert "  attrs (pip), six (pip)\n" in done.stdout
    assert "2 packages: 2 failed" in done.stdout
    assert "error: some packages could not be checked" in done.stderr


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param(
            {"six": "http://npm.test/six returned 503"},
            "failed: http://npm.test/six returned 503\n  six (npm)\n",
            id="of one package",
        ),
        pytest.param(
            {
                "@vega/lite": "http://npm.test/a/@vega%2flite returned 503",
                "a": "http://npm.test/a/a returned 503",
            },
            "failed: http://npm.test/a/… returned 503\n  @vega/lite (npm), a (npm)\n",
            id="of a scoped package",
        ),
        pytest.param(
            {"six": "http://npm.test/six returned 503", "a": "http://npm.test/a returned 404"},
            "failed: http://npm.test/six returned 503\n  six (npm)\n\n"
            "failed: http://npm.test/a returned 404\n  a (npm)\n",
            id="of different kinds",
        ),
    ],
)
def test_an_index_fault_is_reported_once(faults: dict[str, str], expected: str) -> None:
    packages = tuple(
        VersionedPackage(
            manager="npm",
            name=name,
            builder="debian",
            images=("debian-base",),
            direct=True,
            locked="1.0",
            state="failed",
            reason=reason,
        )
        for name, reason in faults.items()
    )
    text = outdated_text.render(Outdated(release="0.1.0", packages=packages), width=80)
    assert text.startswith(expected + "\nrelease 0.1.0")


@pytest.mark.index
def test_a_release_of_this_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "locks" / "0.2.0", tmp_path / "locks" / "0.2.0")
    monkeypatch.chdir(tmp_path)
    words = ["outdated", "--release", "0.2.0", "--manager", "pip", "--format", "json", "-q"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.stderr
    packages = {each["name"]: each for each in json.loads(done.stdout)["packages"]}
    assert packages["jupyter-book"]["state"] == "outdated"
    assert packages["jupyter-book"]["allowed"]["version"].startswith("1.")
    assert int(packages["jupyter-book"]["newest"]["version"].split(".")[0]) > 1
    assert packages.keys() >= {"jupyterlab", "numpy", "pandas"}
