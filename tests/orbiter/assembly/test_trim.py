"""Every rule of trimming: what it removes, and what it keeps."""

import json
import struct
from typing import Literal

import msgspec
import pytest

from orbiter.assembly.tree import Content, Entry
from orbiter.assembly.trim import trimmed_list
from orbiter.assembly.trim_rules import RULES
from tests.support.trim_trees import NOWHERE, PACKAGES, Stage, file, in_packages, removed

MODULES = "opt/env/lib/npm/node_modules"
LARGE = b"x" * 4096
MACH_O = b"\xcf\xfa\xed\xfe" + bytes(60)
ELF = b"\x7fELF\2\1\1" + bytes(11) + b"\x3e\0" + bytes(44)  # for x86-64


def portable_executable(*, subsystem: int = 3, cli_header: int = 0) -> bytes:
    """Return a program in the format of Windows."""
    tables = [0] * 32
    tables[28] = cli_header
    optional = struct.pack("<H66xH38xI", 0x20B, subsystem, 16) + struct.pack("<32I", *tables)
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(20) + optional


def python_tests(importer: str, path: str = "example/core.py") -> set[str]:
    """Return what remains of a folder with tests, if a file outside has this text."""
    tests = in_packages({"example/tests/__init__.py": "", "example/tests/util.py": ""})
    return removed(in_packages({path: importer}) | tests, "tests")


ALL_TESTS = {f"{PACKAGES}/example/tests/__init__.py", f"{PACKAGES}/example/tests/util.py"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import example",
        "from . import testing",
        "# See example.tests.util",
        '"""The tests are in :mod:`example.tests.util`."""',
        "print('python -m example.tests')",
        "import other.tests.util",
        "from ..tests import util",
    ],
)
def test_a_folder_with_tests_goes_if_nothing_imports_it(text: str) -> None:
    assert python_tests(text) == ALL_TESTS


@pytest.mark.parametrize(
    "text",
    [
        "from .tests import util",
        "from .tests.util import load",
        "from . import tests",
        "from . import (\n    core,\n    tests,\n)",
        "    from example.tests import util",
        "from example import tests",
        "import example.tests.util",
        "\nimport example.tests as tests",
        ">>> from example.tests.util import data",
        "load('example.tests.util')",
        'DATA = "tests/data.csv"',
    ],
)
def test_a_folder_with_tests_stays_if_a_module_imports_it(text: str) -> None:
    assert python_tests(text) == set()


def test_tests_stay_if_an_entry_point_names_them() -> None:
    text = "[networkx.backends]\nloopback = example.tests.util:dispatcher\n"
    assert python_tests(text, "example-1.0.dist-info/entry_points.txt") == set()


def test_a_conftest_does_not_count_because_only_pytest_imports_it() -> None:
    assert python_tests("from .tests import util", "example/conftest.py") == ALL_TESTS


def test_tests_that_used_tests_import_stay_too() -> None:
    files = {
        "one/core.py": "from .tests import a",
        "one/tests/a.py": "from two.tests.b import c",
        "two/tests/b.py": "from .deep.tests import d",
        "two/tests/deep/tests/d.py": "",
        "three/tests/e.py": "from one.tests import a",
    }
    assert removed(in_packages(files), "tests") == {f"{PACKAGES}/three/tests/e.py"}


def test_folders_with_other_names_and_folders_of_data_stay() -> None:
    files = {
        "example/testing/__init__.py": "",
        "example/static/test/page.html": "",
        "stubs/test/client.pyi": "",
        "example/tests.py": "",
    }
    assert removed(in_packages(files), "tests") == set()


def test_tests_of_python_itself_go() -> None:
    library = "usr/lib/python3.13"
    files = {
        f"{library}/test/support/__init__.py": "",
        f"{library}/test/__init__.py": "",
        f"{library}/idlelib/idle_test/test_run.py": "",
        f"{library}/unittest/case.py": "# It runs everything from tests, import or not.",
        f"{library}/doctest.py": "",
    }
    tests = {f"{library}/test/support/__init__.py", f"{library}/test/__init__.py"}
    idle_test = {f"{library}/idlelib/idle_test/test_run.py"}
    assert removed(files, "tests") == tests | idle_test
    user = {f"{PACKAGES}/example.py": "from test.support import requires"}
    assert removed(files | user, "tests") == idle_test


