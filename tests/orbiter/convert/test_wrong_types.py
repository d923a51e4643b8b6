"""Import of files whose values have wrong types: each entry is added or listed, or an error."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from orbiter.convert.collect import Collector
from orbiter.convert.outcome import ImportOptions
from orbiter.convert.python import pipfile
from orbiter.convert.recognise import read
from resolvers.errors import ExpectedError
from tests.support.imports import import_text

GROUPS = frozenset({"a", "b", "dev-packages", "devDependencies"})
WRONG: tuple[Any, ...] = (5, True, "", "\0", [], {}, [5], [[]], [{}], {"x": 5}, {"x": {}})
TABLE = {
    "version": "*",
    "extras": ["x"],
    "git": "https://example.org/x.git",
    "rev": "v1",
    "subdirectory": "x",
    "path": "x",
    "url": "https://example.org/x.whl",
    "markers": "os_name == 'posix'",
    "platform": "linux",
    "python": "^3",
    "source": "s",
    "optional": True,
    "allow-prereleases": True,
}
SINGLE: list[Any] = [{key: value} for key, value in TABLE.items()]
ENTRIES = {"python": "^3", "a": TABLE, "b": SINGLE, "c": {"version": "*", "optional": True}}
SOURCES = [{"name": "s", "url": "https://example.org/simple"}]
PIXI = {
    "workspace": {"name": "x", "channels": ["x", {"channel": "y", "priority": 1}]},
    "dependencies": {"a": "*", "b": {"version": "1", "build": "x", "channel": "y"}},
    "pypi-dependencies": {"a": "*", "b": {"version": "1", "index": "s"}},
    "target": {"linux": {"dependencies": {"c": "1"}}, "win": {"dependencies": {"d": "*"}}},
    "feature": {
        "a": {"channels": ["z"], "dependencies": {"e": "*"}, "target": {"linux": {"tasks": {}}}},
        "c": {"dependencies": {"e": "*"}, "tasks": {"x": "y"}},
    },
    "tasks": {"x": "y"},
    "environments": {"x": ["a"]},
}
PROJECT = {
    "name": "x",
    "requires-python": ">=3",
    "dependencies": ["a", "b"],
    "optional-dependencies": {"a": ["c"], "c": ["d"]},
    "dynamic": ["dependencies"],
}
TOOLS = {
    "uv": {
        "sources": {"a": {"index": "s"}, "b": [{"git": "https://example.org/x", "marker": "x"}]},
        "index": SOURCES,
        "constraint-dependencies": ["a<2"],
        "override-dependencies": ["b<2"],
        "dev-dependencies": ["e"],
    },
    "pdm": {"source": SOURCES, "dev-dependencies": {"a": ["-e ./x", "f"]}},
    "setuptools": {"dynamic": {"dependencies": {"file": ["x.txt"]}}},
    "pixi": PIXI,
}
POETRY = {
    "name": "x",
    "dependencies": ENTRIES,
    "extras": {"a": ["c"], "b": ["d"]},
    "group": {"a": {"dependencies": {"x": "*"}}, "c": {"dependencies": {"x": "*"}}},
    "dev-dependencies": {"x": "*"},
    "source": SOURCES,
}
LOCK = {
    "_meta": {"requires": {"python_version": "3.13"}, "sources": SOURCES},
    "default": {"a": {"version": "==1", "hashes": ["x"], "index": "s", "extras": ["x"]}},
    "develop": {"b": {"version": "==1", "markers": "os_name == 'posix'"}},
}
NPM = {
    "dependencies": {"a": "1", "b": "lab/x#v1", "c": "https://example.org/x.tgz"},
    "devDependencies": {"d": "*"},
    "peerDependencies": {"e": "*"},
    "overrides": {"a": "1", "b": {".": "1", "c": "2"}},
    "workspaces": ["x"],
    "engines": {"node": "1"},
    "name": "x",
}
CONDA = {
    "name": "x",
    "channels": ["x"],
    "dependencies": ["a", {"pip": ["b"]}, {"sel(linux)": "c"}],
    "variables": {"x": "y"},
    "platforms": ["linux-64"],
}
FILES: dict[str, tuple[str, dict[str, Any], Callable[[Any], str]]] = {
    "project": (
        "pyproject.toml",
        {
            "project": PROJECT,
            "dependency-groups": {"a": ["e", {"include-group": "b"}], "b": ["f"]},
            "build-system": {"requires": ["x"]},
            "tool": TOOLS,
        },
        tomli_w.dumps,
    ),
    "poetry": ("pyproject.toml", {"tool": {"poetry": POETRY}}, tomli_w.dumps),
    "pixi": ("pixi.toml", PIXI, tomli_w.dumps),
    "pipfile": (
        "Pipfile",
        {
            "source": SOURCES,
            "packages": ENTRIES,
            "dev-packages": {"x": "*"},
            "requires": {"python_version": "3.13"},
            "scripts": {"x": "y"},
        },
        tomli_w.dumps,
    ),
    "lock": ("Pipfile.lock", LOCK, json.dumps),
    "npm": ("package.json", NPM, json.dumps),
    "conda": ("environment.yml", CONDA, json.dumps),
}


def paths(data: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the positions of all values."""
    inner: Any = ()
    if isinstance(data, dict):
        inner = data.items()
    elif isinstance(data, list):
        inner = enumerate(data)
    for key, value in inner:
        yield (*path, key)
        yield from paths(value, (*path, key))


