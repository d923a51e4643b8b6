"""The newest versions in a registry on loopback that a test fills."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolvers.npm.newest import newest_versions
from resolvers.types.options import NpmOptions
from resolvers.types.packages import Availability
from resolvers.types.request import Group, Request, Target
from tests.support.loopback import Answer, Server, serving

pytestmark = pytest.mark.slow  # each test runs npm
TARGET = Target(platform="linux/amd64", glibc="2.41")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    with serving() as server:
        file = tmp_path / "npmrc"
        file.write_text(f"registry={server.url}/\n", encoding="utf-8")
        monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(file))
        for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
            monkeypatch.delenv(name, raising=False)
        yield server


def put(server: Server, name: str, *versions: str, latest: str, deprecated: str = "") -> None:
    """Put a package into the registry."""
    entries = {
        version: {
            "name": name,
            "version": version,
            **({"deprecated": "old"} if version == deprecated else {}),
        }
        for version in versions
    }
    packument = {
        "name": name,
        "dist-tags": {"latest": latest, "next": versions[-1]},
        "versions": entries,
        "time": {"created": "x", **dict.fromkeys(versions, "2026-10-08T12:00:00.000Z")},
    }
    path = f"/{name.replace('/', '%2f')}"
    headers = {"Content-Type": "application/json"}
    server.replies[path] = Answer(200, json.dumps(packument).encode(), headers)


def newest(*requirements: str, name: str = "acme", **npm: object) -> Availability:
    options = NpmOptions(**npm)  # type: ignore[arg-type]
    groups = (Group(name="base", requirements=requirements),)
    request = Request(groups=groups, targets=(TARGET,), npm=options)
    return newest_versions(request, (name,))[name]


def versions(found: Availability) -> tuple[str | None, str | None]:
    assert found.problem == ""
    return found.allowed and found.allowed.version, found.newest and found.newest.version


def test_versions_are_chosen_as_npm_does(registry: Server) -> None:
    put(registry, "acme", "1.0.0", "1.9.0", "1.10.0", "1.11.0", "2.0.0", "3.0.0-rc.1",
        latest="2.0.0", deprecated="1.11.0")  # fmt: skip
    assert versions(newest("acme@^1")) == ("1.10.0", "2.0.0")
    assert versions(newest("acme")) == ("2.0.0", "2.0.0")
    assert versions(newest("acme@next")) == ("3.0.0-rc.1", "2.0.0")
    assert versions(newest("acme@1.11.0")) == ("1.11.0", "2.0.0")
    assert versions(newest("acme@^9")) == (None, "2.0.0")
    found = newest("old@npm:acme@~1.9").allowed
    assert found is not None
    assert found.version == "1.9.0"
    assert found.time is not None
    assert found.time.isoformat() == "2026-10-08T12:00:00+00:00"


def test_scopes_and_registries_of_images_toml(registry: Server) -> None:
    with serving() as other:
        put(other, "@lab/acme", "1.0.0", latest="1.0.0")
        found = newest("@lab/acme", name="@lab/acme", registries={"@lab": f"{other.url}/"})
    assert versions(found) == ("1.0.0", "1.0.0")
    assert registry.requests == []


def test_a_package_that_the_registry_does_not_have(registry: Server) -> None:
    assert newest("acme") == Availability()
    assert registry.requests


def test_an_answer_that_is_not_a_package_is_a_problem(registry: Server) -> None:
    registry.replies["/acme"] = Answer(200, b"<html>", {"Content-Type": "text/html"})
    assert "is not a response of an npm registry" in newest("acme").problem


def problems(*names: str) -> list[str]:
    groups = (Group(name="base", requirements=names),)
    found = newest_versions(Request(groups=groups, targets=(TARGET,)), names)
    return [found[name].problem for name in names]


def let_npm_ask(folder: Path, *lines: str) -> None:
    """Use a setting of npm that Orbiter does not follow itself."""
    with (folder / "npmrc").open("a", encoding="utf-8") as file:
        file.write("\n".join(("local-address=127.0.0.1", "fetch-retries=0", *lines)) + "\n")


def test_the_reason_of_npm_is_the_problem(registry: Server, tmp_path: Path) -> None:
    let_npm_ask(tmp_path)
    registry.otherwise = Answer(401)
    assert problems("acme", "@lab/acme") == [
        f"npm failed: 401 Unauthorized - GET {registry.url}/{path}"
        for path in ("acme", "@lab%2facme")
    ]


def test_a_registry_that_does_not_respond_is_one_problem_of_all_packages(
    registry: Server, tmp_path: Path
) -> None:
    let_npm_ask(tmp_path, "registry=http://ada:secret@127.0.0.1:1/")
    names = [f"acme{number}" for number in range(20)]
    (problem,) = set(problems(*names))
    assert problem.startswith("http://127.0.0.1:1/ did not respond: connect ECONNREFUSED")
    assert problem.endswith(f"(the address comes from {tmp_path / 'npmrc'})")
    assert registry.requests == []


def test_npm_asks_if_its_configuration_needs_more_than_http(
    registry: Server, tmp_path: Path
) -> None:
    put(registry, "acme", "1.0.0", "1.1.0", latest="1.1.0")
    with (tmp_path / "npmrc").open("a", encoding="utf-8") as file:
        file.write("local-address=127.0.0.1\n")
    assert versions(newest("acme@1.0")) == ("1.0.0", "1.1.0")
    assert newest("other", name="other") == Availability()