def test_jupyterlab_loses_its_tools_for_tests() -> None:
    files = {"jupyterlab/galata/index.js": "", "jupyterlab/labapp.py": "pjoin(HERE, 'galata')"}
    assert removed(in_packages(files), "tests") == {f"{PACKAGES}/jupyterlab/galata/index.js"}


NPM_FILES = {
    f"{MODULES}/one/index.js": "",
    f"{MODULES}/one/package.json": '{"directories": {"test": "./test"}}',
    f"{MODULES}/one/test/index.js": "require('../index.js')",
    f"{MODULES}/one/lib/__tests__/a.js": "",
    f"{MODULES}/one/lib/test/a.js": "",
    f"{MODULES}/one/docs/a.md": "",
    f"{MODULES}/@scope/test/index.js": "",
    f"{MODULES}/test/index.js": "",
}


def test_tests_and_documentation_of_npm_packages_go() -> None:
    tests = {f"{MODULES}/one/test/index.js", f"{MODULES}/one/lib/__tests__/a.js"}
    assert removed(NPM_FILES, "tests") == tests
    assert removed(NPM_FILES, "docs") == {f"{MODULES}/one/docs/a.md"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("index.js", "require('./test')"),
        ("lib/a.mjs", 'import x from "../test/index.js"'),
        ("lib/b.cjs", "require(`../test/${name}`)"),
        ("package.json", '{"main": "test/index.js"}'),
        ("package.json", '{"exports": {".": {"import": ["./test/index.js"]}}}'),
    ],
)
def test_folders_that_npm_packages_use_stay(path: str, text: str) -> None:
    contents = NPM_FILES | {f"{MODULES}/one/{path}": text}
    assert removed(contents, "tests") == {f"{MODULES}/one/lib/__tests__/a.js"}


def test_an_unreadable_package_json_names_nothing() -> None:
    contents = NPM_FILES | {f"{MODULES}/one/package.json": "["}
    assert f"{MODULES}/one/test/index.js" in removed(contents, "tests")


def test_source_maps_go_if_they_are_beside_their_file() -> None:
    files = {
        "example/static/a.js": "",
        "example/static/a.js.map": "{}",
        "example/static/b.min.css": "",
        "example/static/b.min.map": "{}",
        "example/static/c.js.map": "{}",
        "example/world.map": "",
        "example/world": "",
    }
    names = ("a.js.map", "b.min.map")
    expected = {f"{PACKAGES}/example/static/{name}" for name in names}
    assert removed(in_packages(files), "source-maps") == expected


def test_programs_of_windows_and_macos_go_by_their_content() -> None:
    files: dict[str, str | bytes] = {
        "example/macos/manager": MACH_O,
        "example/attach.dylib": b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(60),
        "example/launcher.exe": portable_executable(),
        "example/launcher.pdb": b"Microsoft C/C++ MSF 7.00\r\n",
    }
    assert removed(in_packages(files), "other-platforms") == set(in_packages(files))


def test_prebuilt_npm_addons_of_other_systems_go() -> None:
    folder = f"{MODULES}/example/prebuilds"
    files = {f"{folder}/darwin-x64/a.node": MACH_O, f"{folder}/linux-x64/a.node": ELF}
    assert removed(files, "other-platforms") == {f"{folder}/darwin-x64/a.node"}


def test_files_that_only_look_like_programs_of_other_systems_stay() -> None:
    files = in_packages(
        {
            "example/linux/manager": ELF,
            "example/water.pdb": "HETATM    1  O   HOH",
            "example/A": b"\xca\xfe\xba\xbe\0\0\0\x41",
            "example/short.exe": b"MZ",
            "example/cut.exe": portable_executable()[:100],
            "example/old.exe": b"MZ" + bytes(98),
            "example/Assembly.dll": portable_executable(cli_header=8192),
            "example/boot.exe": portable_executable(subsystem=10),
        }
    )
    system = {"usr/lib/wine/kernel32.dll": portable_executable(), "usr/bin/tool": MACH_O}
    assert removed(files | system, "other-platforms") == set()


