"""Commands before and after the packages of a stage, in built images."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orbiter.convert.repo2docker import POST_BUILD, RUN_POST_BUILD
from tests.support.paths import QUICK_ORBITER

pytestmark = [pytest.mark.engine, pytest.mark.index]
REPOSITORY = "orbiter-test/commands"
IMAGES = f"""
version = "0.1.0"
repository = "{REPOSITORY}"
templates = "own"

[builder.debian]
from = "debian:trixie-slim"

[image.debian.core]
prebuild = [
    "test ! -e /usr/bin/tini && id -u > /opt/before",
    '''
cat > /opt/text <<POSTBUILD
\tuser $USER
POSTBUILD
cat >> /opt/text <<'PREBUILD'
$USER
PREBUILD
''',
]
apt = ["tini"]
postbuild = ['''
for name in before text; do
    cat /opt/$name
done > /opt/after
cat >> /opt/after <<POSTBUILD
$(/usr/bin/tini --version)
POSTBUILD
''']

[image.debian.child]
from = "core"
postbuild = [
    {{ script = "scripts/.post" }},
    {{ script = "scripts/plain" }},
    '{RUN_POST_BUILD}',
]
prebuild = ["test -e /usr/bin/tini && cp /opt/after /opt/inherited"]
files = {{ "scripts/postBuild" = {{ to = "{POST_BUILD}", mode = "0755" }} }}
"""
AS_USER = """\
#!/bin/bash
echo "$(id -un) $PWD $HOME ${PATH%%:*}" > who
"""
SCRIPT = """\
#!/usr/bin/env -S perl -w
open(my $file, ">", "/opt/script") or die;
print $file "perl\\n";
"""
TEMPLATE = """\
{% extends "orbiter/Dockerfile.j2" %}
{% from "orbiter/macros.j2" import step with context %}
{% block after_apt %}
{% if stage.name == "debian-core" %}
{% call step() %}
test -e /opt/before
test ! -e /opt/after
echo "$HOME" > /opt/template
{% endcall %}
{% endif %}
{% endblock %}
"""
TEXT = "\tuser jovyan\n$USER\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("commands")
    (place / "images.toml").write_text(IMAGES, encoding="utf-8")
    (place / "own").mkdir()
    (place / "own/Dockerfile.j2").write_text(TEMPLATE, encoding="utf-8")
    (place / "scripts").mkdir()
    (place / "scripts/.post").write_text(SCRIPT, encoding="utf-8")
    (place / "scripts/plain").write_text("echo plain >> /opt/script\n", encoding="utf-8")
    (place / "scripts/postBuild").write_text(AS_USER, encoding="utf-8")
    orbiter(place, "lock", "-q")
    orbiter(place, "build", "-q")
    yield place
    tags = [f"{REPOSITORY}:debian-{name}-0.1.0" for name in ("core", "child")]
    run("docker", "image", "rm", "--force", *tags)


def orbiter(place: Path, *words: str) -> str:
    return run(sys.executable, QUICK_ORBITER, *words, place=place)


def run(*command: str, place: Path | None = None) -> str:
    env = {**os.environ, "ORBITER_CACHE_DIR": str(place / "cache")} if place else None
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(image: str, path: str) -> str:
    return run("docker", "run", "--rm", f"{REPOSITORY}:debian-{image}-0.1.0", "cat", path)


@pytest.mark.usefixtures("project")
def test_prebuild_runs_as_root_before_packages_are_installed() -> None:
    assert content("core", "/opt/before") == "0\n"


@pytest.mark.usefixtures("project")
def test_here_documents_of_commands_are_written() -> None:
    assert content("core", "/opt/text") == TEXT
    assert content("core", "/opt/after").startswith(f"0\n{TEXT}tini version")


@pytest.mark.usefixtures("project")
def test_a_stacked_image_runs_its_own_prebuild_on_its_parent() -> None:
    assert content("child", "/opt/inherited") == content("core", "/opt/after")


@pytest.mark.usefixtures("project")
def test_scripts_run_by_their_interpreter_or_by_sh() -> None:
    assert content("child", "/opt/script") == "perl\nplain\n"


@pytest.mark.usefixtures("project")
def test_an_imported_post_build_runs_as_the_user_in_its_home() -> None:
    home = "/home/jovyan"
    assert content("child", f"{home}/who") == f"jovyan {home} {home} /opt/env/bin\n"


@pytest.mark.usefixtures("project")
def test_a_step_of_an_own_template_runs_between_those_of_orbiter() -> None:
    assert content("child", "/opt/template") == "/tmp\n"


def test_a_changed_script_makes_the_lock_set_stale(project: Path) -> None:
    script = project / "scripts/plain"
    kept = script.read_bytes()
    script.write_bytes(kept + b"true\n")
    command = [sys.executable, QUICK_ORBITER, "lock", "--check"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    script.write_bytes(kept)
    assert done.returncode == 1
    line = "image.debian.child.postbuild: content of scripts/plain changed"
    assert line in done.stdout + done.stderr


def test_two_builds_are_equal(project: Path) -> None:
    build = ("build", "-q", "--no-load")
    first = orbiter(project, *build)  # of the fixture, from the cache
    assert orbiter(project, *build, "--no-cache") == first
