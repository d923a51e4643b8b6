"""The build folder of a plan, compared with golden files.

ORBITER_TEST_WRITE_GOLDEN=1 writes the golden files.
"""

import itertools
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from orbiter.assembly.raw_image import STAGE_LABEL
from orbiter.config.image_set import CondaSettings
from orbiter.config.layer_keys import TrimRule
from orbiter.render.dockerfile import render
from orbiter.render.grammar import violation
from orbiter.render.model import Plan, StagePlan
from orbiter.render.stage_rules import stage_rules
from orbiter.store.artifact_list import parse_list
from tests.support.paths import TESTS
from tests.support.plans import (
    AMD64,
    ARM,
    CPYTHON,
    alpine,
    conda,
    from_packages,
    plan,
    stage,
    with_downloads,
    with_settings,
)

GOLDEN = TESTS / "golden"


def test_packages_that_overwrite_others_are_installed_last() -> None:
    settings = CondaSettings(overwrites=("python", "absent"))
    reviewed = conda(settings, AMD64)
    builder = replace(reviewed.image_set.builders["micromamba"], pip_overwrites=("other", "six"))
    image_set = replace(reviewed.image_set, builders={"micromamba": builder})
    files = render(replace(reviewed, image_set=image_set))
    dockerfile = files["debian-base-build/Dockerfile"]
    assert dockerfile.count("--reinstall-package") == 1
    assert "--reinstall-package six -r /lock/pip-linux-amd64.txt" in dockerfile
    assert (
        files["debian-base-build/conda-overwrites-linux-amd64.txt"] == f"{CPYTHON.artifact.file}\n"
    )
    assert "target=/lock/conda-overwrites-linux-amd64.txt" in dockerfile
    assert not [path for path in files if "overwrites" in path and "base-build" not in path]


def test_the_wheel_cache_depends_on_the_commands_of_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cache() -> str:
        text = render(alpine(AMD64))["debian-base-build/Dockerfile"]
        return next(line for line in text.splitlines() if "type=cache" in line)

    before = cache()
    assert cache() == before
    monkeypatch.setattr("orbiter.render.context.LAYER_TIME", 1)
    assert cache() != before


@pytest.mark.parametrize(
    ("name", "reviewed"),
    [
        ("alpine", alpine(AMD64)),
        ("alpine-without-bash-for-two-platforms", alpine(AMD64, ARM)),
        ("one-platform", plan(AMD64)),
        ("two-platforms", plan(AMD64, ARM)),
        ("settings-of-containers", with_settings(AMD64)),
        ("downloads-for-two-platforms", with_downloads(AMD64, ARM)),
        ("made-of-packages", from_packages(AMD64)),
        ("made-for-two-platforms", from_packages(AMD64, ARM)),
        ("conda-by-micromamba", conda(CondaSettings(keep_installer=True), AMD64)),
        (
            "conda-by-rattler-for-two-platforms",
            conda(CondaSettings(installer="rattler"), AMD64, ARM),
        ),
    ],
)
def test_the_build_folder_is_as_reviewed(name: str, reviewed: Plan) -> None:
    files = render(reviewed)
    folder = GOLDEN / name
    if os.environ.get("ORBITER_TEST_WRITE_GOLDEN"):
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    expected = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert files == expected


def test_assembly_finds_the_label_of_each_stage() -> None:
    for reviewed in (plan(AMD64, ARM), from_packages(AMD64), alpine(AMD64)):
        files = render(reviewed)
        for stage_plan in reviewed.stages:
            name = stage_plan.stage.name
            lines = files[f"{name}/Dockerfile"].splitlines()
            label = lines.index(f'LABEL {STAGE_LABEL}="{name}"')
            assert lines[label - 1].startswith("FROM ")
            assert not [line for line in lines[label:] if line.startswith("FROM ")]


def test_each_folder_of_artifacts_is_a_context_of_its_own() -> None:
    """BuildKit would receive all files again if two folders had one name."""
    for reviewed in (plan(AMD64, ARM), with_downloads(AMD64), conda(CondaSettings(), AMD64)):
        files = render(reviewed)
        folders: dict[str, str] = {}
        for name, target in json.loads(files["docker-bake.json"])["target"].items():
            own = {
                key: at for key, at in target["contexts"].items() if at.startswith("${ARTIFACTS}")
            }
            mounted = re.findall(r"type=bind,from=([^,]+)", files[f"{name}/Dockerfile"])
            assert set(mounted) == own.keys()
            assert not own.keys() & folders.keys()
            folders |= own
        assert len(set(folders.values())) == len(folders) > 1


