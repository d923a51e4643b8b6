"""Lock sets with pip packages from addresses, made by the real commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.store.store import Store
from tests.support.acme_repository import Repository
from tests.support.git_server import git_server
from tests.support.loopback import Answer
from tests.support.pip_project import Project
from tests.support.wheel_index import wheel, wheel_index

pytestmark = pytest.mark.index  # Poetry is installed from the index


@pytest.fixture(params=["poetry", "uv"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    with wheel_index() as main, wheel_index() as one, wheel_index() as two:
        yield Project(tmp_path, request.param, (main, one, two))


def publish(project: Project, version: str, *headers: str) -> str:
    """Serve a wheel of acme outside the index; return its address."""
    file, content = wheel("acme", version, *headers)
    project.main.server.replies[f"/releases/{file}"] = Answer(200, content)
    return f"{project.main.server.url}/releases/{file}"


def test_an_address_through_all_commands(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    first, second = publish(project, "1.0"), publish(project, "2.0")
    project.main.add("acme", "1.0")
    project.write('"acme"')
    project.lock()
    project.write(f'"acme @ {first}"')
    assert f"image.debian.base.build.pip: acme -> acme @ {first}" in project.stale()
    project.lock()
    (stored,) = (path for path in (tmp_path / "cache/store").rglob("*") if path.is_file())
    assert Store(tmp_path / "cache/store").verify(f"sha256:{stored.name}") == stored
    before = project.contents()
    assert project.stale() == ""
    project.lock()
    assert project.contents() == before
    project.write(f'"acme @ {second}"')
    assert f"acme @ {first} -> acme @ {second}" in project.stale()
    project.write(f'"acme @ {second}"', version="0.2.0")
    assert "acme 1.0 → 2.0" in project.lock()
    done = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0", "--format", "json")
    assert done.returncode == 0, done.stderr
    (change,) = json.loads(done.stdout)["changes"]
    assert (change["name"], change["old"], change["new"]) == ("acme", ["1.0"], ["2.0"])


def test_a_new_address_and_changed_bytes_of_a_version_are_shown(project: Project) -> None:
    first = publish(project, "1.0")
    project.main.add("acme", "1.0")
    project.write('"acme"')
    project.lock()
    project.write(f'"acme @ {first}"', version="0.2.0")
    project.lock()
    text = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0").stdout
    assert f"(default) → {first.rpartition('/')[0]}" in " ".join(text.split())
    publish(project, "1.0", "Summary: changed")
    project.write(f'"acme @ {first}"', version="0.3.0")
    project.lock("--upgrade-package", "acme")
    text = project.run("diff-locks", "locks/0.2.0", "locks/0.3.0").stdout
    assert "acme  1.0 → other hash" in text


def test_another_commit_of_a_version_is_shown(project: Project, tmp_path: Path) -> None:
    project.main.add("beta", "1.0")
    with git_server(tmp_path / "git") as server:
        repository = Repository(server)
        before = repository.commit(tag="v1.0")
        project.write(f'"acme @ git+{repository.url}@v1.0"]\npip-sdist = ["acme"')
        project.lock()
        after = repository.commit({"src/acme.py": "x = 2\n"}, tag="v1.0")
        assert project.stale() == ""
        project.write(f'"acme @ git+{repository.url}@v1.0"]\npip-sdist = ["acme"', version="0.2.0")
        project.lock("--upgrade-package", "acme")
    text = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0").stdout
    assert "ALTERED" not in text
    assert f"{before[:7]}" in text
    assert f"{after[:7]}" in text
