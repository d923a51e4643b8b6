"""Lock sets with indexes, constraints and overrides of images.toml, made by the real commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.fetch.fetch import fetch
from orbiter.fetch.mirrors import fetch_settings
from orbiter.lockset import folder as lock_sets
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.index import index as package_index
from resolvers.pip import manager as pip
from resolvers.types.request import Target
from tests.support.pip_project import Project
from tests.support.wheel_index import wheel_index

pytestmark = pytest.mark.index  # Poetry and pip-tools are installed from the index


@pytest.fixture(params=["poetry", "uv"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    with wheel_index() as main, wheel_index() as one, wheel_index() as two:
        yield Project(tmp_path, request.param, (main, one, two))


def of(index: str, requirement: str = "torch") -> str:
    return f'{{ requirement = "{requirement}", index = "{index}" }}'


@pytest.mark.parametrize("project", ["poetry", "uv", "pip-tools"], indirect=True)
def test_the_index_of_a_package_through_all_commands(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in (project.main, project.one, project.two):
        index.add("torch", "1.0", f"Summary: at {index.url}")
        index.add("torch", "2.0", f"Summary: at {index.url}")
        index.add("acme", "1.0", "Requires-Dist: torch")
    project.write('"acme", "torch==1.0"')
    project.lock()
    assert project.stale() == ""
    project.write(f'"acme", {of("one", "torch==1.0")}')
    assert "image.debian.base.build.pip: index of torch: (none) -> one" in project.stale()
    project.lock()
    before = project.contents()
    assert project.stale() == ""
    project.lock()
    assert project.contents() == before
    project.write(f'"acme", {of("two", "torch==1.0")}', version="0.2.0")
    project.lock()
    done = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0", "--format", "json")
    assert done.returncode == 0, done.stderr
    (change,) = json.loads(done.stdout)["changes"]
    assert change["name"] == "torch"
    assert "'one'" in str(change)
    assert "'two'" in str(change)
    text = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0").stdout
    assert "one → two" in text
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", project.main.url)
    check_fetch(project, Store(tmp_path / "store"))


def check_fetch(project: Project, store: Store) -> None:
    """Check that torch is fetched from ``two``, and acme from the index of pip."""
    lock_set = lock_sets.read(project.folder / "locks/0.2.0")
    target = Target(platform="linux/amd64", python="3.13.5", glibc="2.41")
    pins = pip.select(lock_set.builder_files("debian"), target, ("debian-base-build",))
    files = [
        LockedFile(
            path=f"pip/{pin.artifact.file}",
            hash=pin.artifact.hash,
            source=f"pip:{pin.artifact.source}",
        )
        for pin in pins
    ]
    for index in (project.main, project.one, project.two):
        index.server.requests.clear()
    package_index._index.cache_clear()
    fetch(files, store, fetch_settings(lock_set))
    for file in files:
        store.verify(file.hash)
    assert [each.path for each in project.main.server.requests] == [
        "/simple/acme/",
        "/files/acme-1.0-py3-none-any.whl",
    ]
    assert [each.path for each in project.two.server.requests] == [
        "/simple/torch/",
        "/files/torch-1.0-py3-none-any.whl",
    ]
    assert project.one.server.requests == []


def test_constraints_and_the_priority_of_indexes_make_the_lock_set_stale(project: Project) -> None:
    project.main.add("acme", "1.0")
    project.main.add("acme", "2.0")
    project.write('"acme"')
    assert "acme 2.0" in project.lock()
    before = project.contents()
    project.write('"acme"', 'constraints = ["Acme<2", "unused<3"]')
    assert "builder.debian.constraints: Acme<2 added" in project.stale()
    report = project.lock()
    assert "acme 2.0 → 1.0" in report
    assert "unused" not in report
    project.write('"acme"', 'index-priority = "disabled"')
    assert "builder.debian.index-priority: strict -> disabled" in project.stale()
    project.write('"acme"')
    project.lock("--upgrade-package", "acme")
    assert pip_files(project.contents()) == pip_files(before)


def pip_files(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {path: content for path, content in contents.items() if "/debian/" in path}


def test_a_higher_version_on_a_later_index_is_a_recorded_warning(project: Project) -> None:
    project.main.add("acme", "1.0")
    project.one.add("acme", "9.0")
    project.extra = project.one.url
    project.write('"acme"')
    text = "acme: version 9.0 on the index in extra-index-url (no. 1) is not taken"
    assert text in " ".join(project.lock().split())
    manifest = (project.folder / "locks/0.1.0/lockset.toml").read_text(encoding="utf-8")
    assert "version 9.0 on the index in extra-index-url (no. 1) is not taken" in manifest
    assert "127.0.0.1" not in manifest
