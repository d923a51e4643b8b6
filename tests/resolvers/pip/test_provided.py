"""Distributions that conda provides constrain the lock of pip."""

from pathlib import Path

import msgspec
import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import manager as pip
from resolvers.types.request import Group
from tests.support.pip_cases import (
    AMD64,
    ARM64,
    assert_portable,
    check_lock,
    data,
    versions,
    written,
)
from tests.support.pip_on_conda import (
    BOTH,
    ENGINES,
    POETRY_AND_UV,
    STAGES,
    again,
    conda_tables,
    provided,
    request,
    selected,
    with_options,
)


@pytest.mark.index
@ENGINES
def test_a_provided_version_is_locked_and_not_installed(engine: str) -> None:
    pip_request = request(
        engine,
        provided("core", "numpy", "2.2.0"),
        provided("b-build", "requests", "2.0.0"),
        a_build=("pandas",),
    )
    files = pip.resolve(pip_request)
    assert versions(files)["numpy"] == "2.2.0"
    assert selected(files, AMD64, "a-build") == [
        "pandas",
        "python-dateutil",
        "pytz",
        "six",
        "tzdata",
    ]
    without_core = [pin.name for pin in pip.select(files, AMD64, ("a-build",))]
    assert "numpy" in without_core
    assert conda_tables(files) == {"core": {"numpy": "2.2.0"}}  # pip does not need requests
    assert '[tool.orbiter.conda."core"]\nnumpy = "2.2.0"\n' in files["pyproject.toml"]
    assert "requests" not in "".join(files.values())
    assert_portable(files)


@pytest.mark.index
@POETRY_AND_UV
def test_only_distributions_that_pip_needs_affect_locking_again(engine: str) -> None:
    core, more = provided("core", "markupsafe", "3.0.1"), provided("a-build", "six", "1.16.0")
    pip_request = request(engine, core, more, a_build=("jinja2",))
    files = pip.resolve(pip_request)
    assert pip.resolve(msgspec.structs.replace(pip_request, previous=files)) == files
    assert pip.resolve(again(pip_request, files)) == files
    other_six = provided("a-build", "six", "1.17.0")
    assert pip.resolve(again(pip_request, files, core, other_six)) == files
    moved = pip.resolve(again(pip_request, files, provided("core", "markupsafe", "3.0.2")))
    assert versions(moved) == {"jinja2": "3.1.5", "markupsafe": "3.0.2"}
    assert conda_tables(moved) == {"core": {"markupsafe": "3.0.2"}}
    freed = pip.resolve(again(pip_request, files, more))
    assert versions(freed) == versions(files)
    assert conda_tables(freed) == {}


REQUESTS = provided("core", "requests", "2.31.0")
REQUIRED_BY_REQUESTS = {"certifi", "charset-normalizer", "idna", "urllib3"}


@pytest.mark.index
@POETRY_AND_UV
def test_requirements_of_provided_distributions_are_left_to_conda(engine: str) -> None:
    pip_request = request(engine, REQUESTS, a_build=("gdown",))  # gdown needs requests[socks]
    files = pip.resolve(pip_request)
    assert versions(files)["requests"] == "2.31.0"
    assert selected(files, AMD64, "a-build") == [
        "beautifulsoup4",
        "filelock",
        "gdown",
        "pysocks",
        "soupsieve",
        "tqdm",
    ]
    assert not REQUIRED_BY_REQUESTS & set(versions(files))
    assert pip.resolve(msgspec.structs.replace(pip_request, previous=files)) == files
    more = request(engine, REQUESTS, a_build=("gdown", "yarl"))
    files = pip.resolve(again(more, files))
    assert REQUIRED_BY_REQUESTS & set(selected(files, AMD64, "a-build")) == {
        "idna"
    }  # yarl needs it
    freed = pip.resolve(again(with_options(more, provided=()), files))
    assert set(versions(freed)) >= REQUIRED_BY_REQUESTS


