"""Lock sets with the wheel of a folder of the repository, made by the real commands."""

import base64
import hashlib
import io
import json
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.config.read import read_image_set
from orbiter.fetch.fetch import fetch
from orbiter.fetch.mirrors import fetch_settings
from orbiter.lockset import folder as lock_sets
from orbiter.store.artifact_list import LockedFile
from orbiter.store.store import Store
from resolvers.errors import ExpectedError
from resolvers.pip import direct
from tests.support.acme_repository import BACKEND, BUILD, FILES, PROJECT
from tests.support.pip_project import Project
from tests.support.wheel_index import Wheel, wheel_index

pytestmark = pytest.mark.index  # Poetry is installed from the index
PIP = "\"acme[more] @ ./src/acme ; sys_platform == 'linux'\""


@pytest.fixture
def project(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Make a repository with the project acme in a folder, and an index with its dependencies."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    repository = tmp_path / "repository"
    repository.mkdir()
    with wheel_index() as main, wheel_index() as one, wheel_index() as two:
        main.add("beta", "1.0")
        main.add("gamma", "1.0")
        main.add("acme", "9.0")  # a higher version on the index does not count
        found = Project(repository, getattr(request, "param", "uv"), (main, one, two))
        for name, text in FILES.items():
            write(found, name, text)
        yield found


def write(project: Project, name: str, text: str) -> Path:
    path = project.folder / "src/acme" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def locked(project: Project, version: str = "0.1.0") -> dict[str, object]:
    path = project.folder / f"locks/{version}/debian/direct-references.toml"
    (package,) = tomllib.loads(path.read_text())["package"]
    assert isinstance(package, dict)
    return package


def content_of(package: dict[str, object]) -> bytes:
    content = base64.b64decode(str(package["content"]))
    assert package["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return content


@pytest.mark.parametrize("project", ["poetry", "uv"], indirect=True)
def test_a_folder_through_all_commands(project: Project, tmp_path: Path) -> None:
    project.write(PIP)
    project.lock()
    first = locked(project)
    assert (first["file"], first["version"]) == ("acme-1.0-py3-none-any.whl", "1.0")
    assert project.stale() == ""
    before = project.contents()
    project.lock()
    assert project.contents() == before
    write(project, "src/acme.py", "x = 2\n")
    assert "image.debian.base.build.pip: src/acme/src/acme.py of acme changed" in project.stale()
    project.write(PIP, version="0.2.0")
    project.lock()
    second = locked(project, "0.2.0")
    assert first["hash"] != second["hash"]
    done = project.run("diff-locks", "locks/0.1.0", "locks/0.2.0")
    assert "ALTERED" not in done.stdout
    assert "rebuilt  acme" in done.stdout
    write(project, "new.txt", "new\n")
    assert "src/acme/new.txt of acme added" in project.stale()
    check_fetch(project, Store(tmp_path / "store"))


def check_fetch(project: Project, store: Store) -> None:
    """Check that the wheel comes from the lock set alone, and only with its own bytes."""
    lock_set = lock_sets.read(project.folder / "locks/0.1.0")
    (pin,) = direct.pins(lock_set.builder_files("debian"))
    file = LockedFile(path="pip/x.whl", hash=pin.artifact.hash, source=pin.artifact.source)
    fetch([file], store, fetch_settings(lock_set))
    store.verify(file.hash)


def test_a_wheel_has_the_same_bytes_on_another_machine(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(PIP)
    project.lock()
    first = locked(project)
    with zipfile.ZipFile(io.BytesIO(content_of(first))) as wheel:
        entries = wheel.infolist()
    assert [each.filename for each in entries] == [
        "acme.py",
        *(f"acme-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
    ]
    assert {(each.date_time, each.compress_type) for each in entries} == {
        ((2000, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
    }
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "other machine"))
    (project.folder / "src/acme/backend.py").touch()
    project.lock("--upgrade-package", "acme")
    assert locked(project) == first


def test_a_large_wheel_is_in_the_store_and_not_in_the_lock_set(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "src/acme.py", f"x = '{'y' * 100_000}'\n")
    project.write(PIP)
    project.lock()
    package = locked(project)
    assert "content" not in package
    Store().verify(str(package["hash"]))
    lock_set = lock_sets.read(project.folder / "locks/0.1.0")
    (pin,) = direct.pins(lock_set.builder_files("debian"))
    file = LockedFile(path="pip/x.whl", hash=pin.artifact.hash, source=pin.artifact.source)
    with pytest.raises(ExpectedError, match="too large for the lock set") as caught:
        fetch([file], Store(tmp_path / "store"), fetch_settings(lock_set))
    assert "orbiter archive" in caught.value.hint
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "other machine"))
    project.write(f'{PIP}, "gamma"')
    project.lock()  # builds the wheel again, to the same bytes
    assert locked(project) == package


def test_files_that_git_ignores_do_not_count(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    (project.folder / ".gitignore").write_text("*.log\nbuild/\n")
    project.write(PIP)
    project.lock()
    write(project, "run.log", "text")
    write(project, "build/acme.txt", "text")
    assert project.stale() == ""
    write(project, "data.txt", "text")
    assert "src/acme/data.txt of acme added" in project.stale()


def test_build_requirements_are_locked_with_hashes_and_kept(project: Project) -> None:
    backend = "from buildtool import VERSION\n\n" + BACKEND
    write(project, "backend.py", backend)
    write(project, "pyproject.toml", BUILD.replace("[]", '["buildtool"]', 1) + PROJECT)
    add_installable(project, "1.0")
    project.write(PIP)
    project.lock()
    (line,) = build_of(project)
    assert line.startswith("buildtool==1.0 ; platform_machine == ")
    assert "--hash=sha256:" in line
    add_installable(project, "2.0")
    write(project, "src/acme.py", "x = 2\n")
    project.lock()
    assert build_of(project) == [line]
    project.lock("--upgrade-package", "acme")
    (line,) = build_of(project)
    assert line.startswith("buildtool==2.0 ")
    engine_files = (project.folder / "locks/0.1.0/debian").glob("*.*")
    with_tool = [path.name for path in engine_files if "buildtool" in path.read_text()]
    assert with_tool == [direct.FILE]


def build_of(project: Project) -> list[str]:
    lines = locked(project)["build"]
    assert isinstance(lines, list)
    return lines


def add_installable(project: Project, version: str) -> None:
    """Add a wheel with a module to the index."""
    name, info = f"buildtool-{version}-py3-none-any.whl", f"buildtool-{version}.dist-info"
    texts = {
        "buildtool.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: buildtool\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    texts[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*texts, f"{info}/RECORD"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
    added = Wheel(file=name, content=content.getvalue(), attributes={}, hashed=True)
    project.main.wheels.setdefault("buildtool", {})[name] = added


def test_a_build_that_fails_and_a_wheel_for_one_platform_change_nothing(project: Project) -> None:
    project.write(PIP)
    project.lock()
    before = project.contents()
    write(project, "backend.py", "raise RuntimeError('broken backend')\n")
    done = project.run("lock", "--only", "pip")
    assert done.returncode == 2
    assert "building the wheel of 'acme' failed" in done.stderr
    assert "broken backend" in done.stderr
    other = BACKEND.replace("acme-1.0-py3-none-any", "acme-1.0-cp311-cp311-linux_x86_64")
    write(project, "backend.py", other)
    done = project.run("lock", "--only", "pip")
    assert done.returncode == 2
    assert "is for one platform only" in done.stderr
    assert project.contents() == before


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("acme @ ./absent", "'absent' does not exist"),
        ("acme @ ./src", "has no pyproject.toml"),
        ("acme @ ../outside", "is not below the folder of images.toml"),
        ("acme @ /etc", "is not below the folder of images.toml"),
        ("acme @ ./src/../..", "is not below the folder of images.toml"),
        ("acme @ ./locks", "belongs to git, or to the lock sets"),
    ],
)
def test_other_paths_are_mistakes(requirement: str, problem: str, project: Project) -> None:
    (project.folder / "locks").mkdir()
    project.write(f'"{requirement}"')
    done = project.run("lock", "--check")
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_another_name_is_reported(project: Project) -> None:
    project.write('"other @ ./src/acme"')
    done = project.run("lock", "--only", "pip")
    assert done.returncode == 2
    assert "src/acme is the package 'acme', not 'other'" in done.stderr


def test_the_content_in_a_lock_must_have_its_hash(project: Project) -> None:
    project.write(PIP)
    project.lock()
    path = project.folder / "locks/0.1.0/debian/direct-references.toml"
    text = path.read_text()
    content = str(locked(project)["content"])
    for wrong in (content[:-8] + "AAAA" + content[-4:], "not base64!"):
        files = {direct.FILE: text.replace(content, wrong)}
        with pytest.raises(Exception, match=f"{direct.FILE}: the content of acme"):
            direct.contents(files)


def test_the_project_may_be_at_the_top(project: Project) -> None:
    for name, text in FILES.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    project.write('"acme @ ."')
    project.lock()
    assert project.stale() == ""
    (stage,) = (
        each for each in read_image_set(project.folder / "images.toml").stages if each.projects
    )
    assert stage.projects
    sources = {file.source for file in stage.projects[0].files}
    assert "images.toml" not in sources
    assert not any(source.startswith("locks/") for source in sources)
    assert json.dumps(sorted(sources)).count("pyproject.toml") == 2
