"""Owners of files, by records of real packages and by invented ones."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Collection, Mapping
from importlib.metadata import distributions
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from orbiter.assembly import owners as module
from orbiter.assembly.owners import owners
from orbiter.assembly.tree import Entry
from tests.support.conda_packages import package
from tests.support.paths import TESTS
from tests.support.trees import folder, real_entry, real_tree, tree

SITE = "opt/env/lib/python3.13/site-packages"
INFO = "var/lib/dpkg/info"


Contents = Mapping[str, bytes | str]
"""Bytes of files, and targets of links."""


def owned(contents: Contents, own: Collection[str] | None = None) -> dict[str, str]:
    """Return the owners of these files and links."""

    def read(path: str) -> bytes:
        content = contents[path]
        assert isinstance(content, bytes)
        return content

    return owners(tree(contents), contents if own is None else own, read)


def read_real(entries: Mapping[str, Entry], path: str) -> bytes:
    content = entries[path].content
    assert content is not None
    return content.source.read_bytes()


def test_every_file_of_the_installed_wheels_is_owned() -> None:
    site = Path(sysconfig.get_path("purelib"))
    root = Path(sys.prefix)
    packages = defaultdict[str, set[str]](set)
    for distribution in distributions(path=[str(site)]):
        name = f"pip:{canonicalize_name(distribution.metadata['Name'])}"
        for listed in distribution.files or ():
            file = Path(os.path.normpath(str(distribution.locate_file(listed))))
            if file.exists():
                packages[str(file.relative_to(root))].add(name)
    if len(packages) < 100:
        pytest.skip("the environment of the tests has no installed wheels")
    entries = {path: real_entry(root / path) for path in packages}
    for path, entry in real_tree(site).items():
        entries[str(site.relative_to(root) / path)] = entry
    found = owners(entries, entries, lambda path: read_real(entries, path))
    wrong = {path: found.get(path) for path in packages if found.get(path) not in packages[path]}
    assert wrong == {}
    for path in found.keys() - packages.keys():  # Python wrote byte-code later
        source = re.sub(r"__pycache__/([^.]+)\..*", r"\1.py", path)
        assert ".dist-info/" in path or found[path] in packages[source]


DPKG = Path("/", INFO)


@pytest.mark.skipif(not DPKG.is_dir(), reason="this machine has no database of dpkg")
def test_every_file_of_debian_packages_is_owned() -> None:
    lists = sorted(DPKG.glob("*.list"))[::10]
    command = ["dpkg-query", "--listfiles", *(record.stem for record in lists)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = defaultdict[str, set[str]](set)
    for record, listed in zip(lists, done.stdout.split("\n\n"), strict=True):
        name = f"apt:{record.stem.partition(':')[0]}"
        for path in map(Path, re.findall(r"^/.+", listed, re.MULTILINE)):
            if path.is_symlink() or path.is_file():
                packages[str(path.parent.resolve() / path.name)[1:]].add(name)
        for path in DPKG.glob(f"{record.stem}.*"):
            if path.stem == record.stem:
                packages[str(path)[1:]].add(name)
    merged = ("bin", "lib", "lib64", "sbin")
    entries = {path: real_entry(Path("/", path)) for path in (*packages, *merged)}
    found = owners(entries, entries, lambda path: read_real(entries, path))
    assert {path: found.get(path) for path in packages} == {
        path: min(names) for path, names in packages.items()
    }


def test_every_file_of_alpine_packages_is_owned() -> None:
    content = (TESTS / "data/apk/alpine-small.installed").read_bytes()
    paths: dict[str, str] = {}
    for block in content.decode().split("\n\n"):
        name = "".join(re.findall(r"^P:(.*)$", block, re.MULTILINE))
        for place, files in re.findall(r"^F:(.*)\n((?:[^F].*\n?)*)", block, re.MULTILINE):
            for each in re.findall(r"^R:(.*)$", files, re.MULTILINE):
                paths[f"{place}/{each}".lstrip("/")] = f"apk:{name}"
    assert len(paths) == 105
    assert paths["bin/busybox"] == "apk:busybox"
    for database in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        contents = dict.fromkeys(paths, b"") | {database: content}
        assert owned(contents) == paths
    changed = ["lib/apk/db/installed", "bin/busybox", "etc/passwd"]
    contents = dict.fromkeys(paths, b"") | {changed[0]: content}
    assert owned(contents, changed) == {path: paths[path] for path in changed[1:]}


def test_folders_of_another_alpine_package_do_not_count() -> None:
    database = b"P:a\nF:etc\nR:x\n\nP:b\nR:x\nF:\nR:y\n"
    contents = {"lib/apk/db/installed": database, "etc/x": b"", "x": b"", "y": b""}
    assert owned(contents) == {"etc/x": "apk:a", "x": "apk:b", "y": "apk:b"}


INSTALL = """
import asyncio, os, sys
from pathlib import Path
from rattler import PackageRecord, RepoDataRecord, install
folder = Path(sys.argv[1])
records = []
for index in sorted(folder.glob("*.json")):
    record, address = PackageRecord.from_index_json(index), f"file://{folder / index.stem}"
    records.append(RepoDataRecord(record, index.stem, address, "file:///"))
