"""conda-lock.yml and its neighbours, read by Orbiter and by the real conda-lock."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from resolvers import uv_program
from resolvers.conda import conda_lock_program, lock_file
from resolvers.conda import manager as conda
from resolvers.errors import ExpectedError
from resolvers.types.options import CondaOptions
from resolvers.types.packages import LockFiles
from tests.support.conda_world import AMD64, ARM64, base, channel, geo, record, request

NO_SOLVER = """\
#!/bin/sh
[ "$1" = --version ] && echo 2.3.0 && exit 0
echo "unexpected solve: $*" >&2
exit 99
"""
SPECS = [
    "numpy",
    "numpy>=2,<3",
    "numpy >= 2",
    "python=3.12",
    "python==3.12.1",
    "python 3.12.*",
    "python=3.12=*_cpython",
    "blas=*=openblas",
    "libblas[build=*openblas]",
    "conda-forge::pkg>=1",
    "conda-forge/linux-64::pkg=1",
    "conda-forge/label/dev::pkg",
    "Pillow",
    "numpy~=2.1",
    "numpy!=2.0.*",
    "numpy >=1.21,!=1.22|2.*",
    "foo[version='>=2',build_number='>3']",
    "foo==1.2=py_0",
    "https://example.org/ch::foo",
    "https://example.org/a/b::foo",
    "foo=1.2*",
    "foo=1,2|3",
    "foo ==1.2|==1.3",
    "foo[version='(1.5|1.6),<=2']",
    "foo>=2=*_0",
    "foo 1!2.0",
    "foo=*",
    "foo * *",
    "foo[md5=d7c89558ba9fa0495403155b64376d81]",
    "__cuda>=12",
    "foo_bar.baz <2.0a0",
]
HASHES = """
import json, pathlib, sys
import conda_lock.conda_lock
from conda_lock.content_hash import compute_content_hashes
from conda_lock.src_parser import make_lock_spec
from conda_lock.virtual_package import virtual_package_repo_from_specification
found = []
for folder in map(pathlib.Path, sys.argv[1:]):
    spec = make_lock_spec(src_files=[folder / "environment.yml"], mapping_url="")
    virtual = virtual_package_repo_from_specification(folder / "virtual-packages.yml")
    found.append(compute_content_hashes(spec, virtual))