def with_trim(**rules: tuple[TrimRule, ...]) -> Plan:
    """Return the plan with rules of trim for the images with these names."""
    image = plan(AMD64)
    stages = tuple(
        replace(each, stage=replace(each.stage, trim=rules.get(each.stage.name[7:], UNSET)))
        for each in image.stages
    )
    image_set = replace(image.image_set, stages=tuple(each.stage for each in stages))
    return replace(image, image_set=image_set, stages=stages)


@pytest.mark.parametrize(
    ("rules", "stripped"),
    [
        ({"base": ("debug-symbols", "tests")}, ["debian-base-build"]),
        ({"core": ("debug-symbols",)}, ["debian-core"]),
        ({"core": ("tests",), "base": ()}, []),
    ],
)
def test_debug_symbols_are_removed_where_the_programs_come_from(
    rules: dict[str, tuple[TrimRule, ...]], stripped: list[str]
) -> None:
    reviewed = with_trim(**rules)
    files = render(reviewed)
    assert [name for name in files if name.endswith("strip.sh")] == [
        f"{name}/strip.sh" for name in stripped
    ]
    for stage_plan in reviewed.stages:
        name = stage_plan.stage.name
        text = files[f"{name}/Dockerfile"]
        assert violation(text, stage_rules(reviewed, stage_plan.stage)) == ""
        if name in stripped:
            step = text.rpartition("<<'STRIP'\n")[2]
            assert step.startswith(f"set -eu\ncd /opt/env\nsh /lock/strip.sh {name}\nSTRIP\n")
            assert "APT\n" not in step
        else:
            assert "STRIP" not in text


def test_the_step_that_removes_debug_symbols_knows_the_files_that_stay() -> None:
    image = with_downloads(AMD64)
    core, *rest = image.stages
    core = replace(core, stage=replace(core.stage, trim=("debug-symbols",)))
    image_set = replace(image.image_set, stages=tuple(each.stage for each in (core, *rest)))
    files = render(replace(image, image_set=image_set, stages=(core, *rest)))
    assert (
        "\nsh /lock/strip.sh debian-core /lock/downloads-linux-amd64.txt\n"
        in (files["debian-core/Dockerfile"])
    )


def test_every_text_is_canonical_and_names_no_machine() -> None:
    plans = (
        plan(AMD64, ARM),
        from_packages(AMD64, ARM),
        conda(CondaSettings(), ARM),
        alpine(AMD64),
        with_settings(AMD64),
    )
    for path, text in itertools.chain.from_iterable(render(each).items() for each in plans):
        assert not text or (text.endswith("\n") and not text.endswith("\n\n")), path
        assert str(Path.home()) not in text
        assert "# syntax=" not in text
        assert all(line == line.rstrip() for line in text.splitlines()), path


def test_the_list_of_artifacts_has_each_file_once() -> None:
    entries = parse_list(render(plan(AMD64))["debian-base-build/artifacts-linux-amd64.txt"])
    assert [(entry.path, entry.source.partition("/")[0]) for entry in entries] == [
        ("apt/nodejs_20.19.2_amd64.deb", "apt:nodejs"),
        ("npm/x__canvas-3.0.0.tgz", "npm:@x"),
        ("pip/flit_core-3.12.0-py3-none-any.whl", "pip:flit-core"),
        ("pip/made-1.0.tar.gz", "pip:made"),
        ("pip/six-1.17.0-py2.py3-none-any.whl", "pip:six"),
        ("tools/npm-10.9.2.tgz", "npm:npm"),
        ("tools/uv-0.8.0-py3-none-manylinux_2_17_x86_64.whl", "pip:uv"),
    ]


