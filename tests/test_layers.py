"""Imports run downward only: each package imports from the layers below its own and from itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ORBITER = (
    ("orbiter", "orbiter.conflicts", "orbiter.documents", "orbiter.files", "orbiter.sizes"),
    ("orbiter.git", "orbiter.tasks", "orbiter.threads"),
    ("orbiter.config", "orbiter.store"),
    ("orbiter.lockset", "orbiter.oci"),
    ("orbiter.render", "orbiter.docker", "orbiter.lockfiles"),
    ("orbiter.assembly", "orbiter.fetch", "orbiter.lint", "orbiter.sbom"),
    ("orbiter.archive", "orbiter.attest", "orbiter.diff", "orbiter.images", "orbiter.licences"),
    (
        "orbiter.advisories",
        "orbiter.audit",
        "orbiter.image_tests",
        "orbiter.locking",
        "orbiter.build",
        "orbiter.doctor",
        "orbiter.query",
    ),
    (
        "orbiter.release",
        "orbiter.convert",
        "orbiter.edit",
        "orbiter.platforms",
        "orbiter.report",
    ),
    ("orbiter.cli",),
    ("orbiter.__main__",),
)
"""The packages of Orbiter, lowest layer first."""

RESOLVERS = (
    (
        "resolvers",
        "resolvers.types",
        "resolvers.errors",
        "resolvers.redaction",
        "resolvers.yaml_depth",
    ),
    ("resolvers.scratch",),
    ("resolvers.cache", "resolvers.process", "resolvers.overwrites"),
    ("resolvers.net", "resolvers.distro", "resolvers.git"),
    ("resolvers.index", "resolvers.apk", "resolvers.apt"),
    ("resolvers.uv_program",),
    ("resolvers.npm", "resolvers.conda", "resolvers.pip"),
    ("resolvers.managers",),
)
"""The packages of the resolvers, lowest layer first."""

LAYERS = {
    package: layer
    for layers in (ORBITER, RESOLVERS)
    for layer, packages in enumerate(layers)
    for package in packages
}
MODULES = [path for top in ("orbiter", "resolvers") for path in sorted((ROOT / top).rglob("*.py"))]


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _package(module: str) -> str:
    """Return the package or top-level module of the tables above that a module belongs to."""
    return ".".join(module.split(".")[:2])


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each imported module of the project."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            for name in node.names:
                module = f"{base}.{name.name}"
                is_module = (ROOT / (module.replace(".", "/") + ".py")).exists()
                yield node.lineno, module if is_module else base


@pytest.mark.parametrize("path", MODULES, ids=[_module(path) for path in MODULES])
def test_imports_run_downward(path: Path) -> None:
    importer = _package(_module(path))
    wrong = []
    for line, module in _imports(path):
        imported = _package(module)
        if imported not in LAYERS or imported == importer:
            continue
        upward = module.startswith("orbiter") and importer.startswith("resolvers")
        same_tree = imported.split(".")[0] == importer.split(".")[0]
        if upward or (same_tree and LAYERS[imported] >= LAYERS[importer]):
            wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong


def test_every_package_has_a_layer() -> None:
    assert {_package(_module(path)) for path in MODULES} <= LAYERS.keys()


def test_every_package_says_what_it_is_for() -> None:
    packages = {path.parent for path in MODULES}
    for package in packages:
        assert ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize(("root", "layers"), [("orbiter", ORBITER), ("resolvers", RESOLVERS)])
def test_the_documentation_has_the_same_layers(root: str, layers: tuple[tuple[str, ...]]) -> None:
    page = (ROOT / "docs" / "explanation" / "design.md").read_text(encoding="utf-8")
    table = page.partition(f"| layer | packages of `{root}/` |\n|---|---|\n")[2].partition("\n\n")[
        0
    ]
    documented = [re.findall(r"`(\w+)`", row) for row in reversed(table.splitlines())]
    names = [[name.partition(".")[2] for name in layer] for layer in layers]
    without_root = [sorted({*layer} - {"", "__main__"}) for layer in names]
    assert list(map(sorted, documented)) == [layer for layer in without_root if layer]


@pytest.mark.parametrize(("root", "layers"), [("orbiter", ORBITER), ("resolvers", RESOLVERS)])
def test_the_picture_has_the_same_layers(root: str, layers: tuple[tuple[str, ...]]) -> None:
    picture = (ROOT / "docs" / "explanation" / "packages.svg").read_text(encoding="utf-8")
    column = picture.partition(f">{root}/</text>")[2].partition(' style="font-weight:600">')[0]
    box = r'<rect class="(\w+)" x="\d+" y="(\d+)"[^>]*/>\n<text [^>]*>(\w+)</text>'
    drawn: dict[int, set[str]] = {}
    for kind, height, name in re.findall(box, column):
        drawn.setdefault(int(height), set()).add(name)
        assert kind == ("data" if (ROOT / root / name).is_dir() else "outer"), name
    names = [{name.partition(".")[2] for name in layer} - {"", "__main__"} for layer in layers]
    assert [drawn[height] for height in sorted(drawn, reverse=True)] == [
        row for row in names if row
    ]


def test_the_picture_shows_every_package_and_module() -> None:
    picture = (ROOT / "docs" / "explanation" / "packages.svg").read_text(encoding="utf-8")
    shown = re.findall(r'<text [^>]*text-anchor="middle">([a-z_]+)</text>', picture)
    packages = [_package(_module(path)) for path in MODULES]
    expected = {package.partition(".")[2] for package in packages} - {"", "__main__"}
    assert {*shown} - {"imports"} == expected


def test_only_one_module_runs_git() -> None:
    found = [
        _module(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.List)
        and node.elts
        and isinstance(node.elts[0], ast.Constant)
        and node.elts[0].value == "git"
    ]
    assert found == ["resolvers.git"]


def test_every_tar_file_that_is_read_has_checked_entries() -> None:
    unchecked = [
        f"{_module(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _reads_tar(node)
    ]
    assert unchecked == []


def _reads_tar(call: ast.Call) -> bool:
    """Return whether a call opens a tar file to read it without checking its entries."""
    if ast.unparse(call.func) != "tarfile.open":
        return False
    values = [*call.args[1:], *(each.value for each in call.keywords)]
    written = any(isinstance(each, ast.Constant) and each.value in {"w", "x"} for each in values)
    return not written and all(each.arg != "tarinfo" for each in call.keywords)