def elf(machine: int, encoding: int = 1) -> bytes:
    order: Literal["little", "big"] = "little" if encoding == 1 else "big"
    return ELF[:5] + bytes([encoding]) + ELF[6:18] + machine.to_bytes(2, order) + ELF[20:]


@pytest.mark.parametrize(
    ("platform", "gone"),
    [
        ("linux/amd64", {"arm64", "s390x"}),
        ("linux/arm64", {"x86_64", "s390x"}),
        ("linux/arm/v7", set()),
        ("", set()),
    ],
)
def test_programs_of_other_processors_go(platform: str, gone: set[str]) -> None:
    programs = {
        "x86_64": ELF,
        "arm64": elf(183),
        "s390x": elf(22, encoding=2),
        "cuda": elf(190),
        "short": ELF[:8],
    }
    stage = Stage(in_packages({f"example/{name}": data for name, data in programs.items()}))
    kept = stage.trim("other-platforms", platform=platform).entries
    assert {name for name in programs if f"{PACKAGES}/example/{name}" not in kept} == gone


def test_large_files_are_not_read_for_their_system() -> None:
    path = f"{PACKAGES}/example/model.so"
    stage = Stage({path: MACH_O})
    content = Content(digest="", size=10**9, source=NOWHERE, offset=0)
    stage.own[path] = msgspec.structs.replace(stage.own[path], content=content)
    assert path in stage.trim("other-platforms").entries


def test_type_stubs_go_if_they_are_beside_their_module() -> None:
    files: dict[str, str | bytes] = {
        "example/a.py": "",
        "example/a.pyi": "",
        "example/b.cpython-313-x86_64-linux-gnu.so": ELF,
        "example/b.pyi": "",
        "example/py.typed": "",
        "pandas-stubs/core/frame.pyi": "",
        "jedi/third_party/typeshed/stdlib/os.pyi": "",
        "jedi/third_party/django-stubs/django-stubs/apps.pyi": "",
    }
    gone = ("example/a.pyi", "example/b.pyi", "pandas-stubs/core/frame.pyi")
    assert removed(in_packages(files), "type-stubs") == {f"{PACKAGES}/{path}" for path in gone}


@pytest.mark.parametrize("text", ["lazy.attach_stub(__name__, __file__)", "open('__init__.pyi')"])
def test_a_stub_that_its_module_reads_stays(text: str) -> None:
    files = {"skimage/__init__.py": text, "skimage/__init__.pyi": "from . import data"}
    assert removed(in_packages(files), "type-stubs") == set()


def test_static_libraries_go_without_a_compiler() -> None:
    files = {
        "opt/env/lib/libz.a": "",
        "usr/lib/x86_64-linux-gnu/libz.la": "",
        "usr/lib/x86_64-linux-gnu/ImageMagick-7/coders/png.la": "",
        "opt/env/go/pkg/linux_amd64/fmt.a": "",
        "opt/env/lib/rustlib/x86_64/lib/libstd.a": "",
    }
    archives = {"opt/env/lib/libz.a"}
    assert removed(files, "static-libraries") == archives | {"usr/lib/x86_64-linux-gnu/libz.la"}
    compiler = {"usr/lib/x86_64-linux-gnu/crt1.o": ""}
    assert not archives & removed(files | compiler, "static-libraries")


def test_documentation_goes_without_copyright_files() -> None:
    files = {
        "usr/share/doc/bash/README": "",
        "usr/share/doc/bash/copyright": "",
        "usr/share/man/man1/bash.1.gz": "",
        "usr/share/info/bash.info.gz": "",
        "opt/env/share/gtk-doc/html/index.html": "",
        "opt/env/man/man1/tool.1": "",
        "usr/share/documents/a": "",
        "opt/app/doc/a": "",
    }
    kept = {"usr/share/doc/bash/copyright", "usr/share/documents/a", "opt/app/doc/a"}
    assert removed(files, "docs") == files.keys() - kept


