"""Trimmed environments of real packages still work."""

import sys
from pathlib import Path

import msgspec
import pytest

from orbiter.assembly.trim import Trimmed
from resolvers import process, uv_program
from resolvers.npm import program as npm
from tests.support.trim_trees import trim_environment
from tests.support.wheel_index import installable_wheel

pytestmark = pytest.mark.index

PIP = (
    "jupyterlab",  # imports its own tests
    "matplotlib",
    "mpmath",  # imports its own tests
    "networkx",  # has an entry point in its tests
    "numpy",
    "pandas",
    "pip",
    "scikit-image",  # reads its own type stubs
    "selenium",  # has programs of three systems
    "setuptools",
)
NPM = ("bl@6", "minimist@1", "npm@10")
IMPORTED = ("numpy", "pandas", "skimage")

FAILING_IMPORTS = """
import importlib, json, os, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
output, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1)
folder, *packages = sys.argv[1:]
failing = {}
for package in packages:
    for path in sorted(Path(folder, package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if {"test", "tests", "conftest", "__main__"} & {*parts}:
            continue
        name = ".".join(part for part in parts if part != "__init__")
        try:
            importlib.import_module(name)
        except BaseException as error:
            failing[name] = type(error).__name__
os.write(output, json.dumps(failing).encode())
os._exit(0)
"""


class Environment(msgspec.Struct, frozen=True):
    """A trimmed virtual environment, and the modules that could not be imported before."""

    root: Path
    trimmed: Trimmed
    failing: str

    def run(self, *arguments: str | Path) -> str:
        return _run(self.root, *arguments)

    def removed(self, rule: str) -> set[str]:
        """Return the removed paths below the folder of Python packages."""
        paths = self.trimmed.removed[rule]
        return {path.partition("/site-packages/")[2] for path in paths}


def _run(root: Path, *arguments: str | Path) -> str:
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    return process.run(
        [root / "bin/python", *arguments],
        cwd=home,
        env={"HOME": str(home), "MPLBACKEND": "agg", "PYTHONPYCACHEPREFIX": str(home / "cache")},
    )


def _packages(root: Path) -> Path:
    (folder,) = root.glob("lib/python3*/site-packages")
    return folder


def _failing(root: Path) -> str:
    return _run(root, "-c", FAILING_IMPORTS, _packages(root), *IMPORTED)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    root = tmp_path_factory.mktemp("trim") / "env"
    uv_program.run(["venv", "--python", sys.executable, root])
    # Copies, because removing a link must not change uv's cache.
    options = ["--only-binary", ":all:", "--link-mode", "copy"]
    uv_program.run(["pip", "install", "--python", root / "bin/python", *options, *PIP])
    failing = _failing(root)
    return Environment(root, trim_environment(root), failing)


def test_every_module_is_imported_as_before(environment: Environment) -> None:
    assert _failing(environment.root) == environment.failing


PROGRAMS = {
    "numpy": "import numpy.testing, numpy.f2py; numpy.testing.assert_allclose(numpy.ones(2), 1)",
    "pandas": (
        "import io, pandas, pandas.testing as testing\n"
        "table = pandas.read_csv(io.StringIO('a,b\\n1,2\\n'))\n"
        "testing.assert_frame_equal(table, table.copy())"
    ),
    "matplotlib": (
        "import io, matplotlib.pyplot as plot, matplotlib.testing.compare\n"
        "plot.plot([1, 2]); plot.savefig(io.BytesIO())"
    ),
    "scikit-image": "from skimage import data, filters; assert filters.sobel(data.coins()).any()",
    "networkx": "import networkx; assert networkx.is_connected(networkx.path_graph(4))",
    "mpmath": "import mpmath; assert mpmath.mpf(2) ** 2 == 4",
    "jedi": (
        "import jedi\n"
        "names = [each.name for each in jedi.Script('import os; os.getc').complete()]\n"
        "assert 'getcwd' in names, names"
    ),
    "setuptools": "import setuptools.command.bdist_wheel, setuptools.build_meta",
    "jupyterlab": "import jupyterlab.browser_check, jupyterlab.labapp",
    "nbconvert": (
        "import nbformat, nbconvert\n"
        "cell = nbformat.v4.new_markdown_cell('# Title')\n"
        "page, _ = nbconvert.HTMLExporter().from_notebook_node(\n"
        "    nbformat.v4.new_notebook(cells=[cell]))\n"
        "assert 'Title' in page"
    ),
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_trimmed_package_works(environment: Environment, name: str) -> None:
    environment.run("-W", "error::ImportWarning", "-c", PROGRAMS[name])


def test_pip_installs_and_removes_packages(environment: Environment, tmp_path: Path) -> None:
    name, content = installable_wheel("orbit_example", "1.0", "answer = 42")
    (tmp_path / name).write_bytes(content)
    environment.run("-m", "pip", "install", "--no-index", tmp_path / name)
    environment.run("-c", "import orbit_example")
    # Its type stubs are listed, but no longer there.
    assert "numpy/__init__.pyi" in environment.removed("type-stubs")
    environment.run("-m", "pip", "uninstall", "--yes", "orbit_example", "mpmath")
    environment.run("-m", "pip", "check")


def test_tests_go_unless_the_package_needs_them(environment: Environment) -> None:
    removed = environment.removed("tests")
    assert removed >= {"pandas/tests/", "numpy/_core/tests/", "matplotlib/tests/"}
    assert "jupyterlab/galata/" in removed
    packages = _packages(environment.root)
    for path in ("jupyterlab/tests/test_app.py", "networkx/classes/tests/dispatch_interface.py"):
        assert (packages / path).is_file()


def test_programs_of_other_systems_go(environment: Environment) -> None:
    assert environment.removed("other-platforms") >= {
        "selenium/webdriver/common/macos/",
        "selenium/webdriver/common/windows/",
        "selenium/webdriver/common/linux-arm64/",
        "pip/_vendor/distlib/t64.exe",
        "setuptools/cli.exe",
    }
    assert (_packages(environment.root) / "selenium/webdriver/common/linux-x86_64").is_dir()


def test_stubs_that_packages_read_stay(environment: Environment) -> None:
    packages = _packages(environment.root)
    assert (packages / "skimage/__init__.pyi").is_file()
    assert list((packages / "jedi/third_party/typeshed/stdlib").glob("os/*.pyi"))


def test_every_licence_stays(environment: Environment) -> None:
    gone = {path for paths in environment.trimmed.removed.values() for path in paths}
    records = _packages(environment.root).glob("*.dist-info/licenses/**/*")
    assert len(list(records)) > len(PIP)
    assert not [path for path in gone if "license" in path.lower()]


def test_npm_packages_work(tmp_path: Path) -> None:
    root = tmp_path / "env"
    folder = root / "lib/npm"
    folder.mkdir(parents=True)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    process.run([*npm.command(), "install", *options, *NPM], cwd=folder, name="npm")
    removed = {
        path.removeprefix("opt/env/lib/npm/node_modules/")
        for path in trim_environment(root).removed["tests"]
    }
    assert {"bl/test/", "minimist/test/"} <= removed
    code = "require('bl'); require('minimist')"
    process.run(["node", "-e", code], cwd=folder)
    version = process.run(["node", "node_modules/npm/bin/npm-cli.js", "--version"], cwd=folder)
    assert version.startswith("10.")