@pytest.mark.index
@ENGINES
def test_requirements_of_shared_distributions_are_locked(engine: str) -> None:
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
    assert set(versions(both)) == {"attrs", "requests", "requests-file", *REQUIRED_BY_REQUESTS}
    assert '[tool.orbiter]\nshared = [\n    "requests",\n]\n' in both["pyproject.toml"]
    assert versions(both)["requests"] == "2.31.0"
    apart = {"attrs", "requests", "requests-file", *REQUIRED_BY_REQUESTS}
    assert set(selected(both, AMD64, "apart")) == apart
    assert pip.resolve(again(here, both)) == files


@pytest.mark.index
@POETRY_AND_UV
def test_other_parents_of_a_stage_change_the_lock(engine: str) -> None:
    pip_request = request(engine, REQUESTS, a_build=("requests-file",))
    files = pip.resolve(pip_request)
    assert selected(files, AMD64, "a-build") == ["requests-file"]
    without_core = with_options(again(pip_request, files), parents={**STAGES, "a-build": ()})
    files = pip.resolve(without_core)
    names = {pin.name for pin in pip.select(files, AMD64, ("a-build",))}
    assert names == {"requests", "requests-file", *REQUIRED_BY_REQUESTS}
    assert pip.resolve(msgspec.structs.replace(without_core, previous=files)) == files
    assert selected(pip.resolve(again(pip_request, files)), AMD64, "a-build") == ["requests-file"]


@pytest.mark.index
@POETRY_AND_UV
def test_requirements_among_provided_distributions_do_not_matter(engine: str) -> None:
    # On the index, jinja2 requires markupsafe >= 2.
    conda = provided("core", "jinja2", "3.1.5"), provided("core", "markupsafe", "1.1.1")
    files = pip.resolve(request(engine, *conda, a_build=("jinja2-humanize-extension",)))
    assert set(versions(files)) == {"humanize", "jinja2", "jinja2-humanize-extension"}
    assert conda_tables(files) == {"core": {"jinja2": "3.1.5"}}
    assert_portable(files)


@pytest.mark.index
@ENGINES
def test_the_index_may_lack_files_of_provided_versions(engine: str) -> None:
    conda = (
        provided("core", "torch", "2.5.1", "pytorch"),  # has no wheel for ARM64
        provided("core", "numpy", "2.2.0"),
        provided("core", "docopt", "0.6.2"),  # has no wheels at all
    )
    files = pip.resolve(request(engine, *conda, a_build=("torchmetrics", "num2words")))
    text = "".join(files.values())
    for target in (AMD64, ARM64):
        assert not {"torch", "numpy", "docopt", "sympy"} & set(selected(files, target, "a-build"))
    assert "nvidia" not in text
    packages = {package.name: package for package in pip.read(files)}
    assert [artifact.file for artifact in packages["docopt"].artifacts] == ["docopt-0.6.2.tar.gz"]
    wheels = {artifact.file for artifact in packages["torch"].artifacts}
    assert "torch-2.5.1-cp313-cp313-manylinux1_x86_64.whl" in wheels
    assert "torch-2.5.1-py3-none-any.whl" not in wheels


@pytest.mark.index
def test_uv_keeps_the_version_of_each_platform() -> None:
    amd64 = provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1])
    arm64 = provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:])
    files = pip.resolve(request("uv", amd64, arm64, a_build=("jinja2==3.1.4",)))
    more = request("uv", amd64, arm64, a_build=("jinja2", "six"))
    before = [(package.name, package.version) for package in pip.read(files)]
    packages = pip.read(pip.resolve(again(more, files)))
    after = [(package.name, package.version) for package in packages if package.name != "six"]
    assert after == before


@pytest.mark.index
@POETRY_AND_UV
def test_unneeded_distributions_do_not_appear_in_the_files(engine: str) -> None:
    plain = pip.resolve(request(engine, a_build=("jinja2",)))
    unneeded = pip.resolve(request(engine, provided("core", "six", "1.16.0"), a_build=("jinja2",)))
    assert unneeded == plain
    assert "conda" not in "".join(plain.values())
    assert "constraint" not in "".join(plain.values())