def test_folders_that_alternatives_link_into_stay() -> None:
    stage = Stage({"usr/share/man/man1/a.1": "", "opt/env/share/man/man1/b.1": ""})
    entries = stage.trim("docs").entries
    assert "usr/share/man/man1" in entries
    assert "opt/env/share" not in entries


def test_links_to_the_documentation_of_another_package_stay() -> None:
    stage = Stage({"usr/share/doc/gcc-base/copyright": ""})
    link = Entry(kind="link", mode=0o777, uid=0, gid=0, target="gcc-base")
    stage.own["usr/share/doc/gcc"] = link
    assert "usr/share/doc/gcc" in stage.trim("docs").entries


def test_catalogues_of_other_languages_go() -> None:
    catalogues = "example/locale"
    files = {
        f"{catalogues}/de/LC_MESSAGES/example.mo": "",
        f"{catalogues}/pt_BR/LC_MESSAGES/example.po": "",
        f"{catalogues}/en_GB/LC_MESSAGES/example.mo": "",
        f"{catalogues}/C/LC_MESSAGES/example.mo": "",
        f"{catalogues}/es/LC_MESSAGES/formats.py": "",
        f"{catalogues}/example.pot": "",
        "example/power.pot": "",
        "babel/locale-data/de.dat": "",
    }
    gone = ("de/LC_MESSAGES/example.mo", "pt_BR/LC_MESSAGES/example.po", "example.pot")
    expected = {f"{PACKAGES}/{catalogues}/{path}" for path in gone}
    assert removed(in_packages(files), "locales") == expected


@pytest.mark.parametrize(
    "owner", ["pip:jupyterlab-language-pack-fr-fr", "apt:language-pack-de", "apk:bash-lang"]
)
def test_catalogues_stay_in_packages_for_a_language(owner: str) -> None:
    files = {"usr/share/locale/de/LC_MESSAGES/bash.mo": ""}
    assert removed(files, "locales", owner=owner) == set()


@pytest.mark.parametrize(
    "name", ["LICENSE", "LICENCE.txt", "UNLICENSE", "COPYING.LESSER", "NOTICE", "AUTHORS.md"]
)
def test_licences_stay_in_every_folder_that_goes(name: str) -> None:
    files = {"example/tests/a.py": "", f"example/tests/{name}": ""}
    assert removed(in_packages(files)) == {f"{PACKAGES}/example/tests/a.py"}


OWN_PLACES = {
    "home/jovyan/lib/python3.13/site-packages/a/tests/b.py": "",
    "srv/node_modules/a/test/b.js": "",
    "etc/node_modules/a/test/b.js": "",
    "usr/local/share/doc/x": "",
    "opt/app/lib/python3.13/site-packages/a/tests/b.py": "",
}


def test_only_files_of_packages_go() -> None:
    assert removed(OWN_PLACES, owner="") == set()


def test_files_of_people_stay_even_if_a_package_has_them() -> None:
    left = OWN_PLACES.keys() - removed(OWN_PLACES, owner="apt:example")
    assert {path.partition("/")[0] for path in left} == {"home", "srv", "etc"}


def test_files_without_a_known_package_go_below_usr_and_opt_env() -> None:
    files = {"usr/share/doc/x": "", f"{PACKAGES}/a/tests/b.py": ""}
    assert removed(files, owner="") == files.keys()


def test_own_files_and_downloads_stay() -> None:
    files = in_packages({"a/tests/b.py": "", "a/tests/c.py": ""})
    stage = Stage(files, owner="")
    assert f"{PACKAGES}/a/tests/b.py" in stage.trim(keep=[f"{PACKAGES}/a/tests/b.py"]).entries
    assert stage.trim(keep=["opt/env/lib"]).entries == stage.own


