"""Conflicts between pip and conda are errors."""

import pytest

from resolvers.errors import ExpectedError, UnsolvableError
from resolvers.pip import conda_conflicts
from resolvers.pip import manager as pip
from resolvers.types.options import ProvidedDistribution
from resolvers.types.packages import Package
from resolvers.types.request import Upgrade
from tests.support.pip_cases import AMD64, data, versions
from tests.support.pip_on_conda import (
    BOTH,
    ENGINES,
    POETRY_AND_UV,
    STAGES,
    again,
    provided,
    request,
    selected,
    with_options,
)


@pytest.mark.index
@ENGINES
@pytest.mark.parametrize("version", ["3.0.1.post303", "of-our-own"])
def test_a_version_missing_from_the_index_does_not_lead_to_old_packages(
    engine: str, version: str
) -> None:
    conda = provided("core", "markupsafe", version), provided("core", "six", version)
    # An engine could choose jinja2 2.6, which does not need markupsafe.
    first = request(engine, *conda, a_build=("jinja2",))
    previous = pip.resolve(with_options(first, provided=()))
    for pip_request in (first, again(first, previous)):
        with pytest.raises(UnsolvableError) as caught:
            pip.resolve(pip_request)
        assert caught.value.message.splitlines()[1:] == [
            f"  'markupsafe' is {version}, provided by the conda package 'markupsafe' of 'core'",
            "  pip needs 'markupsafe': via jinja2, required by 'a-build'",
        ]


@pytest.mark.index
@POETRY_AND_UV
def test_two_provided_versions_are_rejected(engine: str) -> None:
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
def test_poetry_cannot_lock_a_version_for_each_platform() -> None:
    pip_request = request(
        "poetry",
        provided("core", "markupsafe", "3.0.1", platforms=BOTH[:1]),
        provided("core", "markupsafe", "3.0.2", platforms=BOTH[1:]),
        a_build=("jinja2",),
    )
    with pytest.raises(UnsolvableError) as caught:
        pip.resolve(pip_request)
    message = "pip's lock has markupsafe 3.0.2, but conda provides 3.0.1 on linux/amd64"
    assert message in caught.value.message
    assert "use the engine uv" in caught.value.hint


@POETRY_AND_UV
@pytest.mark.parametrize(
    ("stage", "text"), [("a-build", "numpy"), ("core", "NumPy>=2; sys_platform == 'linux'")]
)
def test_a_distribution_required_from_both_is_rejected(engine: str, stage: str, text: str) -> None:
    pip_request = request(
        engine, provided(stage, "numpy", "2.4.0", "numpy-base"), a_build=(text, "attrs")
    )
    with pytest.raises(ExpectedError) as caught:
        pip.resolve(pip_request)
    assert caught.value.message == (
        f"stage 'a-build': pip requires '{text}', but conda already provides numpy 2.4.0 "
        f"(package 'numpy-base' of stage '{stage}')"
    )
    assert caught.value.hint == "remove each package from one of its two lists"


def test_requirements_in_unrelated_stages_or_for_other_platforms_are_allowed() -> None:
    def check(requirement: str, conda: tuple[ProvidedDistribution, ...]) -> None:
        conda_conflicts.check_request(request("uv", conda, a_build=(requirement,)))

    check("numpy", provided("apart", "numpy", "2.4.0"))
    check("numpy; sys_platform == 'win32'", provided("core", "numpy", "2.4.0"))
    arm64 = provided("core", "numpy", "2.4.0", platforms=BOTH[1:])
    check("numpy; platform_machine == 'x86_64'", arm64)
    with pytest.raises(ExpectedError, match="pip requires 'numpy; platform_machine == 'aarch64''"):
        check("numpy; platform_machine == 'aarch64'", arm64)


@POETRY_AND_UV
def test_pip_does_not_upgrade_provided_distributions(engine: str) -> None:
    pip_request = request(
        engine, provided("core", "markupsafe", "3.0.1", "safe"), a_build=("jinja2",)
    )
    with pytest.raises(
        ExpectedError, match=r"pip cannot upgrade 'MarkupSafe'.*package 'safe' of stage 'core'"
    ):
        pip.resolve(again(pip_request, data(engine), upgrade=Upgrade(packages={"MarkupSafe": ""})))


@pytest.mark.index
@ENGINES
def test_conda_must_not_overwrite_packages_of_pip(engine: str) -> None:
    conda = provided("b-build", "attrs", "24.2.0"), provided("b-build", "rpds-py", "0.22.3", "rpds")
    pip_request = request(engine, *conda, core=("six",), a_build=("jsonschema",))
    with pytest.raises(ExpectedError) as caught:
        pip.resolve(pip_request)
    assert caught.value.message.splitlines() == [
        "pip installs attrs in 'a-build' (via jsonschema, required by 'a-build'), "
        "and conda installs it in 'b-build' (package 'attrs')",
        "pip installs rpds-py in 'a-build' (via jsonschema, required by 'a-build'), "
        "and conda installs it in 'b-build' (package 'rpds')",
    ]
    assert caught.value.hint == "add attrs, rpds to the conda list of 'a-build'"


@pytest.mark.index
@POETRY_AND_UV
def test_provided_in_parents_or_unrelated_stages_is_allowed(engine: str) -> None:
    both = provided("b-build", "markupsafe", "3.0.1"), provided("core", "markupsafe", "3.0.1")
    files = pip.resolve(request(engine, *both, a_build=("jinja2",)))
    assert selected(files, AMD64, "a-build") == ["jinja2"]
    unrelated = request(engine, provided("apart", "markupsafe", "3.0.1"), a_build=("jinja2",))
    files = pip.resolve(unrelated)
    assert selected(files, AMD64, "a-build") == ["jinja2", "markupsafe"]
    assert versions(files)["markupsafe"] == "3.0.1"  # all images share one solve
    stacked = with_options(
        again(unrelated, files), parents={**STAGES, "apart": ("a-build", "core")}
    )
    with pytest.raises(ExpectedError, match=r"pip installs markupsafe in 'a-build' \(via jinja2"):
        pip.resolve(stacked)


def test_an_overwritten_package_has_its_shortest_dependency_chain() -> None:
    needs = {
        "one": ("two", "three"),
        "two": ("markupsafe",),
        "three": ("four",),
        "four": ("markupsafe",),
        "markupsafe": (),
    }
    packages = tuple(
        Package(manager="pip", name=name, version="3.0.1", requires=requires)
        for name, requires in needs.items()
    )
    pip_request = request("uv", provided("b-build", "markupsafe", "3.0.1"), a_build=("One",))
    with pytest.raises(ExpectedError, match=r"\(via two, needed by one, required by 'a-build'\)"):
        conda_conflicts.check_lock(pip_request, lambda *_: packages)


@pytest.mark.index
@POETRY_AND_UV
@pytest.mark.parametrize(
    ("text", "name", "cause"),
    [
        ("markupsafe", "markupsafe", r"\(required by 'a-build'\)"),
        ("limits[redis]", "redis", r"\(via limits, required by 'a-build'\)"),
    ],
)
def test_direct_requirements_and_extras_can_be_overwritten(
    engine: str, text: str, name: str, cause: str
) -> None:
    version = {"redis": "5.2.1", "markupsafe": "3.0.1"}[name]
    with pytest.raises(
        ExpectedError,
        match=f"pip installs {name} in 'a-build' {cause}, and conda installs it in 'b-build'",
    ):
        pip.resolve(request(engine, provided("b-build", name, version), a_build=(text,)))
