"""npm: solved by a real npm with the machine's registry, and read from real locks."""

import gzip
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resolvers import process
from resolvers.errors import ExpectedError, ProgramError, UnsolvableError
from resolvers.npm import manager as npm
from resolvers.npm import program, session
from resolvers.types.packages import LockFiles
from resolvers.types.request import Group, Request, Upgrade
from tests.support.npm_cases import AMD64, ARM64, lock_of


def base(*requirements: str) -> Group:
    return Group(name="debian-base-build", requirements=requirements)


def geo(*requirements: str) -> Group:
    return Group(name="debian-geo-build", requirements=requirements, parents=("debian-base-build",))


def solve(
    *groups: Group,
    previous: LockFiles | None = None,
    upgrade: Mapping[str, str] | None = None,
    everything: bool = False,
    as_of: datetime | None = None,
) -> LockFiles:
    return npm.resolve(
        Request(
            groups=groups,
            targets=(AMD64, ARM64),
            previous=previous or {},
            upgrade=Upgrade(everything=everything, packages=upgrade or {}),
            as_of=as_of,
        )
    )


def versions(files: LockFiles, *groups: str) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for package in npm.read(files):
        if not groups or set(groups) & set(package.groups):
            versions.setdefault(package.name, []).append(package.version)
    return versions


def published(name: str) -> Mapping[str, str]:
    with session.open_session({}, frozenset(), None) as npm_session:
        return npm_session.published([name])[name]


@pytest.mark.index
def test_groups_share_one_tree_and_locking_twice_gives_the_same_bytes() -> None:
    groups = (base("is-odd@3.0.1", "@sindresorhus/is@^4"), geo("is-number@^7", "is-odd"))
    files = solve(*groups)
    assert solve(*groups, previous=files) == files
    assert solve(*groups) == files
    packages = {(package.name, package.version): package for package in npm.read(files)}
    assert packages["is-number", "6.0.0"].groups == ("debian-base-build", "debian-geo-build")
    assert packages["is-number", "7.0.0"].groups == ("debian-geo-build",)
    assert packages["is-odd", "3.0.1"].requires == ("is-number",)
    scoped = next(package for name, package in packages.items() if name[0] == "@sindresorhus/is")
    assert scoped.artifacts[0].file == f"sindresorhus__is-{scoped.version}.tgz"
    assert scoped.artifacts[0].source == f"@sindresorhus/is/-/is-{scoped.version}.tgz"
    assert len(scoped.artifacts[0].hash) == len("sha512:") + 128
    assert '"resolved"' not in files["package-lock.json"]
    assert json.loads(files["package.json"])["dependencies"]["is-odd"] == "3.0.1"
    base_pins = npm.select(files, AMD64, ("debian-base-build",))
    assert [(pin.name, pin.version) for pin in base_pins] == [
        ("@sindresorhus/is", scoped.version), ("is-number", "6.0.0"), ("is-odd", "3.0.1"),
    ]  # fmt: skip


@pytest.mark.index
def test_pins_change_only_in_an_upgrade() -> None:
    old = solve(base("semver@7.3.0", "lru-cache@5.1.1", "yallist@3.0.2"))
    assert versions(old) == {"lru-cache": ["5.1.1"], "semver": ["7.3.0"], "yallist": ["3.0.2"]}
    requirements = base("semver@^7.0.0", "lru-cache@^5.1.0")
    kept = solve(requirements, previous=old)
    assert versions(kept) == versions(old)
    grown = solve(requirements, geo("is-number"), previous=kept)
    assert versions(grown) == versions(old) | {"is-number": ["7.0.0"]}
    exact = solve(requirements, previous=kept, upgrade={"yallist": "3.0.3", "no-such": ""})
    assert versions(exact) == versions(old) | {"yallist": ["3.0.3"]}
    assert exact["package.json"] == kept["package.json"]
    assert solve(requirements, previous=exact) == exact
    newest = solve(requirements, previous=kept, upgrade={"yallist": ""})
    assert versions(newest) == versions(old) | {"yallist": ["3.1.1"]}
    everything = solve(requirements, previous=kept, everything=True)
    assert versions(everything)["yallist"] == ["3.1.1"]
    assert versions(everything)["semver"] > ["7.3.0"]
    with pytest.raises(
        UnsolvableError, match=r"npm cannot install yallist@4\.0\.0: the requirements allow 3"
    ):
        solve(requirements, previous=kept, upgrade={"yallist": "4.0.0"})


@pytest.mark.index
def test_as_of_hides_later_versions_even_if_they_are_pinned() -> None:
    times = {v: datetime.fromisoformat(t) for v, t in published("semver").items() if v[0] == "7"}
    ordered = sorted((moment, version) for version, moment in times.items())
    (cutoff, _), (_, late) = ordered[-2:]
    requirements = base("semver@7")
    then = solve(requirements, as_of=cutoff)
    assert times[versions(then)["semver"][0]] <= cutoff
    pinned = solve(base(f"semver@{late}", "is-number@7.0.0"))
    assert versions(pinned)["semver"] == [late]
    was_there = published("is-number")["7.0.0"] <= cutoff.isoformat()
    assert was_there
    back = solve(base("semver@7", "is-number"), previous=pinned, as_of=cutoff)
    assert versions(back) == versions(then) | {"is-number": ["7.0.0"]}
    kept = solve(requirements, previous=solve(base("semver@7.3.0")), as_of=datetime.now(UTC))
    assert versions(kept) == {"semver": ["7.3.0"]}


