"""Folders of packages that no program of the package uses, such as its tests. Pure.

A folder stays if a file outside such folders uses it, and so do the folders that its own files use.
Files are searched for imports and for names in quotes, which may say more than what really runs.
"""

import posixpath
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from orbiter.assembly.trim_view import View, npm_package, parents, split_python

PYTHON_TESTS = frozenset({"idle_test", "test", "tests"})
JEST = "__tests__"
NPM_TESTS = frozenset({JEST, "test", "tests"})
NPM_DOCS = frozenset({"doc", "docs", "example", "examples", "man"})
"""Names of folders directly in a package; those of Jest may be anywhere in it."""

# Each expression begins with characters that are easy to find, which is ten times faster.
# Nothing is tried twice, so that the time is in proportion to the length of a file.
_FROM = re.compile(rb"from[ \t]++(\.*+)([\w.]*+)[ \t]++import[ \t]++(\([^)]{0,2000}|[^\n]{0,2000})")
_IMPORT = re.compile(rb"import[ \t]+([\w.]+)")
_NAME = re.compile(rb"\.(?:tests?|idle_test)(?!\w)")
_PATH = re.compile(rb"tests?/")
_WORD = re.compile(rb"\w+")
_QUOTES = (b"'", b'"')
_NAME_CHARACTERS = b"._" + string.ascii_letters.encode() + string.digits.encode()
_LONGEST_NAME = 200
_REFERENCE = re.compile(rb"\.\.?/[\w@./-]{0,300}")
_SCRIPTS = (".cjs", ".js", ".mjs")
_SEARCHED = (".py", *_SCRIPTS)
_ENTRY_POINTS = "-info/entry_points.txt"
_ENTRY_KEYS = ("bin", "browser", "exports", "imports", "main", "module")

Uses = Callable[[str, bytes], Iterable[str]]
"""Returns the folders that a file uses."""


def unused_python_tests(view: View) -> Iterator[str]:
    """Yield everything in folders with tests of Python and of Python packages."""
    with_modules = {path.rpartition("/")[0] for path in view.own if path.endswith(".py")}
    folders: dict[str, list[str]] = defaultdict(list)
    programs = []
    for path in view.own:
        folder = _python_tests(path, with_modules)
        if folder:
            folders[folder].append(path)
        elif _is_python(path):
            programs.append(path)
    by_name: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        by_name[split_python(folder)[1]].append(folder)
    uses = _PythonUses(by_name)
    yield from _unused(view, folders, programs, uses.of)


def _python_tests(path: str, with_modules: set[str]) -> str:
    """Return the highest folder with tests above a path; one without modules is data."""
    # Few paths have such a name, and looking for it is faster than what follows.
    if PYTHON_TESTS.isdisjoint(path.split("/")):
        return ""
    root, _ = split_python(path)
    if not root:
        return ""
    for folder in parents(path):
        name = folder.rpartition("/")[2]
        if len(folder) > len(root) and name in PYTHON_TESTS and folder in with_modules:
            return folder
    return ""


def _is_python(path: str) -> bool:
    """Return whether a file may use tests of others; only pytest imports a conftest."""
    if path.endswith("/conftest.py") or not path.endswith((".py", _ENTRY_POINTS)):
        return False
    return bool(split_python(path)[0])


class _PythonUses(msgspec.Struct, frozen=True):
    """Searches Python files for folders with tests, by their path below a folder of imports."""

    by_name: Mapping[str, list[str]]

    def of(self, path: str, text: bytes) -> Iterator[str]:
        if b"test" not in text:
            return
        for name in self._names(path, text):
            for prefix in (*parents(name), name):
                yield from self.by_name.get(prefix, ())

    def _names(self, path: str, text: bytes) -> Iterator[str]:
        """Yield the paths of modules and folders that a file may use."""
        folder = posixpath.dirname(split_python(path)[1])
        yield from _imports(folder, text)
        for match in _NAME.finditer(text):
            before = _before(text, match)
            start = before.rstrip(_NAME_CHARACTERS)
            if start.endswith(_QUOTES) or path.endswith(_ENTRY_POINTS):
                yield _path(before[len(start) :] + match[0])
        for match in _PATH.finditer(text):
            if _before(text, match).endswith(_QUOTES):
                name = match[0].decode().rstrip("/")
                yield f"{folder}/{name}"
                yield f"{folder.partition('/')[0]}/{name}"