CASES = [(kind, path) for kind, (_, data, _) in FILES.items() for path in paths(data)]


@pytest.mark.parametrize(
    ("kind", "path"), CASES, ids=[f"{kind}-{'.'.join(map(str, path))}" for kind, path in CASES]
)
def test_values_of_wrong_types_are_listed_or_an_error(
    tmp_path: Path, kind: str, path: tuple[Any, ...]
) -> None:
    name, original, dump = FILES[kind]
    file = tmp_path / name
    options = ImportOptions(platforms=("linux/amd64",), root=tmp_path, groups=GROUPS)
    for wrong in WRONG if dump is tomli_w.dumps else (*WRONG, None):
        data = copy.deepcopy(original)
        parent: Any = data
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = wrong
        file.write_text(dump(data))
        with suppress(ExpectedError):
            if kind == "lock":
                pipfile.read_lock(file, file.read_text(), Collector(options))
            else:
                read(file, options)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pixi.toml", f"[{'.'.join(['target.linux'] * 3000)}.dependencies]\na = '1'\n"),
        ("pixi.toml", f"[feature.x{'.a' * 3000}]\na = '1'\n"),
        ("Pipfile", f"[packages]\na{'.b' * 3000} = '1'\n"),
        ("Pipfile", f"[packages]\na = 0x{'f' * 5000}\n"),
        ("pyproject.toml", f"[tool.poetry.dependencies]\na{'.b' * 3000} = '1'\n"),
        ("pyproject.toml", f"[project]\nname = 'x'\n[tool.uv.sources]\na{'.b' * 3000} = '1'\n"),
        ("package.json", f'{{"dependencies": {{"a": {"[" * 900}{"]" * 900}}}}}'),
        ("environment.yml", f"dependencies:\n- {'[' * 900}{']' * 900}\n"),
    ],
)
def test_deep_values_are_an_error(tmp_path: Path, name: str, text: str) -> None:
    done = import_text(tmp_path, name, text)
    assert (done.code, done.data) == (2, {})
    assert f"error: {name} cannot be read: " in done.err


def test_a_target_in_a_target_is_listed(tmp_path: Path) -> None:
    text = "[dependencies]\nb = '*'\n[target.linux.target.linux.dependencies]\na = '1'\n"
    done = import_text(tmp_path, "pixi.toml", text)
    assert done.entries("conda") == ["b"]
    assert "target.linux.target.linux: a target has no targets of its own" in done.err
