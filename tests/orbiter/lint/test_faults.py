"""Faults that were reported publicly for real lock files, each in a small file of its format."""

import json
import re

import pytest

from orbiter.lint.check import check_lock_file
from orbiter.lint.rules import RULES
from orbiter.lint.types import Finding, Settings
from tests.support.paths import ROOT

SHA512 = "sha512-" + "A" * 86 + "=="
SHA1 = "sha1-" + "A" * 27 + "="
HASHED = f" \\\n    --hash=sha256:{'a' * 64}\n"


def rules(text: str, *allowed: str) -> list[str]:
    return [each.rule for each in findings(text, *allowed)]


def findings(text: str, *allowed: str) -> tuple[Finding, ...]:
    settings = Settings(allowed_hosts=allowed)
    return check_lock_file("lock", text.encode(), settings).findings


def package_lock(**fields: object) -> str:
    entry = {
        "version": "9.0.1",
        "resolved": "https://npm.example.org/npm-package-arg/-/npm-package-arg-9.0.1.tgz",
        "integrity": SHA512,
        **fields,
    }
    kept = {key: value for key, value in entry.items() if value is not None}
    packages = {"": {}, "node_modules/npm-package-arg": kept}
    return json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2) + "\n"


def poetry(url: str) -> str:
    return f"""[[package]]
name = "a"
version = "1.0"
description = "Ein schönes Paket, siehe http://example.org"
optional = false
python-versions = "*"
files = [{{file = "a-1.0-py3-none-any.whl", hash = "sha256:{"a" * 64}"}}]

[package.source]
type = "legacy"
url = "{url}"
reference = "own"

[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = "{"b" * 64}"
"""


def conda(url: str, digest: str = "sha256: " + "a" * 64, platform: str = "linux-64") -> str:
    return f"""version: 1
metadata:
  content_hash:
    linux-64: {"c" * 64}
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - {platform}
package:
- name: bzip2
  version: 1.0.8
  manager: conda
  platform: {platform}
  dependencies: {{}}
  url: {url}
  hash:
    {digest}
  category: main
  optional: false
"""


BZIP2 = "conda-forge/linux-64/bzip2-1.0.8-h4bc722e_7.conda"
TOKEN = "/t/xy-12345678-1234-1234-1234-123456789012/"


def test_intact_files_have_no_findings() -> None:
    assert rules(package_lock()) == []
    assert rules(poetry("https://packages.example.org/simple")) == []
    assert rules(conda(f"https://conda.example.org/{BZIP2}")) == []
    assert rules(f"a==1.0{HASHED}") == []


def uv(url: str) -> str:
    return f"""version = 1
requires-python = ">=3.12"

[[package]]
name = "a"
version = "1.0"
source = {{ registry = "{url}" }}
wheels = [{{ url = "https://x.example.org/a-1.0-py3-none-any.whl", hash = "sha256:{"a" * 64}" }}]
"""


OF_INTERNAL = "https://artifactory.example.org/artifactory/api/npm/x/-/npm-package-arg-9.0.1.tgz"
HTTP = "http://npm.example.org/npm-package-arg/-/npm-package-arg-9.0.1.tgz"
FOREIGN = "https://npm.example.org/npm-package-arg/-/npm-package-arg-9.0.2.tgz"
MARKERS = "<<<<<<< ours\na==1.0\n=======\na==2.0\n>>>>>>> theirs\n"
HEADER = "# uv pip compile --index-url https://user:hunter2@example.org/simple in.txt\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (poetry("https://user:hunter2@packages.example.org/simple"), ["credentials"]),
        (conda(f"https://user:hunter2@conda.example.org/{BZIP2}"), ["credentials"]),
        (conda(f"https://conda.example.org{TOKEN}{BZIP2}"), ["token"]),
        (conda(f"https://conda.example.org/t/<TOKEN>/{BZIP2}"), ["token"]),
        (uv("https://user:hunter2@example.org/simple"), ["credentials"]),
        (f"{HEADER}a==1.0{HASHED}", ["credentials"]),
        (package_lock(resolved=OF_INTERNAL), ["private-host", "entry-mismatch"]),
        (package_lock(integrity=SHA1), ["weak-hash"]),
        (package_lock(integrity=None, resolved=None), ["no-hash"]),
        (package_lock(resolved=FOREIGN), ["entry-mismatch"]),
        (MARKERS, ["merge-marker"] * 3),
        (conda(f"https://conda.example.org/{BZIP2}", f"md5: {'a' * 32}"), ["weak-hash"]),
        (conda(f"https://conda.example.org/{BZIP2}", "md5: None"), ["damaged-file"]),
        (conda(f"https://conda.example.org/{BZIP2}", "md5: ''"), ["no-hash"]),
        ("a==1.0\nb==2.0\n", ["no-hash"]),
        (package_lock(resolved=HTTP), ["insecure-address"]),
    ],
)
def test_reported_faults_are_found(text: str, expected: list[str]) -> None:
    assert rules(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==1.0\u200b" + HASHED, "invisible-character"),
        ("\u0430bc==1.0" + HASHED, "non-ascii-name"),
        ("# token: abcd1234efgh\na==1.0" + HASHED, "secret"),
        ("# ghp_" + "a1" * 18 + "\na==1.0" + HASHED, "secret"),
        ("--trusted-host example.org\na==1.0" + HASHED, "no-certificate-check"),
        ("--extra-index-url https://example.org/simple\na==1.0" + HASHED, "index-option"),
        ("--index-url https://10.0.0.1/simple\na==1.0" + HASHED, "private-host"),
        ("a @ git+https://example.org/a.git@main\n", "git-without-commit"),
        ("a @ git+https://example.org/a.git@abcdef1\n", "git-without-commit"),
        ("a>=1.0\n", "not-pinned"),
        ("a==1.*\nb==1.0" + HASHED, "not-pinned"),
        (package_lock(hasInstallScript=True), "install-script"),
        (conda(f"https://conda.example.org/{BZIP2}", platform="osx-64"), "platform-mismatch"),
        (
            poetry("https://x.example.org").replace("a-1.0-py3-none-any.whl", "a-1.0.tar.gz"),
            "sdist-only",
        ),
    ],
)
def test_other_faults_are_found(text: str, expected: str) -> None:
    assert expected in rules(text)


