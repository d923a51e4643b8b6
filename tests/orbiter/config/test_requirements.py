"""The package names in requirements."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name

from orbiter.config.requirements import SYNTAXES, has_address, package_name, sort_requirements

PIECES = st.sampled_from(
    [*"aZ09.-_ <>=!~;@[]*", "==", ">=", "1.0", "1!2", "dev1", "numpy", "\n", "é", "٣"]
)


def parsed(text: str) -> str | None:
    """Return the name that the packaging library finds in a requirement."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    return canonicalize_name(requirement.name)


@given(st.lists(PIECES, max_size=8).map("".join))
@example("Jupyter_Book<2")
@example("a==1.0")
@example("a ==1.0")
@example("a=1")
@example("a~=1")
@example("a-")
@example("a_")
@example("a\n")
@example("dask[array]>=2025.1; python_version > '3'")
@example("a @ https://files.example.org/a.whl")
def test_pip_names_equal_those_of_the_library(text: str) -> None:
    assert SYNTAXES["pip"].name(text) == parsed(text)


@given(st.lists(PIECES, max_size=5).map("".join))
@example("Oslo._-Config")
def test_bare_pip_names_equal_those_of_the_library(text: str) -> None:
    try:
        known: str | None = canonicalize_name(text, validate=True)
    except InvalidName:
        known = None
    assert SYNTAXES["pip"].package(text) == known


@pytest.mark.parametrize(
    ("manager", "requirement", "name"),
    [
        ("apt", "git=1:2.47.3-0+deb13u1", "git"),
        ("npm", "@types/node@^22.1", "@types/node"),
        ("npm", "canvas", "canvas"),
        ("pip", "Jupyter_Book<2", "jupyter-book"),
        ("pip", "what is this", "what is this"),
    ],
)
def test_package_names(manager: str, requirement: str, name: str) -> None:
    assert package_name(manager, requirement) == name


def test_requirements_are_sorted_by_name() -> None:
    assert sort_requirements("pip", ["b<2", "A>=1", "a_a"]) == ("A>=1", "a_a", "b<2")


@pytest.mark.parametrize(
    ("manager", "requirement", "expected"),
    [
        ("pip", "acme @ https://example.org/acme-1.0-py3-none-any.whl", True),
        ("pip", "acme @ ./src/acme", True),
        ("pip", "acme[fast]>=1; python_version > '3'", False),
        ("npm", "acme@https://example.org/acme-1.0.0.tgz", True),
        ("npm", "acme@git+https://example.org/acme.git#v1", True),
        ("npm", "@lab/acme@^1", False),
        ("npm", "old@npm:acme@^1", False),
        ("conda", "https://example.org/noarch/acme-1.0-0.conda", True),
        ("conda", "conda-forge::acme>=1", False),
        ("apt", "acme=1.0", False),
    ],
)
def test_requirements_with_an_address(manager: str, requirement: str, expected: bool) -> None:
    assert has_address(manager, requirement) is expected
