"""The build folder of a plan, compared with golden files.

ORBITER_TEST_WRITE_GOLDEN=1 writes the golden files.
"""

import itertools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec import UNSET
from msgspec.structs import replace

from orbiter.assembly.raw_image import STAGE_LABEL
from orbiter.config.image_set import (
    Builder,
    CondaSettings,
    Download,
    DownloadedFile,
    ImageSet,
    Stage,
)
from orbiter.config.layer_keys import TrimRule
from orbiter.config.runtime import Healthcheck, Runtime
from orbiter.lockset.downloads import LockedDownload
from orbiter.render.derived import stage_rules
from orbiter.render.dockerfile import render
from orbiter.render.downloads import placed_downloads
from orbiter.render.grammar import violation
from orbiter.render.model import Plan, StagePlan
from orbiter.store.artifact_list import parse_list
from resolvers.types.packages import Artifact, Pin
from tests.support.paths import TESTS
from tests.support.runtimes import runtimes

GOLDEN = TESTS / "golden"
AMD64, ARM = "linux/amd64", "linux/arm/v7"
BASE = "debian:trixie-slim"


def pin(name: str, version: str, file: str, algorithm: str = "sha256") -> Pin:
    digits = 64 if algorithm == "sha256" else 128
    digest = f"{sum(file.encode()):x}".zfill(digits)
    artifact = Artifact(
        file=file, hash=f"{algorithm}:{digest}", size=len(file), source=f"{name}/{file}"
    )
    return Pin(name=name, version=version, artifact=artifact)


APT = pin("apt", "3.0.3", "apt_3.0.3_amd64.deb")
BASE_FILES = pin("base-files", "13.8+deb13u7", "base-files_13.8+deb13u7_amd64.deb")
PYTHON = pin("libpython3.13-stdlib", "3.13.5-2", "libpython3.13-stdlib_3.13.5-2_amd64.deb")
NODE = pin("nodejs", "20.19.2", "nodejs_20.19.2_amd64.deb")
SIX = pin("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl")
SDIST = pin("made", "1.0", "made-1.0.tar.gz")
FLIT = pin("flit-core", "3.12.0", "flit_core-3.12.0-py3-none-any.whl")
CPYTHON = pin("python", "3.12.2", "python-3.12.2-h1_0_cpython.conda")
MICROMAMBA = pin("micromamba", "2.6.2", "micromamba-2.6.2-0.tar.bz2")
RATTLER = pin("py-rattler", "0.28.0", "py_rattler-0.28.0-cp310-abi3-manylinux_2_17_x86_64.whl")
CANVAS = pin("@x/canvas", "3.0.0", "x__canvas-3.0.0.tgz", "sha512")
BASH = pin("bash", "5.3.3-r1", "bash-5.3.3-r1.apk")
MUSL_DEV = pin("musl-dev", "1.2.5-r21", "musl-dev-1.2.5-r21.apk")
UV = pin("uv", "0.8.0", "uv-0.8.0-py3-none-manylinux_2_17_x86_64.whl")
NPM = pin("npm", "10.9.2", "npm-10.9.2.tgz", "sha512")
NPM_LOCK = {
    "packages": {
        "": {"dependencies": {"@x/canvas": "*"}},
        "node_modules/@x/canvas": {"version": "3.0.0", "bin": {"paint": "./bin/paint.js"}},
    }
}


def stage(name: str, **more: object) -> Stage:
    fields = {
        "name": f"debian-{name}",
        "builder": "debian",
        "image": name.split("-", maxsplit=1)[0],
        "kind": "final",
    }
    return Stage(**{**fields, **more})  # type: ignore[arg-type]


