"""Runs of bake: the arguments and the definition that a program in place of docker receives."""

import json
from pathlib import Path
from typing import Any

import pytest

from orbiter.docker.bake import BakeOptions, run_bake
from orbiter.tasks import Report
from resolvers.errors import ExpectedError

DEFINITION: dict[str, Any] = {
    "group": {"default": {"targets": ["core", "geo"]}},
    "target": {
        "core": {"context": "/build/core", "output": ["type=oci,dest=/images/core"]},
        "geo": {"context": "/build/geo", "contexts": {"core": "target:core"}},
    },
}
EVENT = json.dumps(
    {"vertexes": [{"digest": "sha256:1", "name": "[geo stage-0 1/1] RUN x", "started": "2026"}]}
)


class Docker:
    """A program in place of docker, which keeps its arguments and its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(f"echo '{EVENT}' >&2")

    def write(self, end: str) -> None:
        """Write the program, with other commands at its end."""
        program = self.folder / "docker"
        program.write_text(
            "#!/bin/sh\n"
            'if test "$2" = version; then echo github.com/docker/buildx 0.29.1 x; exit; fi\n'
            f'printf "%s\\n" "$@" > {self.folder}/arguments\n'
            f"env > {self.folder}/environment\n"
            f"cp docker-bake.json {self.folder}/definition\n"
            f"ls > {self.folder}/files\n"
            f"{end}\n"
        )
        program.chmod(0o755)

    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_text().splitlines()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    folder = tmp_path / "program"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Docker(folder)


def run(folder: Path, options: BakeOptions, definition: dict[str, Any] = DEFINITION) -> list[str]:
    """Run bake and return the lines of its progress."""
    folder.mkdir(exist_ok=True)
    lines: list[str] = []

    def start_task(stage: str) -> Report:
        return lambda line: lines.append(f"{stage}: {line}")

    run_bake(folder, definition, options, start_task)
    return lines


def test_only_the_targets_are_built(docker: Docker, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    lines = run(folder, BakeOptions(targets=("core", "geo")))
    assert lines == ["geo: waiting", "geo: building", "geo: "]
    arguments = docker.arguments()
    assert arguments[: arguments.index("--allow")] == [
        *("buildx", "bake", "--file", "docker-bake.json", "--progress", "rawjson", "core", "geo")
    ]
    assert f"fs.write={folder}/images" in arguments
    assert (folder / "images").is_dir()
    environment = (docker.folder / "environment").read_text()
    assert "BUILDX_NO_DEFAULT_ATTESTATIONS=1\n" in environment
    assert (docker.folder / "files").read_text() == "docker-bake.json\n"
    written = json.loads((docker.folder / "definition").read_text())
    assert written["target"]["core"]["output"] == ["type=oci,dest=/images/core"]


def test_every_option_becomes_an_argument(docker: Docker, tmp_path: Path) -> None:
    options = BakeOptions(
        targets=("core",),
        platforms=("linux/amd64", "linux/arm64"),
        builder="remote",
        no_cache=True,
        cache_from=("type=registry,ref=a/b:{stage}",),
        cache_to=(f"type=local,dest={tmp_path}/{{stage}}",),
    )
    run(tmp_path / "build", options)
    arguments = docker.arguments()
    expected = [
        *("--builder", "remote", "--no-cache"),
        *("--set", "*.platform=linux/amd64,linux/arm64"),
        *("--set", "core.cache-from=type=registry,ref=a/b:core"),
        *("--set", f"core.cache-to=type=local,dest={tmp_path}/core"),
    ]
    assert arguments[7 : 7 + len(expected)] == expected
    assert f"fs={tmp_path}" in arguments


def test_bake_reads_no_base_image_that_is_missing(docker: Docker, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    (folder / "bases" / "0f").mkdir(parents=True)
    contexts = {"debian:1": f"oci-layout://{folder}/bases/aa@sha256:aa"}
    core = {**DEFINITION["target"]["core"], "contexts": contexts}
    run(folder, BakeOptions(targets=("core",)), {**DEFINITION, "target": {"core": core}})
    written = json.loads((docker.folder / "definition").read_text())
    there = f"oci-layout://{folder}/bases/0f@sha256:0f"
    assert written["target"]["core"]["contexts"] == {"debian:1": there}
    assert f"fs.read={folder}/bases/0f" in docker.arguments()


def test_a_failed_build_is_an_error_with_the_last_lines(docker: Docker, tmp_path: Path) -> None:
    docker.write("echo 'ERROR: it broke' >&2; exit 1")
    with pytest.raises(ExpectedError, match=r"docker buildx bake failed:\n  ERROR: it broke"):
        run(tmp_path / "build", BakeOptions(targets=("core",)))