def test_rules_of_the_image_set_run_in_the_step_that_installs_debian_packages() -> None:
    image = plan(AMD64)
    core, *rest = image.stages
    rules = ("rm /etc/example.id", "APT")
    core = replace(core, stage=replace(core.stage, normalize=rules))
    text = render(replace(image, stages=(core, *rest)))["debian-core/Dockerfile"]
    step = text.partition("<<'APT'\n")[2].partition("\nAPT\n")[0]
    lines = step.splitlines()
    first = lines.index(" rm /etc/example.id")
    assert lines[first + 1] == " APT"
    assert first > next(n for n, line in enumerate(lines) if "apt-normalize.sh" in line)
    assert "example.id" not in text.replace(step, "")


def test_answers_to_questions_of_debian_packages_are_set_before_these_are_installed() -> None:
    image = plan(AMD64)
    core, *rest = image.stages
    core = replace(core, files={"debconf.txt": "a a/b select c d\n"})
    core = replace(core, stage=replace(core.stage, debconf=("a a/b select c d",)))
    files = render(replace(image, stages=(core, *rest)))
    text = files["debian-core/Dockerfile"]
    before, _, after = text.partition("\ndebconf-set-selections /lock/debconf.txt\n")
    assert "--mount=type=bind,source=debconf.txt,target=/lock/debconf.txt" in before
    assert "apt-get install" not in before
    assert "apt-get install" in after
    assert files["debian-core/debconf.txt"] == "a a/b select c d\n"
    assert "a/b" not in text


def test_network_access_is_labelled_on_the_stage_and_on_images_built_from_it() -> None:
    files = render(plan(AMD64, network=True))
    assert "--network=default" in files["debian-base-build/Dockerfile"]
    assert (
        "--network=default" not in files["debian-base/Dockerfile"] + files["debian-core/Dockerfile"]
    )
    assert 'org.orbiter.hermetic="false"' in files["debian-base/Dockerfile"]
    assert 'org.orbiter.hermetic="true"' in files["debian-core/Dockerfile"]


def test_commands_of_several_lines_keep_their_here_documents(tmp_path: Path) -> None:
    text = "cat > written <<'POSTBUILD'\n\ttext\nPOSTBUILD\nexit 3"
    failing = stage("base-build", kind="build", prebuild=(text,), postbuild=(text,))
    reviewed = replace(plan(AMD64), stages=(StagePlan(stage=failing, pins={}),))
    dockerfile = render(reviewed)["debian-base-build/Dockerfile"]
    for name, end in (("prebuild", "PREBUILD"), ("postbuild", "POSTBUILDX")):
        step = dockerfile.partition(f"<<'{end}'\n")[2].partition(f"\n{end}\n")[0]
        step = step[step.index("trap '") : step.index("trap - EXIT")]
        done = subprocess.run(
            ["sh", "-euc", step], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 3, name
        first = "cat > written <<'POSTBUILD'"
        assert done.stderr == f"exit code 3 of the command: {first} …\n"
        assert (tmp_path / "written").read_text(encoding="utf-8") == "\ttext\n"
        (tmp_path / "written").unlink()


@pytest.mark.parametrize("network", [False, True])
def test_prebuild_comes_before_packages_and_has_no_network(*, network: bool) -> None:
    reviewed = plan(AMD64, network=network)
    core, build, base = reviewed.stages
    build = replace(build, stage=replace(build.stage, prebuild=("true",)))
    dockerfile = render(replace(reviewed, stages=(core, build, base)))[
        "debian-base-build/Dockerfile"
    ]
    step = next(line for line in dockerfile.splitlines() if line.endswith("<<'PREBUILD'"))
    order = [dockerfile.index(text) for text in ("USER 0", "<<'PREBUILD'", "<<'APT'")]
    assert order == sorted(order)
    before = dockerfile.partition("<<'PREBUILD'")[0].rpartition("RUN ")[2]
    assert before.startswith("--network=none "), step


def test_a_failing_postbuild_names_its_command() -> None:
    commands = ("true", 'echo "it\'s" | grep x', "touch never")
    failing = stage("base-build", kind="build", postbuild=commands)
    reviewed = replace(plan(AMD64), stages=(StagePlan(stage=failing, pins={}),))
    text = render(reviewed)["debian-base-build/Dockerfile"]
    # Only the commands run here: the rest of the step changes files of the whole system.
    step = text[text.index("trap '") : text.index("trap - EXIT")]
    done = subprocess.run(["sh", "-euc", step], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'exit code 1 of the command: echo "it\'s" | grep x\n'