target, cache = folder / "env", folder / "cache"
asyncio.run(install(records, target_prefix=target, cache_dir=cache, show_progress=False))
os._exit(0)  # rattler can crash while the interpreter exits
"""


def test_every_file_of_conda_packages_is_owned(tmp_path: Path) -> None:
    site = "lib/python3.13/site-packages"
    numpy = {
        f"{site}/numpy/__init__.py": "",
        f"{site}/numpy-2.0.dist-info/RECORD": "numpy/__init__.py,,\nnumpy/later.py,,\n",
        "bin/f2py": "",
    }
    for each in (package("numpy-base", "2.0", numpy), package("zlib", "1.3", {"lib/libz.so": ""})):
        (tmp_path / each.file).write_bytes(each.content)
        (tmp_path / f"{each.file}.json").write_text(json.dumps(each.record))
    subprocess.run([sys.executable, "-c", INSTALL, tmp_path], check=True)
    entries = {f"opt/{path}": entry for path, entry in real_tree(tmp_path).items()}
    found = owners(entries, entries, lambda path: read_real(entries, path))
    files = [path for path in entries if path.startswith("opt/env/")]
    assert {path: found[path] for path in files if path in found} == {
        **dict.fromkeys((f"opt/env/{path}" for path in numpy), "conda:numpy-base"),
        "opt/env/conda-meta/numpy-base-2.0-0.json": "conda:numpy-base",
        "opt/env/conda-meta/zlib-1.3-0.json": "conda:zlib",
        "opt/env/lib/libz.so": "conda:zlib",
    }


APT: Contents = {
    f"{INFO}/libc6:amd64.list": b"/.\n/lib\n/lib/ld.so\n/usr/bin/ldd\n/usr/share/doc\n",
    f"{INFO}/libc6:amd64.postinst": b"",
    f"{INFO}/python3.13.list": b"/usr/bin/python3.13\n/usr/bin/ldd\n",
    f"{INFO}/python3.13.md5sums": b"",
    f"{INFO}/format": b"1\n",
    "lib": "usr/lib",
    "usr/lib/ld.so": b"",
    "usr/bin/ldd": b"",
    "usr/bin/python3.13": b"",
    "usr/share/doc/README": b"",
}


def test_files_of_apt_packages() -> None:
    assert owned(APT) == {
        f"{INFO}/libc6:amd64.list": "apt:libc6",
        f"{INFO}/libc6:amd64.postinst": "apt:libc6",
        "lib": "apt:libc6",  # a folder of the package, which is a link here
        f"{INFO}/python3.13.list": "apt:python3.13",
        f"{INFO}/python3.13.md5sums": "apt:python3.13",
        "usr/lib/ld.so": "apt:libc6",
        "usr/bin/ldd": "apt:libc6",  # the first of two
        "usr/bin/python3.13": "apt:python3.13",
    }
    assert owned(APT, [*reversed([*APT])]) == owned(APT)


def test_only_records_of_the_stage_count() -> None:
    own = set(APT) - {f"{INFO}/libc6:amd64.list"}
    found = owned(APT, own)
    assert found["usr/bin/ldd"] == "apt:python3.13"
    assert "usr/lib/ld.so" not in found
    assert found.keys() <= own


def test_files_of_pip_packages() -> None:
    contents = {
        f"{SITE}/Ruamel.Yaml-1.0.dist-info/RECORD": (
            b'"ruamel/a,b.py",sha256=x,1\r\n../../../bin/tool,,\r/usr/share/x,,\n\n'
            b"gone.py,,\n../../../../../../../etc/passwd,,\n"
        ),
        f"{SITE}/Ruamel.Yaml-1.0.dist-info/INSTALLER": b"uv",
        f"{SITE}/Ruamel.Yaml-1.0.dist-info/licenses/a-1.dist-info/LICENSE": b"",
        f"{SITE}/ruamel/a,b.py": b"",
        "opt/env/bin/tool": b"",
        "usr/share/x": b"",
        "etc/passwd": b"",
        f"{SITE}/old-2-py3.13.egg-info/installed-files.txt": b"../old.py\nPKG-INFO\n",
        f"{SITE}/old-2-py3.13.egg-info/PKG-INFO": b"",
        f"{SITE}/old.py": b"",
        f"{SITE}/distutils-precedence.pth": b"",
    }
    ruamel = [path for path in contents if "uamel" in path]
    assert owned(contents) == {
        **dict.fromkeys([*ruamel, "opt/env/bin/tool", "usr/share/x"], "pip:ruamel-yaml"),
        **dict.fromkeys([path for path in contents if "/old" in path], "pip:old"),
    }


def test_a_vendored_package_belongs_to_the_package_around_it() -> None:
    inner = f"{SITE}/acme/_vendor"
    contents = {
        f"{inner}/wheel-1.dist-info/RECORD": b"wheel.py,,\nunlisted.py,,\n",
        f"{inner}/wheel.py": b"",
        f"{inner}/unlisted.py": b"",
        # It is sorted after the vendored package.
        f"{SITE}/zzz-1.dist-info/RECORD": (
            b"acme/_vendor/wheel-1.dist-info/RECORD,,\nacme/_vendor/wheel.py,,\n"
        ),
    }
    found = owned(contents)
    assert found.pop(f"{inner}/unlisted.py", None) is None
    assert {*found.values()} == {"pip:zzz"}
    assert len(found) == len(contents) - 1


def test_conda_and_apt_precede_pip() -> None:
    contents = {
        "opt/env/conda-meta/numpy-2-0.json": json.dumps(
            {"name": "numpy", "files": ["lib/a.py", "lib/numpy-2.dist-info/RECORD"]}
        ).encode(),
        "opt/env/lib/numpy-2.dist-info/RECORD": b"a.py,,\nb.py,,\n",
        "opt/env/lib/a.py": b"",
        "opt/env/lib/b.py": b"",
        "opt/env/conda-meta/history": b"",
        "usr/lib/six-1.dist-info/RECORD": b"six.py,,\n",
        "usr/lib/six.py": b"",
        f"{INFO}/python3-six.list": b"/usr/lib/six.py\n",
    }
    assert owned(contents) == {
        "opt/env/conda-meta/numpy-2-0.json": "conda:numpy",
        "opt/env/lib/numpy-2.dist-info/RECORD": "conda:numpy",
        "opt/env/lib/a.py": "conda:numpy",
        "usr/lib/six-1.dist-info/RECORD": "pip:six",
        "usr/lib/six.py": "apt:python3-six",
        f"{INFO}/python3-six.list": "apt:python3-six",
    }


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("opt/env/lib/npm/node_modules/lodash/index.js", "npm:lodash"),
        ("node_modules/@jupyter/x/lib/a.js", "npm:@jupyter/x"),
        ("node_modules/a/node_modules/b/index.js", "npm:a"),
        ("node_modules/.pnpm/a@1/node_modules/a/index.js", "npm:a"),
        ("node_modules/.package-lock.json", None),
        ("node_modules/.bin/tool", None),
        ("node_modules/a", None),
        ("node_modules/@jupyter/x", None),
        ("my_node_modules/a/b", None),
    ],
)
def test_npm_packages_own_their_folder(path: str, owner: str | None) -> None:
    assert owned({path: b""}).get(path) == owner


def test_byte_code_belongs_to_the_package_of_its_source() -> None:
    names = ("x.cpython-313.pyc", "x.cpython-313.opt-1.pyc", "x.y.cpython-313.pyc", "z.pypy.pyc")
    byte_code = {f"{SITE}/__pycache__/{name}": b"" for name in names}
    contents = {
        f"{SITE}/acme-1.dist-info/RECORD": b"x.py,,\nx.y.py,,\n",
        f"{SITE}/x.py": b"",
        f"{SITE}/x.y.py": b"",
        f"{SITE}/z.py": b"",
        **byte_code,
    }
    expected = dict.fromkeys(list(byte_code)[:3], "pip:acme")
    # The sources need not be of this stage, but their record must be.
    own = {*byte_code, f"{SITE}/acme-1.dist-info/RECORD"}
    found = owned(contents, own)
    assert {path: found[path] for path in byte_code if path in found} == expected
    assert owned(contents, byte_code) == {}


def test_links_belong_to_the_package_of_their_target() -> None:
    contents: Contents = {
        **APT,
        "usr/bin/python": "/etc/alternatives/python",
        "etc/alternatives/python": "../../usr/bin/X11/python3.13",
        "usr/bin/X11": ".",
        "etc/loop": "loop",
        "etc/other": "/usr/share/doc/README",
        "opt/env/bin/tool": "../lib/npm/node_modules/tool/cli.js",
        "opt/env/lib/npm/node_modules/tool/cli.js": b"",
    }
    found = owned(contents)
    assert found["usr/bin/python"] == found["etc/alternatives/python"] == "apt:python3.13"
    assert found["opt/env/bin/tool"] == "npm:tool"
    assert not found.keys() & {"usr/bin/X11", "etc/loop", "etc/other"}


def test_links_to_folders_have_no_package() -> None:
    contents: Contents = {f"{INFO}/a.list": b"/opt\n/opt/x\n", "opt/x": b"", "y": "opt"}
    entries = {**tree(contents), "opt": folder()}
    found = owners(entries, entries, lambda _: b"/opt\n/opt/x\n")
    assert found == {f"{INFO}/a.list": "apt:a", "opt/x": "apt:a"}


def test_names_need_not_be_utf_8() -> None:
    path = b"usr/share/K\xf6ln".decode(errors="surrogateescape")
    contents = {f"{INFO}/a.list": b"/usr/share/K\xf6ln\n", path: b""}
    assert owned(contents)[path] == "apt:a"


@pytest.mark.parametrize("name", ["a b", "\u00e4", "\udcff", "a\n", "a" * 215])
def test_names_that_no_package_has_own_nothing(name: str) -> None:
    record = json.dumps({"name": name, "files": ["x"]}).encode()
    assert not owned(
        {
            f"{INFO}/{name}.list": b"/opt/x\n",
            f"opt/{name}-1.dist-info/RECORD": b"x,,\n",
            "opt/conda-meta/a.json": record,
            f"node_modules/{name}/x": b"",
            "opt/x": b"",
        }
    )


RECORDS = {
    "apt": f"{INFO}/a.list",
    "apk": "lib/apk/db/installed",
    "conda": "opt/env/conda-meta/a-1-0.json",
    "pip": "opt/env/lib/a-1.dist-info/RECORD",
    "egg": "opt/env/lib/a-1.egg-info/installed-files.txt",
}
BROKEN = {
    "nested": b'{"name": "a", "files": ["x"], "y": ' + b"[" * 1_000_000,
    "not UTF-8": b'{"name": "a\xff", "files": ["lib/x"]}',
    "surrogate": b'{"name": "a", "files": ["lib/\\ud800"]}',
    "other type": b'{"name": "a", "files": [{"lib/x": 1}]}',
    "list": b"[1]",
    "no name": b'{"files": ["lib/x"]}',
    "open quote": b'"' + b"x" * 1_000_000,
    "above the root": b"/../x\n../../../../../x,,\nF:../..\nR:x\n",
    "name with spaces": b'{"name": "a b", "files": ["lib/x"]}',
    "long name": b"P:" + b"a" * 1000 + b"\nF:opt/env/lib\nR:x\n",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_records_own_nothing(broken: str) -> None:
    contents = dict.fromkeys(RECORDS.values(), BROKEN[broken])
    found = owned({**contents, "opt/env/lib/x": b"", "x": b""})
    assert not found.keys() & {"opt/env/lib/x", "x"}


def test_records_that_are_links_or_too_large_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    contents: dict[str, bytes | str] = {f"{INFO}/a.list": "b.list", f"{INFO}/b.list": b"/x\n"}
    assert owned({**contents, "x": b""})["x"] == "apt:b"
    monkeypatch.setattr(module, "LARGEST_RECORD", 2)
    assert "x" not in owned({**contents, "x": b""})


PARTS = st.sampled_from(["lib", "opt", "env", "..", ".", "", "x", "é", "\udcff"])
PATHS = st.lists(PARTS, max_size=6).map("/".join)
LINES = st.lists(
    st.tuples(st.sampled_from(["", "/", "P:a", "F:", "R:", '"']), PATHS).map("".join)
).map("\n".join)
JSONS = st.fixed_dictionaries({"name": st.text(), "files": st.lists(PATHS)}).map(json.dumps)
CONTENTS = st.one_of(
    st.binary(), st.one_of(LINES, JSONS).map(lambda text: text.encode(errors="surrogateescape"))
)


@given(
    records=st.dictionaries(st.sampled_from([*RECORDS.values()]), CONTENTS),
    links=st.dictionaries(st.sampled_from(["lib", "opt/env/lib", "x"]), PATHS),
)
def test_any_record_raises_no_error(records: dict[str, bytes], links: dict[str, str]) -> None:
    contents: Contents = {"opt/x": b"", "env": b"", **links, **records}
    found = owned(contents)
    assert found.keys() <= contents.keys()
    assert all(re.fullmatch(r"(apt|apk|conda|pip):\S+", owner) for owner in found.values())
    assert found == owned(dict(reversed([*contents.items()])))
