"""pip on top of conda: conda's versions bind pip's, and nothing is installed by both."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resolvers import uv_program
from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import manager as pip
from resolvers.pip import on_conda, poetry, uv
from resolvers.pip.index_proxy import without_own
from resolvers.types import (
    Group,
    LockFiles,
    Package,
    PipOptions,
    ProvidedDistribution,
    Request,
    Target,
    Upgrade,
)
from tests.support.pip_cases import AMD64, ARM64, NEW_YEAR, assert_portable, data, versions, written

ENGINES = pytest.mark.parametrize("engine", ["poetry", "uv"])
BOTH = (AMD64.platform, ARM64.platform)
STAGES = {"core": (), "a-build": ("core",), "b-build": ("a-build", "core"), "apart": ("core",)}
"""What the stages stand on: b-build on a-build, both of them and ``apart`` on core."""


def provided(
    group: str, name: str, version: str, package: str = "", platforms: tuple[str, ...] = BOTH
) -> tuple[ProvidedDistribution, ...]:
    return tuple(
        ProvidedDistribution(
            group=group, platform=platform, name=name, version=version, package=package or name
        )
        for platform in platforms
    )


def request(
    engine: str, *conda: tuple[ProvidedDistribution, ...], **asked: tuple[str, ...]
) -> Request:
    """What is asked of pip goes by stage, with ``_`` for ``-``."""
    groups = {name.replace("_", "-"): requirements for name, requirements in asked.items()}
    return Request(
        groups=tuple(
            Group(
                name=name,
                requirements=groups[name],
                parents=tuple(each for each in below if each in groups),
            )
            for name, below in STAGES.items()
            if name in groups
        ),
        targets=(AMD64, ARM64),
        engine=engine,
        as_of=NEW_YEAR,
        pip=PipOptions(provided=tuple(each for some in conda for each in some), parents=STAGES),
    )


def again(
    asked: Request,
    files: LockFiles,
    *conda: tuple[ProvidedDistribution, ...],
    upgrade: Upgrade | None = None,
) -> Request:
    provided = tuple(each for some in conda for each in some) or asked.pip.provided
    changed = msgspec.structs.replace(
        asked, previous=files, as_of=None, upgrade=upgrade or Upgrade()
    )
    return with_options(changed, provided=provided)


def with_options(request: Request, **options: Any) -> Request:
    return msgspec.structs.replace(request, pip=msgspec.structs.replace(request.pip, **options))


def selected(files: LockFiles, target: Target, stage: str) -> list[str]:
    return [pin.name for pin in pip.select(files, target, (stage, *STAGES[stage]))]


def conda_tables(files: LockFiles) -> dict[str, object]:
    found = tomllib.loads(files["pyproject.toml"])["tool"].get("orbiter", {}).get("conda", {})
    assert isinstance(found, dict)
    return found


@pytest.mark.index
@ENGINES
def test_condas_version_is_locked_and_not_installed(engine: str) -> None:
    asked = request(
        engine,
        provided("core", "numpy", "2.2.0"),
        provided("b-build", "requests", "2.0.0"),
        a_build=("pandas",),
    )
    files = pip.resolve(asked)
    assert versions(files)["numpy"] == "2.2.0"
    assert selected(files, AMD64, "a-build") == [
        "pandas",
        "python-dateutil",
        "pytz",
        "six",
        "tzdata",
    ]
    assert "numpy" in [
        pin.name for pin in pip.select(files, AMD64, ("a-build",))
    ]  # away from core it is pip's
    assert conda_tables(files) == {"core": {"numpy": "2.2.0"}}  # pip needs no requests
    assert '[tool.orbiter.conda."core"]\nnumpy = "2.2.0"\n' in files["pyproject.toml"]
    assert "requests" not in "".join(files.values())
    assert_portable(files)


@pytest.mark.index
@ENGINES
def test_only_what_pip_needs_counts_when_locking_again(engine: str) -> None:
    core, more = provided("core", "markupsafe", "3.0.1"), provided("a-build", "six", "1.16.0")
    asked = request(engine, core, more, a_build=("jinja2",))
    files = pip.resolve(asked)
    assert pip.resolve(msgspec.structs.replace(asked, previous=files)) == files
    assert pip.resolve(again(asked, files)) == files
    assert pip.resolve(again(asked, files, core, provided("a-build", "six", "1.17.0"))) == files
    moved = pip.resolve(again(asked, files, provided("core", "markupsafe", "3.0.2")))
    assert versions(moved) == {"jinja2": "3.1.5", "markupsafe": "3.0.2"}
    assert conda_tables(moved) == {"core": {"markupsafe": "3.0.2"}}
    freed = pip.resolve(again(asked, files, more))
    assert versions(freed) == versions(files)
    assert conda_tables(freed) == {}


REQUESTS = provided("core", "requests", "2.31.0")
OF_REQUESTS = {"certifi", "charset-normalizer", "idna", "urllib3"}


@pytest.mark.index
@ENGINES
def test_what_conda_brings_has_its_own_requirements_met(engine: str) -> None:
    asked = request(engine, REQUESTS, a_build=("gdown",))  # gdown needs requests[socks]
    files = pip.resolve(asked)
    assert versions(files)["requests"] == "2.31.0"
    assert selected(files, AMD64, "a-build") == [
        "beautifulsoup4",
        "filelock",
        "gdown",
        "pysocks",
        "soupsieve",
        "tqdm",
    ]
    assert not OF_REQUESTS & set(versions(files))
    assert pip.resolve(msgspec.structs.replace(asked, previous=files)) == files
    more = request(engine, REQUESTS, a_build=("gdown", "yarl"))
    files = pip.resolve(again(more, files))
    assert OF_REQUESTS & set(selected(files, AMD64, "a-build")) == {"idna"}  # yarl needs it
    freed = pip.resolve(again(with_options(more, provided=()), files))
    assert set(versions(freed)) >= OF_REQUESTS


@pytest.mark.index
@ENGINES
def test_what_pip_installs_somewhere_needs_what_it_requires(engine: str) -> None:
    here = request(
        engine,
        provided("a-build", "requests", "2.31.0"),
        a_build=("requests-file",),
        core=("attrs",),
    )
    files = pip.resolve(here)
    assert set(versions(files)) == {"attrs", "requests", "requests-file"}
    assert "shared" not in files["pyproject.toml"]
    elsewhere = with_options(here, parents={**STAGES, "a-build": ("core",), "apart": ("core",)})
    groups = (*here.groups, Group(name="apart", requirements=("requests-file",), parents=("core",)))
    both = pip.resolve(again(msgspec.structs.replace(elsewhere, groups=groups), files))
    assert set(versions(both)) == {"attrs", "requests", "requests-file", *OF_REQUESTS}
    assert '[tool.orbiter]\nshared = [\n    "requests",\n]\n' in both["pyproject.toml"]
    assert versions(both)["requests"] == "2.31.0"
    assert set(selected(both, AMD64, "apart")) == {
        "attrs",
        "requests",
        "requests-file",
        *OF_REQUESTS,
    }
    assert pip.resolve(again(here, both)) == files


@pytest.mark.index
@ENGINES
def test_another_order_of_the_stages_is_noticed(engine: str) -> None:
    asked = request(engine, REQUESTS, a_build=("requests-file",))
    files = pip.resolve(asked)
    assert selected(files, AMD64, "a-build") == ["requests-file"]
    alone = with_options(again(asked, files), parents={**STAGES, "a-build": ()})
    files = pip.resolve(alone)
    found = {pin.name for pin in pip.select(files, AMD64, ("a-build",))}
    assert found == {"requests", "requests-file", *OF_REQUESTS}
    assert pip.resolve(msgspec.structs.replace(alone, previous=files)) == files
    assert selected(pip.resolve(again(asked, files)), AMD64, "a-build") == ["requests-file"]


@pytest.mark.index
@ENGINES
def test_what_conda_settles_among_its_own_is_no_matter_of_pip(engine: str) -> None:
    conda = (
        provided("core", "jinja2", "3.1.5"),
        provided("core", "markupsafe", "1.1.1"),
    )  # on the index it needs >= 2
    files = pip.resolve(request(engine, *conda, a_build=("jinja2-humanize-extension",)))
    assert set(versions(files)) == {"humanize", "jinja2", "jinja2-humanize-extension"}
    assert conda_tables(files) == {"core": {"jinja2": "3.1.5"}}
    assert_portable(files)


@pytest.mark.index
@ENGINES
def test_the_index_need_not_have_a_file_that_fits_what_conda_brings(engine: str) -> None:
    torch = (
        provided("core", "torch", "2.5.1", "pytorch"),
        provided("core", "numpy", "2.2.0"),
    )  # no wheel for ARM64
    docopt = provided("core", "docopt", "0.6.2")  # no wheel at all
    files = pip.resolve(request(engine, *torch, docopt, a_build=("torchmetrics", "num2words")))
    text = "".join(files.values())
    for target in (AMD64, ARM64):
        assert not {"torch", "numpy", "docopt", "sympy"} & set(selected(files, target, "a-build"))
    assert "nvidia" not in text
    found = {each.name: {artifact.file for artifact in each.artifacts} for each in pip.read(files)}
    assert found["docopt"] == {"docopt-0.6.2.tar.gz"}
    assert "torch-2.5.1-cp313-cp313-manylinux1_x86_64.whl" in found["torch"]
    assert "torch-2.5.1-py3-none-any.whl" not in found["torch"]


@pytest.mark.index
def test_uv_keeps_the_versions_that_it_locked_for_each_platform() -> None:
    amd64 = provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1])
    arm64 = provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:])
    files = pip.resolve(request("uv", amd64, arm64, a_build=("jinja2==3.1.4",)))
    more = request("uv", amd64, arm64, a_build=("jinja2", "six"))
    moved = pip.resolve(again(more, files))
    assert [(each.name, each.version) for each in pip.read(moved) if each.name != "six"] == [
        (each.name, each.version) for each in pip.read(files)
    ]


@pytest.mark.index
@ENGINES
def test_without_conda_the_files_say_nothing_of_it(engine: str) -> None:
    plain = pip.resolve(request(engine, a_build=("jinja2",)))
    unneeded = pip.resolve(request(engine, provided("core", "six", "1.16.0"), a_build=("jinja2",)))
    assert unneeded == plain
    assert "conda" not in "".join(plain.values())
    assert "constraint" not in "".join(plain.values())


@pytest.mark.index
@ENGINES
def test_an_explanation_says_what_conda_holds(engine: str) -> None:
    conda = provided("core", "markupsafe", "1.1.1", "safe"), provided("a-build", "six", "1.16.0")
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(request(engine, *conda, a_build=("jinja2>=3",)))
    assert (
        "  'markupsafe' is 1.1.1, provided by the conda package 'safe' of 'core'"
        in caught.value.message
    )
    assert "  'jinja2>=3' is asked for by 'a-build'" in caught.value.message
    assert "six" not in caught.value.message
    assert "ask conda for another version" in caught.value.hint


@pytest.mark.index
@ENGINES
@pytest.mark.parametrize("version", ["3.0.1.post303", "of-our-own"])
def test_a_version_that_no_index_has_does_not_lead_to_old_ones(engine: str, version: str) -> None:
    conda = provided("core", "markupsafe", version), provided("core", "six", version)
    asked = request(engine, *conda, a_build=("jinja2",))  # jinja2 2.6 could do without markupsafe
    before = pip.resolve(with_options(asked, provided=()))
    for each in (asked, again(asked, before)):
        with pytest.raises(UnsolvableError) as caught:
            pip.resolve(each)
        assert caught.value.message.splitlines()[1:] == [
            f"  'markupsafe' is {version}, provided by the conda package 'markupsafe' of 'core'",
            "  pip needs 'markupsafe': through jinja2, asked for by 'a-build'",
        ]


def test_only_requirements_of_extras_are_left_in_metadata() -> None:
    metadata = (
        b"Metadata-Version: 2.1\r\nName: a\r\nRequires-Dist: b>=1\r\nrequires-dist: c ; python_version < '4'\r\n"
        b"Requires-Dist: extra-things\r\nRequires-Dist: d ;\r\n  extra == 'more'\r\nProvides-Extra: more\r\n"
        b"\r\nRequires-Dist: text"
    )
    assert without_own(metadata) == (
        b"Metadata-Version: 2.1\nName: a\nRequires-Dist: d ; extra == 'more'\nProvides-Extra: more\n"
    )


@pytest.mark.index
@ENGINES
def test_two_versions_of_conda_are_one_too_many(engine: str) -> None:
    conda = (
        provided("core", "markupsafe", "3.0.1"),
        provided("apart", "markupsafe", "3.0.2", "other"),
    )
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(request(engine, *conda, a_build=("jinja2",)))
    assert caught.value.message.splitlines()[1:3] == [
        "  'markupsafe' is 3.0.1, provided by the conda package 'markupsafe' of 'core'",
        "  'markupsafe' is 3.0.2, provided by the conda package 'other' of 'apart'",
    ]


@pytest.mark.index
@ENGINES
def test_what_conda_brings_counts_though_it_be_yanked(engine: str) -> None:
    asked = request(engine, provided("core", "attrs", "21.1.0"), a_build=("jsonschema<4.18",))
    assert dict(versions(pip.resolve(asked)), pyrsistent="") == {
        "attrs": "21.1.0",
        "jsonschema": "4.17.3",
        "pyrsistent": "",
    }


@pytest.mark.index
def test_uv_locks_a_version_for_each_platform() -> None:
    amd64 = provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1])
    asked = request(
        "uv",
        amd64,
        provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:]),
        a_build=("jinja2",),
    )
    files = pip.resolve(asked)
    found = {
        target: [(pin.name, pin.version) for pin in pip.select(files, target, ("a-build",))]
        for target in (AMD64, ARM64)
    }
    assert found[AMD64] == [("jinja2", "3.1.5"), ("markupsafe", "3.0.1")]
    assert found[ARM64] == [("jinja2", "3.1.5"), ("markupsafe", "3.0.2")]
    assert conda_tables(files) == {
        "core": {"markupsafe": {"linux/amd64": "3.0.1", "linux/arm64": "3.0.2"}}
    }
    assert selected(files, AMD64, "a-build") == selected(files, ARM64, "a-build") == ["jinja2"]
    assert pip.resolve(again(asked, files)) == files


@pytest.mark.index
def test_poetry_has_one_version_for_all_platforms() -> None:
    asked = request(
        "poetry",
        provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1]),
        provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:]),
        a_build=("jinja2",),
    )
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(asked)
    assert (
        "pip's lock has markupsafe 3.0.2, but on linux/amd64 conda brings 3.0.1"
        in caught.value.message
    )
    assert "use the engine uv" in caught.value.hint


@pytest.mark.index
@ENGINES
def test_where_conda_has_nothing_for_a_platform_pip_installs_it(engine: str) -> None:
    asked = request(
        engine, provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1]), a_build=("jinja2",)
    )
    files = pip.resolve(asked)
    assert conda_tables(files) == {"core": {"markupsafe": {"linux/amd64": "3.0.1"}}}
    assert selected(files, AMD64, "a-build") == ["jinja2"]
    assert selected(files, ARM64, "a-build") == ["jinja2", "markupsafe"]
    assert pip.resolve(again(asked, files)) == files


@ENGINES
@pytest.mark.parametrize(
    ("stage", "wish"), [("a-build", "numpy"), ("core", "NumPy>=2; sys_platform == 'linux'")]
)
def test_nothing_is_asked_of_both(engine: str, stage: str, wish: str) -> None:
    asked = request(
        engine, provided(stage, "numpy", "2.4.0", "numpy-base"), a_build=(wish, "attrs")
    )
    with pytest.raises(ExpectedError) as caught:
        pip.resolve(asked)
    assert caught.value.message == (
        f"group 'a-build': pip is asked for '{wish}', but conda brings numpy 2.4.0 (package 'numpy-base' of '{stage}')"
    )
    assert caught.value.hint == "take it out of one of the two lists"


def test_what_is_asked_elsewhere_or_for_another_platform_is_not_asked_of_both() -> None:
    for stage, wish in (("apart", "numpy"), ("core", "numpy; sys_platform == 'win32'")):
        on_conda.check_request(request("uv", provided(stage, "numpy", "2.4.0"), a_build=(wish,)))
    arm64 = provided("core", "numpy", "2.4.0", platforms=BOTH[1:])
    on_conda.check_request(request("uv", arm64, a_build=("numpy; platform_machine == 'x86_64'",)))
    with pytest.raises(
        ExpectedError, match="pip is asked for 'numpy; platform_machine == 'aarch64''"
    ):
        on_conda.check_request(
            request("uv", arm64, a_build=("numpy; platform_machine == 'aarch64'",))
        )


@ENGINES
def test_pip_does_not_move_what_conda_brings(engine: str) -> None:
    asked = request(engine, provided("core", "markupsafe", "3.0.1", "safe"), a_build=("jinja2",))
    with pytest.raises(
        ExpectedError, match=r"pip cannot upgrade 'MarkupSafe'.*package 'safe' of 'core'"
    ):
        pip.resolve(again(asked, data(engine), upgrade=Upgrade(packages={"MarkupSafe": ""})))


@pytest.mark.index
@ENGINES
def test_conda_installs_nothing_over_pip(engine: str) -> None:
    conda = provided("b-build", "attrs", "24.2.0"), provided("b-build", "rpds-py", "0.22.3", "rpds")
    asked = request(engine, *conda, core=("six",), a_build=("jsonschema",))
    with pytest.raises(ExpectedError) as caught:
        pip.resolve(asked)
    assert caught.value.message.splitlines() == [
        "attrs comes from pip in 'a-build' (through jsonschema, asked for by 'a-build') "
        "and from conda in 'b-build' (package 'attrs')",
        "rpds-py comes from pip in 'a-build' (through jsonschema, asked for by 'a-build') "
        "and from conda in 'b-build' (package 'rpds')",
    ]
    assert caught.value.hint == "add attrs, rpds to the conda list of 'a-build'"


@pytest.mark.index
@ENGINES
def test_what_conda_brings_below_or_elsewhere_is_no_clash(engine: str) -> None:
    there = provided("b-build", "markupsafe", "3.0.1"), provided("core", "markupsafe", "3.0.1")
    files = pip.resolve(request(engine, *there, a_build=("jinja2",)))
    assert selected(files, AMD64, "a-build") == ["jinja2"]
    elsewhere = request(engine, provided("apart", "markupsafe", "3.0.1"), a_build=("jinja2",))
    files = pip.resolve(elsewhere)
    assert selected(files, AMD64, "a-build") == ["jinja2", "markupsafe"]
    assert versions(files)["markupsafe"] == "3.0.1"  # one solve, one version for all images
    stacked = with_options(
        again(elsewhere, files), parents={**STAGES, "apart": ("a-build", "core")}
    )
    with pytest.raises(
        ExpectedError, match=r"markupsafe comes from pip in 'a-build' \(through jinja2"
    ):
        pip.resolve(stacked)


def test_the_shortest_way_to_a_clash_is_told() -> None:
    needs = {
        "one": ("two", "three"),
        "two": ("markupsafe",),
        "three": ("four",),
        "four": ("markupsafe",),
        "markupsafe": (),
    }
    packages = tuple(
        Package(manager="pip", name=each, version="3.0.1", requires=needs[each]) for each in needs
    )
    asked = request("uv", provided("b-build", "markupsafe", "3.0.1"), a_build=("One",))
    with pytest.raises(
        ExpectedError, match=r"\(through two, needed by one, asked for by 'a-build'\)"
    ):
        on_conda.check_lock(asked, lambda *_: packages)


@pytest.mark.index
@ENGINES
@pytest.mark.parametrize(
    ("wish", "name", "way"),
    [
        ("markupsafe", "markupsafe", r"\(asked for by 'a-build'\)"),
        ("limits[redis]", "redis", r"\(through limits, asked for by 'a-build'\)"),
    ],
)
def test_what_is_asked_for_itself_or_with_an_extra_can_clash(
    engine: str, wish: str, name: str, way: str
) -> None:
    version = {"redis": "5.2.1", "markupsafe": "3.0.1"}[name]
    with pytest.raises(
        ExpectedError, match=f"{name} comes from pip in 'a-build' {way} and from conda in 'b-build'"
    ):
        pip.resolve(request(engine, provided("b-build", name, version), a_build=(wish,)))


@pytest.mark.index
@ENGINES
def test_an_sdist_that_conda_brings_is_not_built(engine: str) -> None:
    conda = provided("a-build", "docopt", "0.6.2"), provided("a-build", "setuptools", "60.0.0")
    asked = request(engine, *conda, a_build=("num2words",))
    files = pip.resolve(asked)
    assert "build-requirements.txt" not in files
    assert pip.resolve(again(asked, files)) == files
    apart = request(engine, *conda, a_build=("num2words",), apart=("num2words",))
    with pytest.raises(ExpectedError, match=r"docopt 0\.6\.2 has no wheel"):
        pip.resolve(apart)
    groups = tuple(msgspec.structs.replace(group, sources=("docopt",)) for group in apart.groups)
    files = pip.resolve(msgspec.structs.replace(apart, groups=groups))
    assert (
        files["build-requirements.txt"] == data(engine)["build-requirements.txt"]
    )  # conda's setuptools is not used
    assert selected(files, AMD64, "a-build") == ["num2words"]
    assert selected(files, AMD64, "apart") == ["docopt", "num2words"]


@pytest.mark.index
@ENGINES
def test_the_engine_itself_accepts_what_is_written(engine: str, tmp_path: Path) -> None:
    conda = *provided("core", "markupsafe", "3.0.1"), *REQUESTS, *provided("core", "idna", "3.9")
    unfit = *provided("core", "torch", "2.5.1"), *provided("core", "docopt", "0.6.2")
    asked = request(engine, conda, unfit, a_build=("jinja2", "gdown", "num2words", "torchmetrics"))
    folder = written(pip.resolve(asked), tmp_path)
    if engine == "poetry":
        check = [poetry._interpreter(asked), "-m", "poetry", "check", "--lock", "--no-interaction"]
    else:
        check = [
            uv_program.program(),
            "lock",
            "--check",
            "--offline",
            "--no-config",
            "--python",
            sys.executable,
        ]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("names", "manifest"),
    [
        (
            {"a", "c"},
            '[manifest]\nconstraints = [\n    { name = "a", specifier = "==1" },\n    { name = "c" },\n]\n\n',
        ),
        ({"c"}, '[manifest]\nconstraints = [{ name = "c" }]\n\n'),
        (set(), ""),
    ],
)
def test_constraints_are_written_as_uv_does(names: set[str], manifest: str) -> None:
    lines = '    { name = "a", specifier = "==1" },\n    { name = "b" },\n    { name = "c" },\n'
    rest = '[[package]]\nname = "a"\nversion = "1"\n\n[[package]]\nname = "d"\n'
    text = f"version = 1\n\n[manifest]\nconstraints = [\n{lines}]\n\n{rest}"
    assert uv._with_constraints(text, names) == f"version = 1\n\n{manifest}{rest}"
    assert uv._with_constraints(rest, names) == rest
