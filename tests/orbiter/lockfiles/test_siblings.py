"""Direct requirements from the file next to a lock that does not record them."""

import subprocess
from pathlib import Path

import pytest

from orbiter.lockfiles.named import load_lock
from orbiter.lockfiles.siblings import with_requests
from orbiter.lockfiles.types import Lock, PackageEntry, Scope
from tests.support.paths import TESTS

BURIED = TESTS / "data" / "locks" / "python-buried" / "old.conda-lock.yml"


def direct(lock: Lock) -> dict[tuple[str, str], bool | None]:
    return {
        (package.manager, package.name): package.direct
        for packages in lock.packages.values()
        for package in packages
    }


def found(format_name: str, sibling: str, text: str) -> set[tuple[str, str]]:
    """Return the packages that a sibling marks as direct."""
    names = ("numpy", "my-pkg", "python", "other")
    packages = [
        PackageEntry(manager=each, name=name) for each in ("conda", "pip") for name in names
    ]
    lock = Lock(name="x", format=format_name, packages={Scope(): tuple(packages)})
    marked = with_requests(lock, lambda name: text if name == sibling else "")
    return {key for key, is_direct in direct(marked).items() if is_direct}


@pytest.mark.parametrize("name", ["environment.yml", "environment.yaml"])
def test_an_environment_yml_next_to_a_conda_lock(tmp_path: Path, name: str) -> None:
    (tmp_path / "conda-lock.yml").write_bytes(BURIED.read_bytes())
    assert set(direct(load_lock(str(tmp_path / "conda-lock.yml"))).values()) == {None}
    (tmp_path / name).write_text("dependencies:\n  - python=3.10\n  - conda-forge::liba>=1\n")
    lock = load_lock(str(tmp_path / "conda-lock.yml"))
    requested = {package for package, is_direct in direct(lock).items() if is_direct}
    assert requested == {("conda", "python"), ("conda", "liba")}
    assert f"direct requirements are those of {name}" in lock.notes


def test_the_sibling_of_a_git_revision_is_that_of_the_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / "conda-lock.yml").write_bytes(BURIED.read_bytes())
    (folder / "environment.yml").write_text("dependencies: [app]\n")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.invalid")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    (folder / "environment.yml").unlink()
    monkeypatch.chdir(tmp_path)
    lock = load_lock("HEAD:env/conda-lock.yml")
    assert {name for name, is_direct in direct(lock).items() if is_direct} == {("conda", "app")}


@pytest.mark.parametrize(
    ("format_name", "sibling", "text", "expected"),
    [
        (
            "conda-lock.yml 1",
            "environment.yml",
            "dependencies:\n- numpy\n- pip:\n  - My.Pkg[x]>=1\n",
            {("conda", "numpy"), ("pip", "my-pkg")},
        ),
        (
            "pixi.lock 6",
            "pixi.toml",
            '[dependencies]\npython = "*"\n[feature.a.target.linux-64.pypi-dependencies]\n'
            'My_Pkg = "*"\n[tasks]\nnumpy = "run"\n',
            {("conda", "python"), ("pip", "my-pkg")},
        ),
        (
            "pixi.lock 6",
            "pyproject.toml",
            '[project]\ndependencies = ["my-pkg"]\n[tool.pixi.dependencies]\nnumpy = "*"\n',
            {("conda", "numpy"), ("pip", "my-pkg")},
        ),
        (
            "poetry.lock 2.1",
            "pyproject.toml",
            '[tool.poetry.dependencies]\nnumpy = "*"\n[tool.poetry.group.a.dependencies]\n'
            'my-pkg = "*"\n',
            {("pip", "numpy"), ("pip", "my-pkg")},
        ),
        ("uv.lock 1", "pyproject.toml", '[project]\ndependencies = ["numpy"]\n', set()),
        ("conda-lock.yml 1", "environment.yml", "dependencies: [unrelated]\n", set()),
        ("conda-lock.yml 1", "environment.yml", "dependencies: {a: [\n", set()),
        ("poetry.lock 2.1", "pyproject.toml", "[project\n", set()),
    ],
)
def test_requests(
    format_name: str, sibling: str, text: str, expected: set[tuple[str, str]]
) -> None:
    assert found(format_name, sibling, text) == expected


def test_what_a_lock_records_is_not_replaced() -> None:
    package = PackageEntry(manager="pip", name="numpy", direct=False)
    lock = Lock(name="x", format="poetry.lock 2.1", packages={Scope(): (package,)})
    text = '[project]\ndependencies = ["numpy"]\n'
    assert with_requests(lock, lambda _: text) is lock
