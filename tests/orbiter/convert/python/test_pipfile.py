"""Import of Pipfile and Pipfile.lock."""

import json
from pathlib import Path

from orbiter.config.read import read_image_set
from orbiter.convert.collect import Collector
from orbiter.convert.outcome import ImportOptions
from orbiter.convert.python import pipfile
from tests.support.imports import import_text

PIPFILE = """\
[[source]]
url = "https://main.example.org/simple"
verify_ssl = true
name = "main"
[[source]]
url = "https://download.example.org/whl"
name = "torch"
[packages]
any = "*"
pinned = "==1.2"
range = ">=1,<2"
compatible = "~=1.4"
tools = { git = "https://example.org/lab/tools.git", ref = "v1", editable = true }
torch = { version = ">=2", index = "torch" }
extra = { extras = ["x"], version = "*", markers = "python_version >= '3'" }
windows = { version = "*", sys_platform = "== 'win32'" }
local = { path = "../elsewhere" }
[dev-packages]
pytest = "*"
[requires]
python_version = "3.13"
[scripts]
run = "python x.py"
[pipenv]
allow_prereleases = true
"""


def test_each_package_is_added_or_listed(tmp_path: Path) -> None:
    done = import_text(tmp_path, "Pipfile", PIPFILE)
    assert done.code == 0, done.err
    read_image_set(tmp_path / "images.toml")
    assert done.entries("pip") == [
        "any",
        "pinned==1.2",
        "range>=1,<2",
        "compatible~=1.4",
        "tools @ git+https://example.org/lab/tools.git@v1",
        "torch>=2",
        "extra[x] ; python_version >= '3'",
    ]
    assert done.data["index"] == {"torch": {"url": "https://download.example.org/whl"}}
    for what in (
        "packages: 'windows (",
        "packages: 'local (",
        "category dev-packages (pytest *)",
        "Pipfile: [requires] (python_version 3.13)",
        "Pipfile: [scripts] (run python x.py)",
        "Pipfile: [pipenv] (allow_prereleases True)",
        "Pipfile: source 'main'",
    ):
        assert f"left out: {what}" in done.err


def test_a_category_can_be_chosen(tmp_path: Path) -> None:
    done = import_text(tmp_path, "Pipfile", PIPFILE, "--group", "dev-packages")
    assert "pytest" in done.entries("pip")


def test_another_python_comes_with_the_base_image(tmp_path: Path) -> None:
    done = import_text(tmp_path, "Pipfile", PIPFILE.replace("3.13", "3.11"))
    assert done.data["builder"]["debian"] == {"from": "python:3.11-slim", "python": "3.11"}
    assert "python3" not in done.entries("apt")


def test_a_lock_has_exact_versions(tmp_path: Path) -> None:
    lock = {
        "_meta": {"requires": {"python_version": "3.13"}, "sources": []},
        "default": {"six": {"version": "==1.17.0", "hashes": ["sha256:aa"], "index": "pypi"}},
        "develop": {"idna": {"version": "==3.10", "markers": "python_version >= '3.6'"}},
    }
    collector = Collector(ImportOptions(platforms=("linux/amd64",), root=tmp_path))
    pipfile.read_lock(tmp_path / "Pipfile.lock", json.dumps(lock), collector)
    result = collector.result()
    assert [item.text for item in result.requirements["pip"]] == [
        "six==1.17.0",
        "idna==3.10 ; python_version >= '3.6'",
    ]
    assert result.python == "3.13"
    assert [each.what.rpartition(": ")[2] for each in result.left_out] == [
        "the hashes of 1 packages"
    ]


def test_the_number_of_indexes_has_a_limit(tmp_path: Path) -> None:
    numbers = range(400)
    sources = "".join(
        f'[[source]]\nname = "s{n}"\nurl = "https://example.org/{n}"\n' for n in numbers
    )
    packages = "".join(f'a{n} = {{ version = "*", index = "s{n}" }}\n' for n in numbers)
    done = import_text(tmp_path, "Pipfile", f"{sources}[packages]\n{packages}")
    assert done.code == 0, done.err
    assert list(done.data["index"]) == [f"s{n}" for n in range(50)]
    assert done.entries("pip") == [f"a{n}" for n in range(50)]
    assert "left out: index 's50': an import adds at most 50 indexes\n" in done.err
    assert done.err.count("left out: packages: 'a399 (") == 1