def test_packages_that_may_run_code_are_no_findings() -> None:
    settings = Settings(npm_scripts=frozenset({"npm-package-arg"}), pip_sdist=frozenset({"a"}))
    sdist = poetry("https://x.example.org").replace("a-1.0-py3-none-any.whl", "a-1.0.tar.gz")
    for text in (package_lock(hasInstallScript=True), sdist):
        assert findings(text)
        assert check_lock_file("lock", text.encode(), settings).findings == ()


def test_a_swapped_host_is_found() -> None:
    usual = "https://npm.example.org/p{0}/-/p{0}-1.0.0.tgz"
    packages = {
        f"node_modules/p{number}": {
            "version": "1.0.0",
            "resolved": usual.format(number),
            "integrity": SHA512,
        }
        for number in range(20)
    }
    packages["node_modules/p7"]["resolved"] = "https://evil.example/p7/-/p7-1.0.0.tgz"
    text = json.dumps({"lockfileVersion": 3, "packages": {"": {}, **packages}}, indent=2)
    assert rules(text) == ["unusual-host"]
    assert rules(text, "npm.example.org") == ["host-not-allowed", "unusual-host"]
    assert rules(text, "*.example.org", "evil.example") == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://${USER}:${PASSWORD}@example.org/simple",
        "a @ git+ssh://git@example.org/a.git@" + "a" * 40,
        "# password: from the keyring",
        "# via token==1.0.0.0",
        "a @ https://example.org/pool/main/t/tini/a-1.0-py3-none-any.whl#sha256=" + "a" * 64,
        "a @ http://127.0.0.1/a-1.0-py3-none-any.whl#sha256=" + "a" * 64,
    ],
)
def test_harmless_lines_have_no_secret(line: str) -> None:
    found = {*rules(f"{line}\nb==1.0{HASHED}")} - {"index-option", "private-host"}
    assert found == set()


def test_messages_contain_no_secret() -> None:
    text = f"{HEADER}--index-url https://user:hunter2@example.org/?token=hunter2\na==1.0{HASHED}"
    found = findings(text)
    assert len(found) > 3
    assert "hunter2" not in repr(found)


def test_findings_have_the_line_of_their_entry() -> None:
    text = package_lock(hasInstallScript=True, integrity=SHA1)
    expected = text[: text.index('"node_modules/npm-package-arg"')].count("\n") + 1
    lines = {each.line for each in check_lock_file("lock", text.encode(), Settings()).findings}
    assert lines == {expected}


def test_bundled_packages_and_links_need_no_hash() -> None:
    packages = {
        "": {},
        "node_modules/a": {"version": "1.0.0", "inBundle": True},
        "node_modules/b": {"resolved": "packages/b", "link": True},
        "packages/b": {"version": "1.0.0"},
    }
    assert rules(json.dumps({"lockfileVersion": 3, "packages": packages})) == []


def test_every_rule_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "lint.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note) \|", page, re.MULTILINE)
    assert rows == [(rule.id, rule.severity) for rule in RULES.values()]