def plan(*platforms: str, network: bool = False) -> Plan:
    core = stage("core")
    build = stage(
        "base-build",
        kind="build",
        parent="debian-core",
        sources={"npm": ("@x/canvas",), "pip": ("made",)},
        postbuild=("jupyter lab clean -y", "true"),
        network=network,
    )
    base = stage("base", parent="debian-core", build="debian-base-build")
    jupyter = (("pip", "jupyterlab", "4.4.0"), ("apt", "nodejs", "20.19.2"))
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            maintainer='Some $body "Else" <somebody@example.org>',
            platforms=platforms,
            builders={"debian": Builder(name="debian", base=BASE)},
            stages=(core, build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={BASE: {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(stage=core, pins={p: {"apt": (PYTHON,)} for p in platforms}),
            StagePlan(
                stage=build,
                pins={
                    p: {"apt": (NODE,), "pip": (SIX, SDIST), "npm": (CANVAS,)} for p in platforms
                },
                tools=dict.fromkeys(platforms, (UV, NPM)),
                build_pins=dict.fromkeys(platforms, (FLIT, SIX)),
                files={
                    "package.json": "{}\n",
                    "package-lock.json": json.dumps(NPM_LOCK) + "\n",
                    "build-requirements.txt": "flit-core==3.12.0\n",
                },
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                packages=dict.fromkeys(platforms, jupyter),
            ),
        ),
    )


def from_packages(*platforms: str) -> Plan:
    """Return the plan with a base made of Debian packages."""
    base = Stage(
        name="debian", builder="debian", image="", kind="base", requirements={"apt": ("apt",)}
    )
    image = plan(*platforms)
    core, *rest = image.stages
    core = replace(core, stage=replace(core.stage, parent="debian"))
    pins = {p: {"apt": (APT, BASE_FILES)} for p in platforms}
    return replace(
        image,
        image_set=replace(
            image.image_set, builders={"debian": Builder(name="debian", suite="trixie")}
        ),
        bases={},
        stages=(StagePlan(stage=base, pins=pins), core, *rest),
    )


def conda(settings: CondaSettings, *platforms: str) -> Plan:
    """Return a plan with conda packages, and pip on top."""
    build = stage(
        "base-build", builder="micromamba", kind="build", requirements={"conda": ("python",)}
    )
    base = stage("base", builder="micromamba", build="debian-base-build")
    pins = {"conda": (CPYTHON,), "pip": (SIX,), "apt": (PYTHON,)}
    packages = (("conda", "python", "3.12.2"), ("conda", "jupyterlab", "4.4.0"))
    tool = MICROMAMBA if settings.installer == "micromamba" else RATTLER
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            platforms=platforms,
            builders={"micromamba": Builder(name="micromamba", base=BASE, conda=settings)},
            stages=(build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={BASE: {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(
                stage=build,
                pins=dict.fromkeys(platforms, pins),
                tools=dict.fromkeys(platforms, (tool, UV)),
                packages=dict.fromkeys(platforms, packages),
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                packages=dict.fromkeys(platforms, packages),
            ),
        ),
    )


RUNTIME = Runtime(
    env={"A": "a \"b\" \\ # '$$5' ${PATH}", "PATH": "${SPARK}/bin:${PATH}", "SPARK": "/opt/x"},
    workdir="${HOME}/work",
    entrypoint=("start.sh", "$HOME", 'a "b"\n'),
    cmd=(),
    labels={
        "org.example.team": 'data "science" $x',
        "org.opencontainers.image.authors": "Ada",
    },
    expose=("53/udp", "8888/tcp"),
    healthcheck=Healthcheck(
        test=("curl", "-f", "http://localhost/?a=1&b"),
        interval="1m30s",
        timeout="3s",
        start_period="500ms",
        retries=3,
    ),
    user="1000:100",
    stop_signal="SIGINT",
    volumes=("/data", "/srv/x"),
)


def with_settings(*platforms: str, core: Runtime = RUNTIME) -> Plan:
    """Return the plan with settings of containers in an image and in one on top of it."""
    image = plan(*platforms)
    changed = {
        "debian-core": core,
        "debian-base": Runtime(healthcheck=Healthcheck(test=()), env={"B": "${A}"}),
    }
    stages = tuple(
        replace(
            stage_plan,
            stage=replace(stage_plan.stage, runtime=changed.get(stage_plan.stage.name, UNSET)),
        )
        for stage_plan in image.stages
    )
    image_set = replace(image.image_set, stages=tuple(each.stage for each in stages))
    return replace(image, image_set=image_set, stages=stages)


def alpine(*platforms: str) -> Plan:
    """Return a plan on Alpine that compiles a Python package.

    It has bash if there is one platform.
    """
    core = stage("core", builder="alpine", requirements={"apk": ("bash",)})
    build = stage(
        "base-build", builder="alpine", kind="build", parent="debian-core", postbuild=("true",)
    )
    base = stage("base", builder="alpine", parent="debian-core", build="debian-base-build")
    bash = (("apk", "bash", "5.3.3-r1"),) if len(platforms) == 1 else ()
    worlds = {f"apk-{platform.replace('/', '-')}.world": "bash\n" for platform in platforms}
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            platforms=platforms,
            builders={"alpine": Builder(name="alpine", base="alpine:3.23")},
            stages=(core, build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={"alpine:3.23": {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(
                stage=core,
                pins={p: {"apk": (BASH,)} for p in platforms},
                files=worlds,
                packages=dict.fromkeys(platforms, bash),
            ),
            StagePlan(
                stage=build,
                pins={
                    p: {"apk": (MUSL_DEV,), "pip": (SIX, SDIST), "npm": (CANVAS,)}
                    for p in platforms
                },
                tools=dict.fromkeys(platforms, (UV, NPM)),
                build_pins=dict.fromkeys(platforms, (FLIT,)),
                toolchain=f"sha256:{7:064x}",
                files={
                    **worlds,
                    "package.json": "{}\n",
                    "package-lock.json": json.dumps(NPM_LOCK) + "\n",
                    "build-requirements.txt": "flit-core==3.12.0\n",
                },
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                files=worlds,
                packages=dict.fromkeys(platforms, bash),
            ),
        ),
    )


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


def with_downloads(*platforms: str) -> Plan:
    """Return the plan with a file, an archive for root, and one for the notebook user."""
    image = plan(*platforms)

    def download(name: str, target: str, **more: Any) -> Download:
        files = {
            platform: DownloadedFile(url=f"https://example.org/{platform}/{name}", target=target)
            for platform in platforms
        }
        return Download(platforms=files, **more)

    downloads = (
        download("tool", "/usr/local/bin/a tool", mode="0755"),
        download("app.zip", "/opt/app", unpack=True, strip=1),
        download("app.zip", "/opt/env/app", unpack=True),
    )
    urls = {file.url: p for each in downloads for p, file in each.platforms.items()}
    locked = {
        url: LockedDownload(
            url=url, platforms=(platform,), sha256=f"{sum(url.encode()):064x}", size=len(url)
        )
        for url, platform in urls.items()
    }
    core, *rest = image.stages
    stage = replace(core.stage, downloads=downloads)
    changed = replace(core, stage=stage, downloads=placed_downloads(stage, platforms, locked))
    return replace(image, stages=(changed, *rest))


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


@pytest.mark.parametrize(
    "reviewed",
    [
        alpine(AMD64, ARM),
        plan(AMD64, ARM),
        plan(AMD64, network=True),
        from_packages(AMD64, ARM),
        conda(CondaSettings(installer="rattler"), AMD64, ARM),
        with_settings(AMD64, ARM),
        with_downloads(AMD64, ARM),
    ],
    ids=[
        "alpine",
        "several platforms",
        "network",
        "made of packages",
        "conda",
        "settings",
        "downloads",
    ],
)
def test_every_dockerfile_matches_the_grammar(reviewed: Plan) -> None:
    files = render(reviewed)
    for stage_plan in reviewed.stages:
        stage = stage_plan.stage
        text = files[f"{stage.name}/Dockerfile"]
        assert violation(text, stage_rules(reviewed, stage)) == ""


@settings(deadline=None, max_examples=40)
@given(runtimes)
def test_no_setting_leaves_its_instruction(runtime: Runtime) -> None:
    reviewed = with_settings(AMD64, core=runtime)
    files = render(reviewed)
    plain = render(plan(AMD64))
    for stage_plan in reviewed.stages:
        path = f"{stage_plan.stage.name}/Dockerfile"
        assert violation(files[path], stage_rules(reviewed, stage_plan.stage)) == ""
        # The scripts are those of an image without settings, apart from the folders.
        assert scripts(files[path]) == scripts(plain[path])
    found, usual = (keywords(each["debian-core/Dockerfile"]) for each in (files, plain))
    assert found.count("ENV") == len(runtime.env) + 1
    assert found.count("EXPOSE") == bool(runtime.expose)
    for keyword in ("FROM", "RUN", "COPY", "LABEL", "USER", "WORKDIR", "CMD"):
        assert found.count(keyword) == usual.count(keyword)


def keywords(dockerfile: str) -> list[str]:
    return [line.split(" ")[0] for line in dockerfile.splitlines()]


def scripts(dockerfile: str) -> list[str]:
    """Return the steps of a Dockerfile, without the commands that create folders."""
    steps = re.findall(r"(?ms)^RUN .*? <<'([A-Z]+)'\n(.*?)^\1$", dockerfile)
    return [re.sub(r'(?m)^test -e ".*\n', "", step) for _, step in steps]


FOREIGN = (
    'ENV B="x"',
    "ENV A=x y",
    'ENV A="$(x)"',
    'ENV A="x" B="y"',
    'LABEL org.example.other="x"',
    "EXPOSE 80",
    "EXPOSE ${PORT}/tcp",
    "VOLUME /data",
    'VOLUME ["$x"]',
    "STOPSIGNAL $x",
    "HEALTHCHECK CMD curl x",
    "USER $x",
    "WORKDIR $x/a",
    "WORKDIR /a b",
    "ENTRYPOINT start.sh",
    "SHELL []",
    "ONBUILD RUN x",
)
OWN = (
    'ENV A="x"',
    'LABEL org.example.team="x"',
    "EXPOSE 80/tcp",
    'VOLUME ["/data"]',
    "STOPSIGNAL SIGINT",
    "HEALTHCHECK NONE",
    'HEALTHCHECK --retries=3 CMD ["x"]',
    "USER root",
    "WORKDIR /a",
)


@pytest.mark.parametrize("line", FOREIGN)
def test_the_grammar_refuses_other_forms_of_settings(line: str) -> None:
    reviewed = with_settings(AMD64)
    core = reviewed.stages[0].stage
    text = render(reviewed)["debian-core/Dockerfile"]
    assert violation(f"{text}{line}\n", stage_rules(reviewed, core))


@pytest.mark.parametrize("line", OWN)
def test_the_grammar_accepts_settings_only_where_images_toml_has_them(line: str) -> None:
    for reviewed, refused in ((with_settings(AMD64), False), (plan(AMD64), True)):
        text = render(reviewed)["debian-core/Dockerfile"]
        reason = violation(f"{text}{line}\n", stage_rules(reviewed, reviewed.stages[0].stage))
        assert bool(reason) == refused, reason


OTHER_STARTS = {
    "no label": ('LABEL org.orbiter.stage="debian-base"\n', ""),
    "label of another stage": ('stage="debian-base"', 'stage="debian-core"'),
    "second label": ("USER 0\n", 'USER 0\nLABEL org.orbiter.stage="debian-core"\n'),
    "the same label again": ("USER 0\n", 'USER 0\nLABEL org.orbiter.stage="debian-base"\n'),
    "label among others": ("\nLABEL ", '\nLABEL org.orbiter.stage="debian-core" '),
    "label after a step": (
        'LABEL org.orbiter.stage="debian-base"\nARG',
        'USER 0\nLABEL org.orbiter.stage="debian-base"\nARG',
    ),
    "another stage": ("FROM debian-core AS", "FROM debian-base-build AS"),
    "another name": ("AS debian-base\n", "AS debian-core\n"),
    "second stage": ("USER 0\n", "USER 0\nFROM debian-core AS debian-base\n"),
    "stage before": ("FROM debian-core", "FROM debian-base-build AS x\nFROM debian-core"),
    "other folder": ("/opt/env /opt/env", "/opt/env /opt"),
    "other owner": ("--chown=1000:100", "--chown=0:0"),
    "other source": ("--from=debian-base-build", "--from=debian-core"),
    "linked copy": ("COPY --from", "COPY --link --from"),
    "time that is not a number": ("EPOCH=946684800", "EPOCH=$(date)"),
    "other argument": ("ARG SOURCE_DATE_EPOCH", "ARG HTTP_PROXY"),
}
"""Edits of the start of a Dockerfile, and of its copy."""


@pytest.mark.parametrize("name", OTHER_STARTS)
def test_a_dockerfile_cannot_be_of_another_stage(name: str) -> None:
    old, new = OTHER_STARTS[name]
    reviewed = plan(AMD64)
    base = reviewed.stages[-1].stage
    text = render(reviewed)["debian-base/Dockerfile"]
    assert old in text
    assert violation(text.replace(old, new, 1), stage_rules(reviewed, base))


def test_a_dockerfile_without_instructions_is_refused() -> None:
    reviewed = plan(AMD64)
    base = reviewed.stages[-1].stage
    reason = violation("# nothing\n", stage_rules(reviewed, base))
    assert reason == "'FROM debian-core AS debian-base' is missing"


def test_a_stage_without_a_build_stage_copies_nothing() -> None:
    reviewed = plan(AMD64)
    core = reviewed.stages[0].stage
    text = render(reviewed)["debian-core/Dockerfile"]
    copy = "COPY --from=debian-base-build --chown=1000:100 /opt/env /opt/env"
    assert violation(f"{text}{copy}\n", stage_rules(reviewed, core))


def test_assembly_finds_the_label_of_each_stage() -> None:
    for reviewed in (plan(AMD64, ARM), from_packages(AMD64), alpine(AMD64)):
        files = render(reviewed)
        for stage_plan in reviewed.stages:
            name = stage_plan.stage.name
            lines = files[f"{name}/Dockerfile"].splitlines()
            label = lines.index(f'LABEL {STAGE_LABEL}="{name}"')
            assert lines[label - 1].startswith("FROM ")
            assert not [line for line in lines[label:] if line.startswith("FROM ")]


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
