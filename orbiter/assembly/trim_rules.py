"""The rules of trimming: which files each of them removes. Pure.

``docs/how-to/trim.md`` describes them for people.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from orbiter.assembly.executables import is_for_another_platform
from orbiter.assembly.trim_folders import (
    NPM_DOCS,
    NPM_TESTS,
    unused_npm_folders,
    unused_python_tests,
)
from orbiter.assembly.trim_view import View, npm_package, split_python

Rule = Callable[[View], Iterator[str]]
"""Yields the paths that it removes."""

GALATA = "jupyterlab/galata/"
"""Tools of JupyterLab for tests of extensions, whose folder has another name."""

_MAPPED = (".cjs", ".css", ".cts", ".js", ".mjs", ".mts", ".ts")
_FOREIGN = (".bundle", ".dll", ".dylib", ".exe", ".node", ".pdb", ".pyd", ".so")
_CATALOGUE = re.compile(r"(?:^|/)([^/]+)/LC_MESSAGES/[^/]+\.(?:js|json|mo|po|pot)$")
_ENGLISH = re.compile(r"(?:C|POSIX|en)(?:[-_.@].*)?$")
_TEMPLATE = re.compile(r"(?:^|/)locales?/(?:[^/]+/LC_MESSAGES/)?[^/]+\.pot$")
_LANGUAGE_PACK = re.compile(r"language[-_]?pack|-l10n-|-lang$")
_DOCS = re.compile(r"(?:opt/env|usr|usr/local)/(?:share/)?(?:doc|gtk-doc|help|info|lintian|man)/")
_LIBTOOL = re.compile(r"(?:^|/)lib(?:32|64)?(?:/[^/]+-linux-[^/]+)?/[^/]+\.la$")
_START_FILE = re.compile(r"(?:^|/)usr/lib(?:32|64)?(?:/[^/]+)?/crt1\.o$")
_TOOLCHAINS = re.compile(r"/(?:ghc[^/]*|go|ocaml|rustlib)/")
_STUBS = re.compile(r"[^/]+-stubs/")
_READS_STUBS = (b"attach_stub", b".pyi")


def _tests(view: View) -> Iterator[str]:
    yield from unused_python_tests(view)
    yield from unused_npm_folders(view, NPM_TESTS)
    for path in view.own:
        if GALATA in path and split_python(path)[1].startswith(GALATA):
            yield path


def _docs(view: View) -> Iterator[str]:
    yield from unused_npm_folders(view, NPM_DOCS)
    for path, entry in view.own.items():
        # A link in usr/share/doc leads to the copyright file of another package.
        if entry.kind != "link" and _DOCS.match(path):
            yield path


def _locales(view: View) -> Iterator[str]:
    for path in view.own:
        if _is_foreign(path) and not _is_language_pack(view, path):
            yield path


def _is_foreign(path: str) -> bool:
    """Return whether a file is the catalogue of another language than English, or a template."""
    match = _CATALOGUE.search(path) if "/LC_MESSAGES/" in path else None
    if match and not _ENGLISH.match(match[1]):
        return True
    return ".pot" in path and bool(_TEMPLATE.search(path))


def _is_language_pack(view: View, path: str) -> bool:
    """Return whether a file belongs to a package that is only installed for its language."""
    return bool(_LANGUAGE_PACK.search(f"{path}\n{view.owner.get(path, '')}"))


def _source_maps(view: View) -> Iterator[str]:
    for path in view.own:
        if path.endswith(".map") and not view.own.keys().isdisjoint(_mapped(path)):
            yield path


def _mapped(path: str) -> tuple[str, ...]:
    """Return the files that a source map may belong to."""
    stem = path.removesuffix(".map")
    if stem.endswith(".min"):
        return f"{stem}.js", f"{stem}.css"
    return (stem,) if stem.endswith(_MAPPED) else ()


def _other_platforms(view: View) -> Iterator[str]:
    for path in view.own:
        if _may_be_program(path) and is_for_another_platform(view.text(path), view.platform):
            yield path


def _may_be_program(path: str) -> bool:
    """Return whether a file of a Python or npm package has the name of a program or library."""
    name = path.rpartition("/")[2]
    if "-packages/" not in path and not npm_package(path):
        return False
    return "." not in name or name.lower().endswith(_FOREIGN)


def _type_stubs(view: View) -> Iterator[str]:
    # Stubs without a module are data, such as those that jedi and mypy read.
    modules = set()
    for path in view.own:
        if path.endswith((".py", ".so")):
            folder, _, name = path.rpartition("/")
            modules.add(f"{folder}/{name.partition('.')[0]}.pyi")
    for path in view.own:
        is_stub = path in modules and not _is_read(view, path)
        if is_stub or ("-stubs/" in path and _STUBS.match(split_python(path)[1])):
            yield path


def _is_read(view: View, stub: str) -> bool:
    """Return whether a module reads its own stub, as those that use lazy_loader do."""
    text = view.text(stub.removesuffix("i"))
    return any(word in text for word in _READS_STUBS)


def _static_libraries(view: View) -> Iterator[str]:
    # A C compiler also needs static libraries, and crt1.o is part of every one.
    has_compiler = any("crt1.o" in path and _START_FILE.search(path) for path in view.own)
    for path in view.own:
        is_archive = path.endswith(".a") and not has_compiler and not _TOOLCHAINS.search(path)
        if is_archive or (".la" in path and _LIBTOOL.search(path)):
            yield path


RULES: Mapping[str, Rule] = {
    "tests": _tests,
    "docs": _docs,
    "locales": _locales,
    "source-maps": _source_maps,
    "other-platforms": _other_platforms,
    "type-stubs": _type_stubs,
    "static-libraries": _static_libraries,
}
"""The rules that remove files, by name. Rules for folders come first."""