def _imports(folder: str, text: bytes) -> Iterator[str]:
    """Yield the paths of the modules that a file in a folder imports, as far as they are tests."""
    for match in _FROM.finditer(text):
        dots, module, names = match.groups()
        if b"test" in match[0]:
            parts = folder.split("/") if dots else []
            start = "/".join([*parts[: len(parts) + 1 - len(dots)], _path(module)]).strip("/")
            yield start
            yield from (f"{start}/{_path(name)}".lstrip("/") for name in _WORD.findall(names))
    for match in _IMPORT.finditer(text):
        if b"test" in match[1] and not _before(text, match).rpartition(b"\n")[2].strip(b" \t>"):
            yield _path(match[1])


def _before(text: bytes, match: re.Match[bytes]) -> bytes:
    """Return the text before a match, as far as a name may reach."""
    return text[max(0, match.start() - _LONGEST_NAME) : match.start()]


def _path(module: bytes) -> str:
    return module.decode(errors="replace").replace(".", "/")


def unused_npm_folders(view: View, names: frozenset[str]) -> Iterator[str]:
    """Yield everything in folders of npm packages that have one of the names."""
    folders: dict[str, list[str]] = defaultdict(list)
    programs: dict[str, list[str]] = defaultdict(list)
    for path in view.own:
        package = npm_package(path)
        folder = _npm_folder(path, package)
        if folder:
            folders[folder].append(path)
        elif path.endswith(_SCRIPTS) or path == f"{package}/package.json":
            programs[package].append(path)
    packages = {npm_package(folder) for folder in folders}
    scripts = [path for package in sorted(packages) for path in programs[package]]
    for path in _unused(view, folders, scripts, _NpmUses(folders).of):
        if posixpath.basename(_npm_folder(path, npm_package(path))) in names:
            yield path


def _npm_folder(path: str, package: str) -> str:
    """Return the folder with tests or documentation of a package that a path is in, "" for none."""
    if not package:
        return ""
    inner = path[len(package) + 1 :].split("/")[:-1]
    if not inner:
        return ""
    if inner[0] in NPM_TESTS | NPM_DOCS:
        return f"{package}/{inner[0]}"
    if JEST in inner:
        return "/".join((package, *inner[: inner.index(JEST) + 1]))
    return ""


class _NpmUses(msgspec.Struct, frozen=True):
    """Searches files of npm packages for folders."""

    folders: Mapping[str, list[str]]

    def of(self, path: str, text: bytes) -> Iterator[str]:
        for name in self._names(path, text):
            used = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            for folder in (*parents(used), used):
                if folder in self.folders:
                    yield folder

    def _names(self, path: str, text: bytes) -> Iterator[str]:
        if path.endswith("/package.json"):
            yield from _entry_points(text)
        else:
            for match in _REFERENCE.finditer(text):
                if _before(text, match).endswith((*_QUOTES, b"`")):
                    yield match[0].decode(errors="replace")


def _entry_points(text: bytes) -> Iterator[str]:
    """Yield the paths of the modules and programs that a package.json names."""
    try:
        document = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        yield from _strings([document.get(key) for key in _ENTRY_KEYS])


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))


def _unused(
    view: View, folders: Mapping[str, list[str]], programs: Iterable[str], uses: Uses
) -> Iterator[str]:
    """Yield the content of the folders that neither programs nor used folders use."""
    used: set[str] = set()
    pending = list(programs)
    while pending:
        path = pending.pop()
        for folder in uses(path, view.text(path)):
            if folder not in used:
                used.add(folder)
                pending += [path for path in folders[folder] if path.endswith(_SEARCHED)]
    for folder, paths in folders.items():
        if folder not in used:
            yield from paths