def test_packages_in_the_folder_of_a_download_are_trimmed() -> None:
    stage = Stage(in_packages({"a/tests/b.py": ""}))
    assert f"{PACKAGES}/a/tests/b.py" not in stage.trim(keep=["opt/env"]).entries


def test_a_folder_that_goes_completely_is_listed_once() -> None:
    files = {
        "a/__init__.py": "",
        "a/tests/__init__.py": "",
        "a/tests/data/x.csv": "",
        "a/tests/empty/": "",
        "b/tests/test_b.py": "",
        "b/tests/LICENSE": "",
    }
    trimmed = Stage(in_packages(files)).trim("tests")
    expected = (f"{PACKAGES}/a/tests/", f"{PACKAGES}/b/tests/test_b.py")
    assert trimmed.removed == {"tests": expected}
    assert f"{PACKAGES}/a/tests/empty" not in trimmed.entries


def test_equal_files_of_a_package_become_hard_links() -> None:
    stage = Stage({"usr/a": LARGE, "usr/b": LARGE, "usr/c": LARGE, "usr/d": LARGE + b"d"})
    stage.own["usr/c"] = file(LARGE, mode=0o755)
    trimmed = stage.trim("duplicates")
    assert trimmed.linked == (("usr/a", "usr/b"),)
    assert trimmed.removed == {}
    inodes = {path: entry.inode for path, entry in trimmed.entries.items() if entry.inode}
    assert inodes == {"usr/a": 1, "usr/b": 1}


@pytest.mark.parametrize("content", [b"x" * 4095, b""])
def test_small_files_do_not_become_hard_links(content: bytes) -> None:
    stage = Stage({"usr/a": content, "usr/b": content})
    assert stage.trim("duplicates").entries == stage.own


def test_equal_files_of_two_packages_or_of_none_do_not_become_hard_links() -> None:
    stage = Stage({"usr/a": LARGE, "usr/b": LARGE, "usr/c": LARGE})
    stage.owner = {"usr/a": "apt:a", "usr/b": "apt:b"}
    assert stage.trim("duplicates").entries == stage.own


def test_hard_links_between_packages_stay() -> None:
    stage = Stage({f"usr/{name}": LARGE for name in "abcdef"})
    stage.owner = {f"usr/{name}": f"apt:{name in 'abc'}" for name in "abcdef"}
    for name, inode in {"a": 7, "d": 7, "b": 5, "e": 5}.items():
        stage.own[f"usr/{name}"] = file(LARGE, inode=inode)
    trimmed = stage.trim("duplicates")
    assert trimmed.linked == (("usr/a", "usr/b", "usr/c"), ("usr/d", "usr/e", "usr/f"))
    assert {entry.inode for entry in trimmed.entries.values() if entry.content} == {5}


def test_the_list_in_the_image_has_every_removed_path_by_rule() -> None:
    stage = Stage({"usr/share/doc/a": "", "usr/x": LARGE, "usr/y": LARGE})
    assert json.loads(trimmed_list(stage.trim())) == {
        "format": 1,
        "removed": {"docs": ["usr/share/"]},
        "linked": [["usr/x", "usr/y"]],
    }


def test_debug_symbols_are_not_removed_here() -> None:
    # A step of the Dockerfile strips them.
    stage = Stage({"usr/share/doc/a": "", "usr/x": LARGE, "usr/y": LARGE})
    assert stage.trim("debug-symbols").entries == stage.own


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_only_removes_files_by_its_own_name(rule: str) -> None:
    files = in_packages(
        {
            "a/tests/b.py": "",
            "a/a.js": "",
            "a/a.js.map": "",
            "a/a.exe": portable_executable(),
            "a/a.py": "",
            "a/a.pyi": "",
            "a/a.a": "",
            "a/de/LC_MESSAGES/a.mo": "",
        }
    )
    trimmed = Stage(files | {"usr/share/doc/a": ""}).trim(rule)
    assert list(trimmed.removed) == [rule]
    assert len(trimmed.removed[rule]) == 1