@pytest.mark.index
@POETRY_AND_UV
def test_an_explanation_lists_provided_versions(engine: str) -> None:
    conda = provided("core", "markupsafe", "1.1.1", "safe"), provided("a-build", "six", "1.16.0")
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(request(engine, *conda, a_build=("jinja2>=3",)))
    message = caught.value.message
    assert "  'markupsafe' is 1.1.1, provided by the conda package 'safe' of 'core'" in message
    assert "  'jinja2>=3' is required by 'a-build'" in message
    assert "six" not in caught.value.message
    assert "request another version from conda" in caught.value.hint


@pytest.mark.index
@POETRY_AND_UV
def test_a_provided_version_may_be_yanked(engine: str) -> None:
    pip_request = request(engine, provided("core", "attrs", "21.1.0"), a_build=("jsonschema<4.18",))
    assert dict(versions(pip.resolve(pip_request)), pyrsistent="") == {
        "attrs": "21.1.0",
        "jsonschema": "4.17.3",
        "pyrsistent": "",
    }


@pytest.mark.index
def test_uv_locks_a_version_for_each_platform() -> None:
    amd64 = provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1])
    pip_request = request(
        "uv",
        amd64,
        provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:]),
        a_build=("jinja2",),
    )
    files = pip.resolve(pip_request)
    for target, markupsafe in ((AMD64, "3.0.1"), (ARM64, "3.0.2")):
        pins = [(pin.name, pin.version) for pin in pip.select(files, target, ("a-build",))]
        assert pins == [("jinja2", "3.1.5"), ("markupsafe", markupsafe)]
    assert conda_tables(files) == {
        "core": {"markupsafe": {"linux/amd64": "3.0.1", "linux/arm64": "3.0.2"}}
    }
    assert selected(files, AMD64, "a-build") == selected(files, ARM64, "a-build") == ["jinja2"]
    assert pip.resolve(again(pip_request, files)) == files


@pytest.mark.index
@POETRY_AND_UV
def test_pip_installs_on_platforms_where_conda_does_not_provide(engine: str) -> None:
    pip_request = request(
        engine, provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1]), a_build=("jinja2",)
    )
    files = pip.resolve(pip_request)
    assert conda_tables(files) == {"core": {"markupsafe": {"linux/amd64": "3.0.1"}}}
    assert selected(files, AMD64, "a-build") == ["jinja2"]
    assert selected(files, ARM64, "a-build") == ["jinja2", "markupsafe"]
    assert pip.resolve(again(pip_request, files)) == files


@pytest.mark.index
@POETRY_AND_UV
def test_an_sdist_of_a_provided_distribution_is_not_built(engine: str) -> None:
    conda = provided("a-build", "docopt", "0.6.2"), provided("a-build", "setuptools", "60.0.0")
    pip_request = request(engine, *conda, a_build=("num2words",))
    files = pip.resolve(pip_request)
    assert "build-requirements.txt" not in files
    assert pip.resolve(again(pip_request, files)) == files
    apart = request(engine, *conda, a_build=("num2words",), apart=("num2words",))
    with pytest.raises(ExpectedError, match=r"docopt 0\.6\.2 has no wheel"):
        pip.resolve(apart)
    groups = tuple(msgspec.structs.replace(group, sources=("docopt",)) for group in apart.groups)
    files = pip.resolve(msgspec.structs.replace(apart, groups=groups))
    # The sdist is built with the setuptools of the index instead of conda's.
    assert files["build-requirements.txt"] == data(engine)["build-requirements.txt"]
    assert selected(files, AMD64, "a-build") == ["num2words"]
    assert selected(files, AMD64, "apart") == ["docopt", "num2words"]


@pytest.mark.index
@POETRY_AND_UV
def test_the_engine_accepts_the_written_files(engine: str, tmp_path: Path) -> None:
    conda = *provided("core", "markupsafe", "3.0.1"), *REQUESTS, *provided("core", "idna", "3.9")
    unfit = *provided("core", "torch", "2.5.1"), *provided("core", "docopt", "0.6.2")
    pip_request = request(
        engine, conda, unfit, a_build=("jinja2", "gdown", "num2words", "torchmetrics")
    )
    check = check_lock(engine, written(pip.resolve(pip_request), tmp_path))
    assert check.returncode == 0, check.stdout + check.stderr