@pytest.mark.index
@pytest.mark.parametrize(
    ("requirement", "code"),
    [("is-number@^99", "ETARGET"), ("@sindresorhus/no-such-thing-at-all", "E404")],
)
def test_an_unsolvable_requirement_is_named_with_its_group_and_npms_explanation(
    requirement: str, code: str
) -> None:
    with pytest.raises(UnsolvableError) as error:
        solve(base("is-odd"), geo(requirement))
    assert f"npm cannot install {requirement} of stage 'debian-geo-build'" in error.value.message
    assert code in error.value.message


@pytest.mark.index
def test_settings_of_the_user_do_not_change_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = solve(base("is-odd"))
    for name, value in {
        "save_exact": "true",
        "omit_lockfile_registry_resolved": "false",
        "install_strategy": "nested",
        "lockfile_version": "1",
        "package_lock": "false",
        "dry_run": "true",
        "prefix": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"NPM_CONFIG_{name.upper()}", value)
    assert solve(base("is-odd")) == expected


@pytest.mark.index
def test_npm_installs_a_stage_offline_and_rejects_a_changed_tarball(
    tmp_path: Path,
) -> None:
    files = solve(
        base("is-odd@3.0.1", "cliui@8"), geo("chokidar@3.6.0", "width@npm:string-width@4")
    )
    names = ("debian-geo-build",)
    folder = tmp_path / "tarballs"
    folder.mkdir()
    pins = npm.select(files, AMD64, names)
    program.run(
        ["pack", *(f"{pin.name}@{pin.version}" for pin in pins), "--loglevel=error"], cwd=tmp_path
    )
    for pin in pins:
        packed = pin.name.removeprefix("@").replace("/", "-")
        (tmp_path / f"{packed}-{pin.version}.tgz").rename(folder / pin.artifact.file)
    assert "fsevents" in versions(files, *names)
    assert not any("fsevents" in path.name for path in folder.iterdir())

    def install(stage: Path) -> None:
        stage.mkdir()
        for name, text in npm.stage_files(files, names, str(folder)).items():
            (stage / name).write_text(text)
        words = ["ci", "--offline", "--ignore-scripts", "--no-audit", f"--cache={stage / 'cache'}"]
        process.run([*program.command(), *words], cwd=stage)

    install(tmp_path / "good")
    modules = tmp_path / "good" / "node_modules"
    assert json.loads((modules / "chokidar" / "package.json").read_text())["version"] == "3.6.0"
    assert json.loads((modules / "width" / "package.json").read_text())["name"] == "string-width"
    assert not (modules / "is-odd").exists()
    assert not (modules / "fsevents").exists()
    changed = next(folder.glob("chokidar-*"))
    changed.write_bytes(gzip.compress(gzip.decompress(changed.read_bytes()), 1))
    with pytest.raises(ProgramError, match="EINTEGRITY"):
        install(tmp_path / "bad")


@pytest.mark.index
def test_without_npm_on_path_uv_installs_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "npm"
    old.write_text("#!/bin/sh\necho 8.19.4\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program._find_npm.cache_clear()
    try:
        assert program.command()[-3:] == ["--from", program.WHEEL, "npm"]
        assert int(program.version().partition(".")[0]) >= program.OLDEST_MAJOR
    finally:
        program._find_npm.cache_clear()


@pytest.mark.index
def test_the_installer_matches_the_registry() -> None:
    pin = program.installer()
    integrity = json.loads(program.run(["view", f"npm@{pin.version}", "dist.integrity", "--json"]))
    lock = lock_of(a={"integrity": integrity})
    assert npm.read(lock)[0].artifacts[0].hash == pin.artifact.hash
    engines = json.loads(program.run(["view", f"npm@{pin.version}", "engines", "--json"]))
    assert "^20.17.0" in engines["node"]


def test_without_requirements_nothing_is_locked() -> None:
    assert solve(base()) == {}


@pytest.mark.parametrize(
    "requirement",
    [
        "git+ssh://git@example.org/a.git",
        "a@file:../a",
        "user/repo",
        "./a",
        "a@",
        "@scope",
        "",
        "a b",
        "a@npm:b@npm:c",
    ],
)
def test_a_requirement_that_is_not_from_a_registry_is_rejected(requirement: str) -> None:
    message = r"stage 'debian-base-build': .* is not a valid npm requirement"
    with pytest.raises(ExpectedError, match=message):
        solve(base("a", requirement))


def test_two_groups_with_different_ranges_are_rejected() -> None:
    with pytest.raises(ExpectedError) as error:
        solve(base("a@^1"), geo("a@^2"))
    assert error.value.message == (
        "npm: stage 'debian-base-build' requires a@^1, but stage 'debian-geo-build' requires a@^2"
    )


def test_a_lock_with_an_address_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    files = lock_of(a={"resolved": "git+ssh://git@example.org/a.git#1234"})
    monkeypatch.setattr(session.Session, "lock", lambda *_arguments: files["package-lock.json"])
    with pytest.raises(
        ExpectedError, match=r"a 1\.0\.0 \(node_modules/a\) does not come from a registry"
    ):
        solve(base("a"))
