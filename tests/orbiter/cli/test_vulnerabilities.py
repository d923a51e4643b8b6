"""The vulnerabilities that audit and diff-locks report: answers, formats and exit codes."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orbiter.advisories.subjects import NOT_PYTHON
from orbiter.report import json as diff_report
from orbiter.report.vulnerabilities import json as report
from resolvers import cache
from tests.support.osv import OSV, record, write_zip
from tests.support.osv_truth import (
    KEYS,
    TRUTH,
    fixed_in,
    is_release,
    ordered,
    undecided,
    write_lock,
)
from tests.support.paths import ROOT, TESTS

ANY_AGE = ("--max-age", "99999")
IMAGES = (ROOT / "images.toml").read_text(encoding="utf-8")
CONDA = "01-base-next-tag"


def orbiter(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def audit(folder: Path, *words: str, database: Path = OSV) -> "subprocess.CompletedProcess[str]":
    place = ("--database", str(database))
    return orbiter(folder, "audit", "--vulnerabilities", *place, *ANY_AGE, *words)


def diff(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return orbiter(
        folder, "diff-locks", "--vulnerabilities", "--database", str(OSV), *ANY_AGE, *words
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the releases of this repository, and without images.toml."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "locks").symlink_to(ROOT / "locks")
    return folder


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Write two package-lock.json: the new one has one vulnerability less, and one more."""
    for name, packages in (
        ("old", {"ws": "8.12.1", "request": "2.88.2"}),
        ("new", {"ws": "8.18.0", "request": "2.88.2", "debug": "4.4.2", "vega": "6.4.0"}),
    ):
        tree: dict[str, Any] = {"": {"name": "x", "dependencies": packages}}
        for package, version in packages.items():
            tree[f"node_modules/{package}"] = {"version": version}
        text = json.dumps({"name": "x", "lockfileVersion": 3, "packages": tree})
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    return tmp_path


