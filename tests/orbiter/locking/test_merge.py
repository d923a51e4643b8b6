"""``orbiter lock --merge``: both sides of a real git merge give the pins to start from."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.locking.merge import combine, merged_lock_set
from orbiter.lockset import folder, model
from orbiter.lockset.inputs import LOCK_FILES
from orbiter.lockset.model import (
    BuilderFacts,
    LockSet,
    LockSetError,
    Manifest,
    RecordedWarning,
)
from tests.support.conda_world import channel as conda_channel
from tests.support.conda_world import record

IMAGES = """
version = "0.1.0"
repository = "a/b"
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
pip-engine = "uv"
[image.debian.base]
pip = [
{requirements}
]
"""
BASE = {"apt": "curl 8", "pip": "attrs 1", "npm": "left-pad 1"}


def lock_set(cutoff: str = "2026-11-01T00:00:00Z", **locks: str) -> LockSet:
    """Return a lock set whose managers have these locks."""
    files = {"apt": "apt.lock", "pip": "uv.lock", "npm": "package-lock.json"}
    image_set = ImageSet(
        version="0.1.0",
        repository="a/b",
        platforms=("linux/amd64",),
        builders={"debian": Builder(name="debian", base="debian:trixie-slim")},
        stages=(),
    )
    manifest = Manifest(
        release="0.1.0",
        cutoff=cutoff,
        source_date_epoch=1,
        bases={"debian:trixie-slim": {"linux/amd64": "sha256:" + "a" * 64}},
        builders={
            "debian": BuilderFacts(
                python=f"python of {locks['apt']}",
                glibc={"linux/amd64": f"glibc of {locks['apt']}"},
                entrypoint=(f"entrypoint of {locks['apt']}",),
                command=(f"command of {locks['apt']}",),
                inputs={manager: f"inputs of {text}" for manager, text in locks.items()},
            )
        },
        warnings=tuple(
            RecordedWarning(builder="debian", manager=manager, text=f"warning of {text}")
            for manager, text in sorted(locks.items())
        ),
    )
    content = {f"debian/{files[manager]}": text for manager, text in locks.items()}
    return model.seal(manifest, {"images.toml": snapshot.dump(image_set), **content})


def test_each_manager_comes_from_the_side_that_changed_it() -> None:
    ours = lock_set(**{**BASE, "pip": "attrs 1, ours 1"})
    theirs = lock_set("2026-11-02T00:00:00Z", **{**BASE, "apt": "curl 9"})
    both = combine(ours, theirs, lock_set(**BASE))
    locks = {name: text for name, text in both.files.items() if name != "images.toml"}
    assert locks == {
        "debian/apt.lock": "curl 9",
        "debian/uv.lock": "attrs 1, ours 1",
        "debian/package-lock.json": "left-pad 1",
    }
    facts = both.manifest.builders["debian"]
    assert facts.python == "python of curl 9"
    assert facts.glibc == {"linux/amd64": "glibc of curl 9"}
    assert facts.entrypoint == ("entrypoint of curl 9",)
    assert facts.command == ("command of curl 9",)
    assert facts.inputs == {
        "apt": "inputs of curl 9",
        "pip": "inputs of attrs 1, ours 1",
        "npm": "inputs of left-pad 1",
    }
    assert [warning.text for warning in both.manifest.warnings] == [
        "warning of curl 9",
        "warning of left-pad 1",
        "warning of attrs 1, ours 1",
    ]
    assert both.manifest.cutoff == "2026-11-02T00:00:00Z"
    assert both.image_set == ours.image_set


def all_managers(changed: str, text: str) -> LockSet:
    """Return a lock set with the files of all managers, of which those of one have the text."""
    texts = dict.fromkeys(LOCK_FILES, "base") | {changed: text}
    files = {
        f"debian/{name}": f"{name} {texts[manager]}"
        for manager, names in LOCK_FILES.items()
        for name in names
    }
    plain = lock_set(**BASE)
    facts = replace(plain.manifest.builders["debian"], inputs=texts)
    manifest = replace(plain.manifest, builders={"debian": facts})
    return model.seal(manifest, {"images.toml": plain.files["images.toml"], **files})


@pytest.mark.parametrize("manager", LOCK_FILES)
def test_all_files_of_any_manager_come_from_the_side_that_changed_them(manager: str) -> None:
    other = "pip" if manager == "apt" else "apt"
    base = all_managers(manager, "base")
    ours, theirs = all_managers(other, "ours"), all_managers(manager, "theirs")
    both = combine(ours, theirs, base)
    for owner, names in LOCK_FILES.items():
        text = {manager: "theirs", other: "ours"}.get(owner, "base")
        assert both.manifest.builders["debian"].inputs[owner] == text
        assert {both.files[f"debian/{name}"] for name in names} == {
            f"{name} {text}" for name in names
        }


def test_ours_is_the_start_if_both_sides_changed_a_manager_or_nothing_is_common() -> None:
    ours, theirs = lock_set(**{**BASE, "pip": "ours"}), lock_set(**{**BASE, "pip": "theirs"})
    for base in (lock_set(**BASE), None):
        assert combine(ours, theirs, base).files["debian/uv.lock"] == "ours"


def test_a_lock_that_only_one_side_has_or_that_one_side_removed() -> None:
    base = lock_set(apt="curl 8", pip="attrs 1")
    added = lock_set(**BASE)
    removed = lock_set(apt="curl 8")
    assert combine(base, added, base).files["debian/package-lock.json"] == "left-pad 1"
    assert combine(base, added, None).files["debian/package-lock.json"] == "left-pad 1"
    assert "debian/uv.lock" not in combine(removed, added, base).files
    assert "debian/uv.lock" not in combine(added, removed, base).files


class Repository:
    """A git repository with an image set that pip alone locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, code: int = 0) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_EDITOR": "true"}
        command = ["git", *identity, *words]
        done = subprocess.run(
            command, cwd=self.path, capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def orbiter(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "orbiter", *words]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def require(self, *requirements: str) -> None:
        lines = "\n".join(f'"{requirement}",' for requirement in requirements)
        (self.path / "images.toml").write_text(IMAGES.format(requirements=lines))

    def lock(self, *options: str) -> None:
        self.orbiter("lock", "--only", "pip", "-q", *options)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "lock")

    def pins(self) -> dict[str, str]:
        files = folder.read(self.path / "locks" / "0.1.0").files
        packages = tomllib.loads(files["debian/uv.lock"])["package"]
        return {package["name"]: package.get("version", "") for package in packages}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Make a repository whose two branches add a package each; attrs has an old pin."""
    made = Repository(tmp_path)
    made.require("attrs==24.2.0")
    made.lock()
    made.require("attrs")
    made.lock()
    return made


def make_branches(repository: Repository) -> None:
    repository.commit()
    for branch, package in (("ours", "iniconfig==2.0.0"), ("theirs", "idna==3.9")):
        repository.git("switch", "--quiet", "--create", branch, "main")
        repository.require("attrs", package)
        repository.lock()
        repository.commit()
    repository.git("switch", "--quiet", "ours")


EXPECTED = {"attrs": "24.2.0", "iniconfig": "2.0.0", "idna": "3.9"}


@pytest.mark.index
@pytest.mark.parametrize(
    ("command", "attributes"),
    [("merge", True), ("merge", False), ("rebase", True), ("cherry-pick", False)],
    ids=["merge", "merge-with-markers", "rebase", "cherry-pick-with-markers"],
)
def test_a_merge_keeps_the_pins_of_both_sides(
    repository: Repository, command: str, attributes: bool
) -> None:
    if not attributes:  # as in lock sets of before, or of other tools
        (repository.path / "locks/.gitattributes").write_text("")
    make_branches(repository)
    repository.git(command, "theirs", code=1)
    manifest = (repository.path / "locks/0.1.0/lockset.toml").read_text()
    assert ("<<<<<<<" in manifest) != attributes
    broken = repository.orbiter("lock", "--only", "pip", code=2)
    assert "images.toml" in broken
    repository.require("attrs", "iniconfig==2.0.0", "idna==3.9")
    if not attributes:
        broken = repository.orbiter("lock", "--only", "pip", code=2)
        assert "locks/0.1.0 has conflicts of a merge" in broken
        assert "hint: merge images.toml, then run: orbiter lock --merge" in broken

    repository.lock("--merge")
    assert {name: repository.pins().get(name) for name in EXPECTED} == EXPECTED
    repository.git("add", "images.toml", "locks")
    assert "<<<<<<<" not in repository.git("diff", "--cached")
    repository.git(command, "--continue")
    repository.lock()
    assert repository.git("status", "--porcelain") == ""
    assert "no unfinished merge" in repository.orbiter("lock", "--merge", code=2)


def test_a_release_that_one_side_recorded_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(tmp_path)
    path = tmp_path / "locks" / "0.1.0"
    for branch, text in (("main", "curl 8"), ("theirs", "curl 9"), ("ours", "curl 10")):
        if branch != "main":
            repository.git("switch", "--quiet", "--create", branch, "main")
        folder.write(lock_set(apt=text), path)
        if branch == "theirs":
            (path / "digests.toml").write_text("")
        repository.commit()
    repository.git("merge", "theirs", code=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LockSetError, match="recorded by orbiter release at MERGE_HEAD") as error:
        merged_lock_set("0.1.0")
    command = error.value.hint.removeprefix("take that side: ")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert folder.read(path) == lock_set(apt="curl 9")
    assert folder.is_released(path)


@pytest.mark.index
def test_without_a_merge_the_hint_starts_from_one_side(repository: Repository) -> None:
    (repository.path / "locks/.gitattributes").write_text("")
    make_branches(repository)
    repository.git("merge", "theirs", code=1)
    repository.require("attrs", "iniconfig==2.0.0", "idna==3.9")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "with markers")
    broken = repository.orbiter("lock", "--only", "pip", code=2)
    assert "lockset.toml: contains conflict markers of a merge" in broken
    hint = repository.orbiter("lock", "--merge", code=2).partition("start from one side: ")[2]
    command = hint.partition(", then run")[0].replace("HEAD", "HEAD^")
    subprocess.run(command, shell=True, cwd=repository.path, check=True)
    repository.lock()
    assert {name: repository.pins().get(name) for name in EXPECTED} == EXPECTED


CONDA_IMAGES = """
version = "0.1.0"
repository = "a/b"
platforms = ["linux/amd64"]
[builder.micromamba]
channels = ["{channel}"]
installer = "rattler"
[image.micromamba.base]
[image.micromamba.base.build]
conda = [
"python",
{requirements}
]
"""


class CondaRepository(Repository):
    """A git repository with an image set that conda alone locks, from a channel beside it."""

    def __init__(self, path: Path, channel: Path) -> None:
        super().__init__(path)
        self.channel = channel

    def publish(self, *packages: tuple[str, str]) -> None:
        """Replace the channel by one with Python and these packages."""
        python = record("python", "3.12.4", "__glibc >=2.17", subdir="linux-64")
        records = (record(name, version, "python") for name, version in packages)
        conda_channel(self.channel, python, *records)

    def require(self, *requirements: str) -> None:
        lines = "\n".join(f'"{requirement}",' for requirement in requirements)
        text = CONDA_IMAGES.format(channel=self.channel.as_uri(), requirements=lines)
        (self.path / "images.toml").write_text(text)

    def lock(self, *options: str) -> None:
        self.orbiter("lock", "--only", "conda", "-q", *options)

    def pins(self) -> dict[str, str]:
        text = folder.read(self.path / "locks" / "0.1.0").files["micromamba/conda-lock.yml"]
        return dict(re.findall(r"- name: (\S+)\n  version: '?([^'\n]+)", text))


@pytest.fixture
def conda_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CondaRepository:
    """Make a repository whose channel has newer packages than its lock."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    (tmp_path / "repository").mkdir()
    made = CondaRepository(tmp_path / "repository", tmp_path / "channel")
    old = [("tool", "1.0"), ("one", "1.0"), ("two", "1.0")]
    made.publish(*old)
    made.require("tool")
    made.lock()
    made.publish(*old, ("tool", "2.0"), ("one", "2.0"), ("two", "2.0"))
    made.commit()
    return made


