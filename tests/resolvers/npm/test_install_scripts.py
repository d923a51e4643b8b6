"""Install scripts that do not run: found in a released lock, and in the registry."""

import json

import pytest

from resolvers.npm import manager as npm
from resolvers.npm.install_scripts import SkippedScript, skipped_scripts
from resolvers.npm.lock_file import parse
from resolvers.types.request import Group, LockWarning, Request
from tests.support.npm_cases import AMD64, lock_of
from tests.support.paths import ROOT

STAGE = "debian-base-build"


def released(*sources: str) -> tuple[SkippedScript, ...]:
    folder = ROOT / "locks/0.2.0/debian"
    tree = parse(
        {name: (folder / name).read_text() for name in ("package.json", "package-lock.json")}
    )
    return skipped_scripts(tree, [Group(name=STAGE, sources=sources)], [AMD64])


def test_packages_whose_install_scripts_are_not_allowed_are_found() -> None:
    assert released("canvas") == ()
    assert released() == (SkippedScript("canvas", "canvas", "3.2.3", (STAGE,)),)


def test_a_stage_allows_the_scripts_of_the_stages_that_start_from_it() -> None:
    files = dict(lock_of(a={"hasInstallScript": True}))
    manifest = json.loads(files["package.json"])
    manifest["orbiter"]["groups"] = {"g": ["a"], "h": ["a"], "i": ["a"]}
    tree = parse({**files, "package.json": json.dumps(manifest)})
    allows = Group(name="g", sources=("a",))
    inherits = Group(name="h", parents=("g",))
    other = Group(name="i")
    groups = [allows, inherits, other]
    assert skipped_scripts(tree, groups, [AMD64]) == (SkippedScript("a", "a", "1.0.0", ("i",)),)


def test_the_scripts_of_an_alias_are_allowed_under_its_own_name() -> None:
    tree = parse(lock_of(a={"name": "b", "hasInstallScript": True}))
    groups = [Group(name="g", sources=("b",))]
    (skipped,) = skipped_scripts(tree, groups, [AMD64])
    assert skipped == SkippedScript("a", "b", "1.0.0", ("g",))
    assert skipped_scripts(tree, [Group(name="g", sources=("a",))], [AMD64]) == ()


def test_packages_for_other_systems_are_ignored() -> None:
    files = lock_of(a={"hasInstallScript": True, "os": ["darwin"], "optional": True})
    assert skipped_scripts(parse(files), [Group(name="g")], [AMD64]) == ()


@pytest.mark.index
@pytest.mark.parametrize("sources", [(), ("core-js",)])
def test_lock_warns_with_the_script_and_the_key(sources: tuple[str, ...]) -> None:
    found: list[LockWarning] = []
    group = Group(name=STAGE, requirements=("core-js@3.38.0", "is-number"), sources=sources)
    npm.resolve(Request(groups=(group,), targets=(AMD64,), warn=found.append))
    if sources:
        assert found == []
        return
    (warning,) = found
    assert warning.package == "core-js 3.38.0"
    assert warning.text.startswith('its install scripts will not run: postinstall "node -e')
    assert warning.hint.endswith(f'add npm-scripts = ["core-js"] to {STAGE}')