def as_in_truth(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return ordered([{key: finding[key] for key in KEYS} for finding in findings])


@pytest.mark.parametrize("case", TRUTH)
def test_diff_locks_equals_the_truth(case: str, tmp_path: Path) -> None:
    sides = [write_lock(case, side, tmp_path) for side in ("old", "new")]
    result = diff(tmp_path, *sides, "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    jsonschema.Draft202012Validator(diff_report.schema()).validate(document)
    found, expected = document["vulnerabilities"], TRUTH[case]
    fixed = [
        {**{key: each["vulnerability"][key] for key in KEYS}, "how": each["how"]}
        for each in found["fixed"]
    ]
    assert ordered(fixed) == fixed_in(case)
    assert as_in_truth(found["new"]) == ordered(expected["new"])
    assert as_in_truth(found["remaining"]) == ordered(expected["remaining"])
    for side in ("old", "new"):
        assert sorted(undecided(found[f"undecided_{side}"])) == sorted(expected["undecided"][side])


@pytest.mark.parametrize("case", [case for case in TRUTH if is_release(case)])
def test_audit_equals_the_truth(case: str, project: Path) -> None:
    result = audit(project, "--release", "0.2.0", "--format", "json")
    assert (result.returncode, result.stderr) == (1, "")
    document = json.loads(result.stdout)
    jsonschema.Draft202012Validator(report.schema()).validate(document)
    expected = TRUTH[case]
    assert as_in_truth(document["affected"]) == ordered(expected["new"] + expected["remaining"])
    assert sorted(undecided(document["undecided"])) == sorted(expected["undecided"]["new"])


def test_every_format_names_the_database(project: Path) -> None:
    words = ("--release", "0.2.0", "--format")
    document = json.loads(audit(project, *words, "json").stdout)
    database = document["database"]
    assert database["records"] == {"Debian": 8, "PyPI": 567, "npm": 17}
    assert database["newest"] == "2026-07-23T14:32:21.428028Z"
    digest = database["digest"].removeprefix("sha256:")[:12]
    counts = "advisories: Debian 8, PyPI 567, npm 17 (withdrawn: 79)"
    line = f"database {digest}, newest advisory 2026-07-23, {counts}"
    for name in ("text", "markdown", "html"):
        output = " ".join(audit(project, *words, name).stdout.split())
        assert line in output, name
        changes = " ".join(diff(project, "0.1.0", "0.2.0", "--format", name).stdout.split())
        assert line in changes, name


def test_text_fits_80_columns(project: Path) -> None:
    lines = audit(project, "--release", "0.2.0").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("0.2.0: 8 vulnerabilities (2 high, 1 medium")
    assert "      CVE-2026-24842; debian-base only" in lines


def test_one_image_has_its_own_vulnerabilities(project: Path) -> None:
    words = ("--release", "0.2.0", "--format", "json")
    core = json.loads(audit(project, *words, "--image", "core").stdout)
    assert {each["ecosystem"] for each in core["affected"]} == {"Debian:13"}
    assert {each["image"] for one in core["affected"] for each in one["packages"]} == {
        "debian-core"
    }
    build = audit(project, "--release", "0.2.0", "--image", "debian-base-build")
    assert build.returncode == 2
    assert "choose one of debian-base, debian-core" in build.stderr


def test_diff_locks_keeps_debian_sources_of_one_image(project: Path) -> None:
    result = diff(project, "0.1.0", "0.2.0", "--image", "debian-core", "--format", "json")
    found = json.loads(result.stdout)["vulnerabilities"]
    assert {each["ecosystem"] for each in found["remaining"]} == {"Debian:13"}
    assert found["not_covered"] == []


@pytest.mark.parametrize(
    ("condition", "code"),
    [("new", 1), ("critical", 1), ("low", 1), ("removed", 0), ("downgraded", 0)],
)
def test_diff_locks_fails_on_vulnerabilities(locks: Path, condition: str, code: int) -> None:
    assert diff(locks, "old.json", "new.json", "--fail-on", condition).returncode == code


def test_diff_locks_does_not_fail_on_remaining_or_lower_ones(locks: Path) -> None:
    (locks / "less.json").write_text((locks / "old.json").read_text().replace("8.12.1", "8.18.0"))
    assert diff(locks, "old.json", "less.json", "--fail-on", "new").returncode == 0
    assert diff(locks, "old.json", "less.json", "--fail-on", "high").returncode == 0
    assert diff(locks, "old.json", "less.json", "--fail-on", "medium").returncode == 1
    assert diff(locks, "old.json", "less.json").returncode == 0


def test_conditions_about_vulnerabilities_need_the_option(locks: Path) -> None:
    result = orbiter(locks, "diff-locks", "old.json", "new.json", "--fail-on", "high")
    assert result.returncode == 2
    assert "error: --fail-on high needs --vulnerabilities" in result.stderr


def test_an_unknown_severity_fails_no_severity_and_is_reported(project: Path) -> None:
    words = ("--release", "0.2.0", "--image", "core", "--fail-on")
    high, low = audit(project, *words, "high"), audit(project, *words, "low")
    assert (high.returncode, low.returncode) == (0, 1)
    assert "warning: 4 vulnerabilities have no known severity" in high.stderr


def test_without_the_advisories_of_an_ecosystem_there_is_no_answer(
    project: Path, locks: Path
) -> None:
    result = audit(project, "--release", "0.2.0", database=OSV / "npm")
    assert (result.returncode, result.stdout) == (2, "")
    assert "no advisories for Debian:13, PyPI (it has: npm)" in result.stderr
    result = orbiter(locks, "diff-locks", "old.json", "new.json", "--vulnerabilities")
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no vulnerability database on this machine" in result.stderr
    assert "hint: run orbiter osv update" in result.stderr


def test_an_old_database_is_an_error(project: Path) -> None:
    words = ("audit", "--vulnerabilities", "--release", "0.2.0", "--database", str(OSV))
    result = orbiter(project, *words, "--max-age", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert "error: the vulnerability database is old: its newest advisory is of" in result.stderr


def test_a_cut_database_is_an_error(project: Path, tmp_path: Path) -> None:
    shutil.copytree(OSV, tmp_path / "osv")
    content = (OSV / "PyPI" / "all.zip").read_bytes()
    (tmp_path / "osv" / "PyPI" / "all.zip").write_bytes(content[:-100])
    result = audit(project, "--release", "0.2.0", database=tmp_path / "osv")
    assert (result.returncode, result.stdout) == (2, "")
    assert "PyPI/all.zip is not a complete zip file" in result.stderr


def test_a_database_of_another_schema_is_an_error(project: Path, tmp_path: Path) -> None:
    shutil.copytree(OSV, tmp_path / "osv")
    newer = record("npm", "MAL-2025-46974", schema_version="2.0.0")
    write_zip(tmp_path / "osv" / "npm" / "all.zip", newer)
    result = audit(project, "--release", "0.2.0", database=tmp_path / "osv")
    assert (result.returncode, result.stdout) == (2, "")
    assert "has version 2.0.0 of the OSV schema; this Orbiter reads 1.x" in result.stderr


def test_a_decision_of_images_toml_ignores_an_advisory(project: Path, tmp_path: Path) -> None:
    (tmp_path / "locks").symlink_to(project / "locks")
    (tmp_path / "images.toml").write_text(
        IMAGES
        + '\n[[ignore-advisory]]\nid = "CVE-2026-24842"\nreason = "x"\nuntil = 9999-01-01\n'
        + '[[ignore-advisory]]\nid = "CVE-2024-29415"\nreason = "y"\nuntil = 2020-01-01\n'
        + '[[ignore-advisory]]\nid = "CVE-1"\npackage = "z"\nreason = "w"\nuntil = 9999-01-01\n',
        encoding="utf-8",
    )
    result = audit(tmp_path, "--release", "0.2.0", "--format", "json")
    found = json.loads(result.stdout)
    assert "CVE-2026-24842" not in {each["advisory"] for each in found["affected"]}
    assert "CVE-2024-29415" in {each["advisory"] for each in found["affected"]}
    (ignored,) = found["ignored"]
    assert (ignored["reason"], ignored["until"]) == ("x", "9999-01-01")
    assert [each["id"] for each in found["expired"]] == ["CVE-2024-29415"]
    assert [each["id"] for each in found["unused"]] == ["CVE-1"]
    text = audit(tmp_path, "--release", "0.2.0").stdout
    assert "Ignored in images.toml (1)" in text
    assert "Expired in images.toml\n  CVE-2024-29415 (all packages) until 2020-01-01: y" in text
    assert "Not needed in images.toml\n  CVE-1 (z) until 9999-01-01: w" in text
    changes = diff(tmp_path, "0.1.0", "0.2.0", "--format", "json").stdout
    assert len(json.loads(changes)["vulnerabilities"]["ignored"]) == 1


def test_a_mistake_in_a_decision_is_an_error(project: Path, tmp_path: Path) -> None:
    (tmp_path / "locks").symlink_to(project / "locks")
    text = f'{IMAGES}\n[[ignore-advisory]]\nid = "CVE-1"\nuntil = "2027-01-31"\n'
    (tmp_path / "images.toml").write_text(text, encoding="utf-8")
    result = audit(tmp_path, "--release", "0.2.0")
    assert (result.returncode, result.stdout) == (2, "")
    assert "ignore-advisory[0].reason: is missing; expected a reason" in result.stderr
    assert "write until = 2027-01-31, without quotes" in result.stderr


def test_conda_packages_are_by_name_or_not_covered(tmp_path: Path) -> None:
    (path,) = (TESTS / "data" / "locks" / "pairs" / "conda-lock" / CONDA).glob("new.*")
    (tmp_path / path.name).write_bytes(gzip.decompress(path.read_bytes()))
    result = diff(tmp_path, path.name, path.name, "--format", "json")
    found = json.loads(result.stdout)["vulnerabilities"]
    assert not any(each["confirmed"] for each in found["remaining"])
    assert {each["reason"] for each in found["not_covered"]} == {NOT_PYTHON}
    packages = {(each["manager"], each["name"], each["version"]) for each in found["not_covered"]}
    text = " ".join(diff(tmp_path, path.name, path.name, "--all").stdout.split())
    assert f"{len(found['by_name'])} packages by name, not confirmed" in text
    assert f"{len(packages)} packages not covered: {NOT_PYTHON}" in text
    assert all(" ".join(package) in text for package in packages)


def test_the_index_of_the_database_is_made_once(project: Path) -> None:
    audit(project, "--release", "0.2.0")
    (index,) = cache.folder("advisories").glob("*.sqlite")
    made = index.stat().st_mtime_ns
    audit(project, "--release", "0.2.0")
    assert index.stat().st_mtime_ns == made


def test_audit_needs_something_to_do(project: Path) -> None:
    result = orbiter(project, "audit")
    assert result.returncode == 2
    assert "error: orbiter audit needs either TARGET or --vulnerabilities" in result.stderr