print(json.dumps(found))
"""


@pytest.fixture
def files(tmp_path: Path) -> LockFiles:
    packages = [
        record("a", "1", "c >=1", "__glibc >=2.17"),
        record("b", "3.10", "c", subdir="linux-64"),
        record("b", "3.10", "c", subdir="linux-aarch64", sha256="5" * 64, md5="1" * 31 + "f"),
        record("c", "1.3_31"),
    ]
    asked = request(
        channel(tmp_path / "channel", *packages), base("a"), geo("b", "c<2"), targets=(AMD64, ARM64)
    )
    return conda.resolve(asked)


def write(files: LockFiles, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


@cache
def programs() -> Path:
    """Return the bin folder of an environment with the real conda-lock."""
    tool = [
        uv_program.program(),
        "tool",
        "run",
        "--python",
        sys.executable,
        "--from",
        f"conda-lock=={conda_lock_program.VERSION}",
    ]
    command = ["python", "-c", "import sys; print(sys.executable)"]
    environment = {**os.environ, **uv_program.environment()}
    return Path(
        subprocess.check_output([*tool, *command], env=environment, text=True).strip()
    ).parent


def run(folder: Path, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program from the environment of the real conda-lock."""
    return subprocess.run(
        [programs() / program, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.index
def test_conda_lock_accepts_the_lock_as_up_to_date(files: LockFiles, tmp_path: Path) -> None:
    write(files, tmp_path / "lock")
    program = tmp_path / "micromamba"
    program.write_text(NO_SOLVER)
    program.chmod(0o755)
    (tmp_path / "lock" / "names.json").write_text("{}")
    options: list[str | Path] = [
        "--pypi_to_conda_lookup_file",
        "names.json",
        "--micromamba",
        "--conda",
        program,
    ]
    checked = run(
        tmp_path / "lock",
        "conda-lock",
        "lock",
        "--check-input-hash",
        "-f",
        "environment.yml",
        *options,
    )
    assert checked.returncode == 0, checked.stderr
    assert "already locked for ['linux-64', 'linux-aarch64']" in checked.stderr
    assert (tmp_path / "lock" / "conda-lock.yml").read_text() == files["conda-lock.yml"]
    edited = (tmp_path / "lock" / "environment.yml").read_text().replace("c <2", "c <3")
    (tmp_path / "lock" / "environment.yml").write_text(edited)
    stale = run(
        tmp_path / "lock",
        "conda-lock",
        "lock",
        "--check-input-hash",
        "-f",
        "environment.yml",
        *options,
    )
    assert "unexpected solve" in stale.stderr + stale.stdout


@pytest.mark.index
def test_conda_lock_renders_explicit_files_of_a_stage(files: LockFiles, tmp_path: Path) -> None:
    write(files, tmp_path)
    for category, platform, names in (
        (base().name, "linux-64", "ac"),
        (geo().name, "linux-aarch64", "bc"),
    ):
        rendered = run(
            tmp_path, "conda-lock", "render", "-k", "explicit", "-p", platform, "-e", category
        )
        assert rendered.returncode == 0, rendered.stderr
        lines = (tmp_path / f"conda-{platform}.lock").read_text().splitlines()
        entries = {each.name: each for each in lock_file.parse_lock(files).entries_for(platform)}
        expected = {f"{entries[name].url}#{entries[name].hash.md5}" for name in names}
        assert {line for line in lines if "://" in line} == expected
        assert f"# input_hash: {lock_file.parse_lock(files).content_hashes[platform]}" in lines


INSTALLER = """\
#!/bin/sh
[ "$1" = --version ] && echo 2.3.0 && exit 0
while [ "$1" != --file ]; do shift; done
cat "$2" > "$(dirname "$0")/installed"
"""


@pytest.mark.index
def test_the_command_in_the_head_installs_a_stage(files: LockFiles, tmp_path: Path) -> None:
    write(files, tmp_path)
    program = tmp_path / "micromamba"
    program.write_text(INSTALLER)
    program.chmod(0o755)
    head = files["conda-lock.yml"].partition("version:")[0]
    commands = [line.split()[1:] for line in head.splitlines() if line.startswith("#     ")]
    assert [command[0] for command in commands] == ["conda-lock", "micromamba"]
    name, verb, *words = commands[0]
    words = [word.replace("STAGE", geo().name) for word in words]
    options = ["--micromamba", "--conda", str(program), "--force-platform", "linux-64"]
    for arguments, packages in ((words, ["c", "b"]), (["-n", "YOURENV", words[-1]], [])):
        installed = run(tmp_path, name, verb, *options, *arguments)
        assert installed.returncode == 0, installed.stderr
        text = (tmp_path / "installed").read_text()
        lines = [line for line in text.splitlines() if "://" in line]
        assert [line.rpartition("/")[2][0] for line in lines] == packages
    assert commands[1][-2:] == ["--category", "STAGE"]  # the real one is not available to tests


@pytest.mark.index
def test_the_content_hash_equals_conda_locks_for_all_kinds_of_requirements(tmp_path: Path) -> None:
    from resolvers.conda import environment_yml
    from resolvers.conda.channels import parse_channel
    from resolvers.conda.content_hash import content_hash
    from resolvers.conda.requirements import parse_requirements, virtual_packages

    cases = [(each,) for each in SPECS] + [("numpy >=2", "a", "numpy <3"), ("b", "B=2", "a")]
    options = CondaOptions(virtual={"__cuda": "12.4", "__archspec": "1 x86_64_v3", "__unix": ""})
    channels = (
        parse_channel("conda-forge"),
        parse_channel("https://example.org/t/$SOME_TOKEN/c"),
        parse_channel("https://${U}:$P@h.org/x"),
    )
    virtual = {
        "linux-64": virtual_packages(AMD64, options),
        "linux-aarch64": virtual_packages(ARM64, CondaOptions()),
    }
    ours = []
    for number, case in enumerate(cases):
        asked = parse_requirements((base(*case),))
        text = environment_yml.format_environment(channels, virtual, asked, ("engine: conda-lock",))
        more = {"virtual-packages.yml": environment_yml.format_virtual_packages(virtual)}
        write({"environment.yml": text, **more}, tmp_path / str(number))
        ours.append({each: content_hash(channels, each, asked, virtual[each]) for each in virtual})
    folders = [str(tmp_path / str(number)) for number in range(len(cases))]
    theirs = run(tmp_path, "python", "-c", HASHES, *folders)
    assert theirs.returncode == 0, theirs.stderr
    assert [
        case
        for case, *pair in zip(cases, ours, json.loads(theirs.stdout), strict=True)
        if pair[0] != pair[1]
    ] == []


def test_formatting_and_parsing_are_inverse(files: LockFiles) -> None:
    lock = lock_file.parse_lock(files)
    assert lock_file.format_lock(lock) == files["conda-lock.yml"]
    assert {(each.name, each.version) for each in lock.entries} == {
        ("a", "1"),
        ("b", "3.10"),
        ("c", "1.3_31"),
    }
    assert [each.build for each in lock.entries_for("linux-64") if each.name == "a"] == ["0"]
    odd = next(each for each in lock.entries_for("linux-aarch64") if each.name == "b")
    assert odd.hash == lock_file.FileHashes(md5="1" * 31 + "f", sha256="5" * 64)


def test_a_lock_written_by_conda_lock_is_read() -> None:
    text = """\
version: 1
metadata:
  content_hash:
    linux-64: c5246bb68a36bc245f7efa8d034abd2fb682ba8cbf3c36a655343ab56fc7ea1c
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  sources:
  - environment.yml
package:
- name: xz
  version: 5.2.6
  manager: conda
  platform: linux-64
  dependencies:
    libgcc-ng: '>=12'
    __glibc: ''
  url:
    https://conda.anaconda.org/conda-forge/linux-64/xz-5.2.6-h166bdaf_0.tar.bz2
  hash:
    md5: 2161070d867d1b1204ea749c8eec4ef0
    sha256: 03a6d28ded42af8a347345f82f3eebdd6807a08526d47899a42d62d319609162
  category: main
  optional: false
"""
    package = conda.read({"conda-lock.yml": text})[0]
    assert (package.name, package.version, package.build) == ("xz", "5.2.6", "h166bdaf_0")
    assert (package.groups, package.requires, package.platforms) == (
        ("main",),
        ("libgcc-ng",),
        ("linux/amd64",),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "version: 2\n",
        "version: 1\nmetadata: {}\n",
        "version: 1\nmetadata:\n  channels: 3\npackage: 5\n",
    ],
)
def test_malformed_locks_are_refused(text: str) -> None:
    with pytest.raises(ExpectedError, match=r"conda-lock\.yml cannot be read"):
        conda.read({"conda-lock.yml": text})