def test_a_merge_keeps_the_pins_of_conda(conda_repository: CondaRepository) -> None:
    repository = conda_repository
    for branch, requirement in (("ours", "one<2"), ("theirs", "two<2")):
        repository.git("switch", "--quiet", "--create", branch, "main")
        repository.require("tool", requirement)
        repository.lock()
        repository.commit()
    repository.git("switch", "--quiet", "ours")
    repository.git("merge", "theirs", code=1)
    repository.require("tool", "one<2", "two<2")
    repository.lock("--merge")
    expected = {"python": "3.12.4", "tool": "1.0", "one": "1.0", "two": "1.0"}
    assert repository.pins() == expected
    repository.git("add", "images.toml", "locks")
    repository.git("merge", "--continue")
    repository.lock()
    assert repository.git("status", "--porcelain") == ""


def test_a_merge_takes_conda_from_the_side_that_changed_it(
    conda_repository: CondaRepository,
) -> None:
    repository = conda_repository
    images = repository.path / "images.toml"
    repository.git("switch", "--quiet", "--create", "theirs")
    repository.lock("--upgrade-package", "tool")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "ours", "main")
    images.write_text(images.read_text() + 'postbuild = ["true"]\n')
    repository.lock()
    repository.commit()
    repository.git("merge", "theirs", code=1)
    repository.lock("--merge")
    assert repository.pins() == {"python": "3.12.4", "tool": "2.0"}
    assert "true" in (repository.path / "locks/0.1.0/images.toml").read_text()


@pytest.mark.index
def test_lock_writes_the_files_for_git_once(repository: Repository) -> None:
    locks = repository.path / "locks"
    assert "!/*/**" in (locks / ".gitignore").read_text()
    assert "* -text" in (locks / ".gitattributes").read_text()
    repository.commit()
    repository.lock()
    assert repository.git("status", "--porcelain") == ""
    (repository.path / ".gitignore").write_text("locks/\n")
    repository.git("rm", "--quiet", "--cached", "-r", "locks")
    warned = repository.orbiter("lock", "--only", "pip", "-q")
    assert "warning: git ignores locks/0.1.0/" in warned
    assert "!/locks/" in warned
