"""Aliases and overrides: locked with the machine's registry, and installed by npm offline."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from resolvers import process
from resolvers.errors import UnsolvableError
from resolvers.npm import manager as npm
from resolvers.npm.manifest import manifest, with_exact, without_references
from resolvers.types.options import NpmOptions
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Upgrade
from tests.support.npm_cases import AMD64
from tests.support.npm_install import install_offline

G, H = "debian-base-build", "debian-geo-build"
Overrides = Mapping[str, str | Mapping[str, str]]


def solve(
    *requirements: str,
    overrides: Overrides | None = None,
    previous: LockFiles | None = None,
    upgrade: Mapping[str, str] | None = None,
) -> LockFiles:
    return npm.resolve(
        Request(
            groups=(Group(name=G, requirements=requirements),),
            targets=(AMD64,),
            previous=previous or {},
            upgrade=Upgrade(packages=upgrade or {}),
            npm=NpmOptions(overrides=overrides or {}),
        )
    )


def locked(files: LockFiles) -> dict[str, str]:
    """Return the name and the version at each path of the lock."""
    entries = json.loads(files["package-lock.json"])["packages"]
    return {
        path.removeprefix("node_modules/"): f"{entry.get('name', '')}@{entry['version']}"
        for path, entry in entries.items()
        if path
    }


@pytest.mark.index
def test_an_alias_is_another_version_of_a_package_beside_it(tmp_path: Path) -> None:
    requirements = ("odd@npm:is-odd@^3.0.0", "number@npm:is-number@6", "is-number@^7")
    files = solve(*requirements)
    assert solve(*requirements, previous=files) == files
    assert locked(files) == {
        "is-number": "@7.0.0",
        "number": "is-number@6.0.0",
        "odd": "is-odd@3.0.1",
        "odd/node_modules/is-number": "@6.0.0",
    }
    names = [(package.name, package.version) for package in npm.read(files)]
    assert names == [("is-number", "6.0.0"), ("is-number", "7.0.0"), ("is-odd", "3.0.1")]
    assert npm.installed_names(files, AMD64, (G,)) == {"is-number", "number", "odd"}
    folder = install_offline(files, (G,), tmp_path)
    script = "console.log(require('odd')(3), require('number/package.json').version)"
    assert process.run(["node", "-e", script], cwd=folder, name="node").split() == ["true", "6.0.0"]


@pytest.mark.index
def test_an_upgrade_names_the_package_of_an_alias() -> None:
    old = solve("odd@npm:is-odd@3.0.0")
    kept = solve("odd@npm:is-odd@^3.0.0", previous=old)
    assert locked(kept)["odd"] == "is-odd@3.0.0"
    exact = solve("odd@npm:is-odd@^3.0.0", previous=kept, upgrade={"is-odd": "3.0.1"})
    assert locked(exact)["odd"] == "is-odd@3.0.1"
    assert "is-odd" not in locked(exact)


@pytest.mark.index
def test_an_override_moves_only_what_it_names(tmp_path: Path) -> None:
    requirements = ("is-odd@3.0.1", "is-even@1.0.0")
    plain = solve(*requirements)
    overrides = {"is-number": "^7"}
    files = solve(*requirements, overrides=overrides, previous=plain)
    changed = {
        path for path, version in locked(files).items() if locked(plain).get(path) != version
    }
    assert {path.rpartition("/")[2] for path in changed} == {"is-number"}
    assert locked(files)["is-number"] == "@7.0.0"
    assert solve(*requirements, overrides=overrides, previous=files) == files
    exact = solve(
        *requirements, overrides=overrides, previous=files, upgrade={"is-number": "7.0.0"}
    )
    assert locked(exact) == locked(files)
    folder = install_offline(files, (G,), tmp_path)
    script = "console.log(require('is-odd')(3))"
    assert process.run(["node", "-e", script], cwd=folder, name="node") == "true\n"
    assert locked(solve(*requirements, previous=files)) == locked(plain)


@pytest.mark.index
def test_an_override_for_one_package_and_one_that_follows_a_requirement(tmp_path: Path) -> None:
    nested = solve("is-odd@3.0.1", overrides={"is-odd": {"is-number": "npm:kind-of@6.0.3"}})
    assert locked(nested)["is-number"] == "kind-of@6.0.3"
    requirements = ("is-odd@3.0.1", "is-number@4.0.0")
    files = solve(*requirements, overrides={"is-odd": {"is-number": "$is-number"}})
    assert locked(files) == {"is-number": "@4.0.0", "is-odd": "@3.0.1"}
    install_offline(files, (G,), tmp_path)


@pytest.mark.index
def test_an_override_that_contradicts_a_requirement_is_an_error_with_the_remedy() -> None:
    with pytest.raises(UnsolvableError, match="npm cannot install is-number@4 of stage") as error:
        solve("is-odd@3.0.1", "is-number@4", overrides={"is-number": "^7"})
    assert "EOVERRIDE" in error.value.message
    assert "write the same range" in error.value.hint


def test_the_files_of_a_stage_do_not_refer_to_requirements_of_others() -> None:
    package_json = manifest(
        (Group(name=G, requirements=("a@1", "b@2")),), {"a": "$b", "c": {"d": "$a", "e": "2"}}
    )
    assert without_references(package_json)["overrides"] == {"a": "2", "c": {"d": "1", "e": "2"}}


def test_an_exact_version_replaces_an_alias_or_an_override() -> None:
    groups = (Group(name=G, requirements=("x@npm:a@1", "y@npm:a-b@1", "b@2")),)
    exact = with_exact(manifest(groups, {"c": "3"}), {"a": "1.1.0", "b": "2.1.0", "c": "3.1.0"})
    assert exact["dependencies"] == {"b": "2.1.0", "x": "npm:a@1.1.0", "y": "npm:a-b@1"}
    assert exact["overrides"] == {"c": "3.1.0"}
