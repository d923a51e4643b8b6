"""The programs that install conda packages inside images, run in folders of this machine.

rattler is the real one. micromamba is a stand-in, see tests/support/micromamba.py.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orbiter.config.image_set import Builder, CondaSettings, ImageSet, Stage
from orbiter.render.dockerfile import render
from orbiter.render.model import Plan, StagePlan
from resolvers.types.packages import Artifact, Pin
from tests.support import micromamba
from tests.support.conda_packages import CondaPackage, package
from tests.support.paths import ROOT

PROGRAMS = ROOT / "templates" / "image"
CHANNEL = "https://${USER}:${PASSWORD}@conda.example.org/t/${TOKEN}/team"
PUBLIC = "https://conda.example.org/team"
SAYS = 'echo "$PKG_NAME is here" > "$PREFIX/.messages.txt"\n'
FIRST = package("aaa", "1.0", {"share/x": "a\n", "share/same": "s", "lib/a.a": "static"})
SECOND = package("bbb", "1.0", {"share/x": "b\n", "share/same": "s", "bin/.bbb-post-link.sh": SAYS})
THIRD = package("ccc-d", "1.0", {"share/x": "c\n", "share/c": "c"}, "aaa")
PACKAGES = (FIRST, SECOND, THIRD)
REQUIREMENTS = ('team::Bbb>=1,<"2"', "ccc-d =1")


INSIDE = re.compile(r"(?<![\w.$}])/(?:opt|artifacts|lock|tmp|usr/bin/python3)\b")
"""Begins the paths of a build step."""


class World:
    """The folders /opt/env, /artifacts/conda and /lock of a build step, inside another folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = root / "opt/env"
        (self.env / "conda-meta").mkdir(parents=True)
        (root / "artifacts/conda").mkdir(parents=True)
        (root / "tmp").mkdir()
        for each in PACKAGES:
            (root / "artifacts/conda" / each.file).write_bytes(each.content)
        self.write("requested.txt", *REQUIREMENTS)
        self.write("sums.sha256", *(f"{each.record['sha256']}  {each.file}" for each in PACKAGES))
        self.write("conda.txt", "# head", "@EXPLICIT", *map(locked, PACKAGES))

    def write(self, name: str, *lines: str) -> None:
        (self.root / name).write_text("".join(f"{line}\n" for line in lines))

    def run(self, program: str, *words: str) -> None:
        """Run a program of an image, or a script, with the paths of this world."""
        text = program
        for path in ("/opt/", "/artifacts/", "/tmp/conda.txt"):
            text = text.replace(path, f"{self.root}{path}")
        file = self.root / "program"
        file.write_text(text)
        interpreter = sys.executable if text.startswith('"""') else "bash"
        subprocess.run([interpreter, file, *words], cwd=self.root, check=True)

    def micromamba(self, *packages: CondaPackage) -> None:
        lines = [f"file:///artifacts/conda/{each.file}#{each.record['md5']}" for each in packages]
        text = "".join(f"{line}\n" for line in ("@EXPLICIT", *lines))
        (self.root / "tmp/conda.txt").write_text(
            text.replace("/artifacts/", f"{self.root}/artifacts/")
        )
        words = (
            f"install {micromamba.FLAGS} --root-prefix {self.root}/opt/conda --prefix {self.env}"
        )
        self.run(micromamba.PROGRAM, *words.split(), "--file", f"{self.root}/tmp/conda.txt")

    def rattler(self, *winners: str) -> None:
        program = (PROGRAMS / "conda_install.py").read_text()
        self.run(program, "conda.txt", "sums.sha256", *winners)

    def tidy(self) -> None:
        program = (PROGRAMS / "conda_tidy.py").read_text()
        self.run(program, "conda.txt", "sums.sha256", "requested.txt")
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        """Remove what the template removes."""
        shutil.rmtree(self.root / "opt/conda", ignore_errors=True)
        for name in ("CACHEDIR.TAG", ".messages.txt"):
            (self.env / name).unlink(missing_ok=True)
        (self.env / "conda-meta/history").write_text("")

    def tree(self) -> dict[str, tuple[int, str]]:
        """Return the mode and the hash of every file."""
        return {
            str(path.relative_to(self.env)): (
                path.stat().st_mode,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in self.env.rglob("*")
            if path.is_file()
        }

    def records(self) -> dict[str, dict[str, Any]]:
        files = sorted((self.env / "conda-meta").glob("*.json"))
        return {path.name.rpartition("-1.0")[0]: json.loads(path.read_text()) for path in files}


def locked(each: CondaPackage) -> str:
    return f"{CHANNEL}/linux-64/{each.file}#{each.record['md5']}"


@pytest.fixture
def worlds(tmp_path: Path) -> Mapping[str, World]:
    """Return the same environment, made by each installer with ``bbb`` as the winner."""
    by_micromamba, by_rattler = World(tmp_path / "m"), World(tmp_path / "r")
    by_micromamba.micromamba(FIRST, THIRD)
    by_micromamba.micromamba(SECOND)
    by_rattler.rattler(SECOND.file)
    return {"micromamba": by_micromamba, "rattler": by_rattler}


def test_both_installers_leave_the_same_files(worlds: Mapping[str, World]) -> None:
    for world in worlds.values():
        world.tidy()
        assert (world.env / "share/x").read_text() == "b\n"
    assert worlds["micromamba"].tree() == worlds["rattler"].tree()
    assert sorted(worlds["rattler"].tree()) == [
        "bin/.bbb-post-link.sh",
        "conda-meta/aaa-1.0-0.json",
        "conda-meta/bbb-1.0-0.json",
        "conda-meta/ccc-d-1.0-0.json",
        "conda-meta/history",
        "share/c",
        "share/same",
        "share/x",
    ]


@pytest.mark.parametrize("installer", ["micromamba", "rattler"])
def test_records_say_what_an_online_install_would(
    worlds: Mapping[str, World], installer: str
) -> None:
    world = worlds[installer]
    world.tidy()
    for each, record in zip(PACKAGES, world.records().values(), strict=True):
        assert record["channel"] == f"{PUBLIC}/linux-64"
        assert record["url"] == f"{PUBLIC}/linux-64/{each.file}"
        assert [record[key] for key in ("md5", "sha256", "size")] == [
            each.record[key] for key in ("md5", "sha256", "size")
        ]
        assert record["files"] == [path["_path"] for path in record["paths_data"]["paths"]]
        assert "lib/a.a" not in record["files"]
    specs = {name: record.get("requested_spec") for name, record in world.records().items()}
    assert specs == {"aaa": None, "bbb": REQUIREMENTS[0], "ccc-d": REQUIREMENTS[1]}
    text = "".join(path.read_text() for path in (world.env / "conda-meta").glob("*.json"))
    assert not [word for word in ("/artifacts", "opt/conda", "__clobbers__", "${") if word in text]


def test_records_are_right_without_python(worlds: Mapping[str, World]) -> None:
    world = worlds["micromamba"]
    files = [str(path) for path in sorted((world.env / "conda-meta").glob("*.json"))]
    awk = ["awk", "-f", str(PROGRAMS / "conda_records.awk"), "requested.txt", "conda.txt", *files]
    subprocess.run(awk, cwd=world.root, check=True)
    for file in files:
        Path(f"{file}.new").replace(file)
    by_awk = world.records()
    world.tidy()
    for name, record in world.records().items():
        expected = {key: value for key, value in record.items() if key not in {"md5", "sha256"}}
        without = {"files", "paths_data", "size"}  # they differ only in removed files, and the size
        assert {key: value for key, value in by_awk[name].items() if key not in without} == {
            key: value for key, value in expected.items() if key not in without
        }


def test_the_last_of_two_winners_keeps_its_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.rattler(THIRD.file, SECOND.file)
    assert (world.env / "share/x").read_text() == "c\n"
    assert not (world.env / "__clobbers__").exists()


def test_a_second_step_keeps_the_records_of_the_first(worlds: Mapping[str, World]) -> None:
    world = worlds["rattler"]
    world.tidy()
    before = world.tree()
    world.write("conda.txt", "@EXPLICIT")
    world.write("requested.txt", "aaa")
    world.tidy()
    changed = {name for name, entry in world.tree().items() if before[name] != entry}
    assert changed == {"conda-meta/aaa-1.0-0.json"}
    assert world.records()["bbb"]["requested_spec"] == REQUIREMENTS[0]


def step(settings: CondaSettings, *packages: str) -> dict[str, str]:
    """Return the files of a build folder whose stage installs PACKAGES, by name."""
    build = Stage(
        name="build",
        builder="micromamba",
        image="base",
        kind="build",
        requirements={"conda": REQUIREMENTS},
    )
    tool = "micromamba" if settings.installer == "micromamba" else "py-rattler"
    plan = Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="a/b",
            platforms=("linux/amd64",),
            builders={"micromamba": Builder(name="micromamba", base="debian:x", conda=settings)},
            stages=(build,),
        ),
        release="0.1.0",
        epoch=0,
        bases={"debian:x": {"linux/amd64": f"sha256:{0:064x}"}},
        stages=(
            StagePlan(
                stage=build,
                pins={"linux/amd64": {"conda": tuple(map(pin_of, PACKAGES))}},
                tools={"linux/amd64": (pin_of(package(tool, "1.0", {"tool": tool})),)},
                packages={"linux/amd64": tuple(("conda", name, "1.0") for name in packages)},
            ),
        ),
    )
    files = render(plan)
    return {path.removeprefix("build/"): text for path, text in files.items() if "/" in path}


def pin_of(each: CondaPackage) -> Pin:
    artifact = Artifact(
        file=each.file,
        hash=f"sha256:{each.record['sha256']}",
        source=f"{CHANNEL}/linux-64/{each.file}",
    )
    return Pin(name=each.record["name"], version="1.0", artifact=artifact)


@pytest.mark.parametrize(
    ("installer", "packages"),
    [("micromamba", ()), ("micromamba", ("python",)), ("rattler", ())],
    ids=["micromamba-without-python", "micromamba", "rattler"],
)
@pytest.mark.parametrize("winners", [("bbb",), ("ccc-d", "aaa"), ("absent", "aaa", "ccc-d")])
def test_the_step_of_the_dockerfile_installs_the_winners_last(
    tmp_path: Path, installer: str, packages: tuple[str, ...], winners: tuple[str, ...]
) -> None:
    world = World(tmp_path)
    files = step(CondaSettings(installer=installer, overwrites=winners), *packages)
    commands = files["Dockerfile"].partition("cd /artifacts/conda\n")[2].partition("\n: > ")[0]

    def inside(text: str) -> str:
        return INSIDE.sub(lambda match: f"{tmp_path}{match[0]}", text).replace(
            f"{tmp_path}/usr/bin/python3", sys.executable
        )

    (tmp_path / "lock").mkdir()
    for name, text in files.items():
        (tmp_path / "lock" / name).write_text(inside(text))
    tools = tmp_path / "artifacts/tools"
    tools.mkdir()
    (tools / "micromamba").write_text(inside(micromamba.PROGRAM))
    (tools / "micromamba").chmod(0o755)
    zipfile.ZipFile(tools / "py_rattler-1.whl", "w").close()
    for name in ("micromamba", "py-rattler"):
        (tmp_path / f"lock/{name}-linux-amd64.sha256").write_text(f"{sha(tools)}  micromamba\n")
    explicit = ("@EXPLICIT", *map(locked, PACKAGES))
    (tmp_path / "lock/conda-linux-amd64.txt").write_text("".join(f"{line}\n" for line in explicit))
    (world.env / "bin").mkdir()
    (world.env / "bin/python3").symlink_to(sys.executable)
    script = inside(commands)
    assert not [word for word in script.split() if word.startswith(("/opt", "/lock"))]
    subprocess.run(["bash", "-euc", script], cwd=tmp_path / "artifacts/conda", check=True)
    assert (world.env / "share/x").read_text() == f"{winners[-1][0]}\n"
    assert {record["channel"] for record in world.records().values()} == {f"{PUBLIC}/linux-64"}
    assert not [path for path in world.env.iterdir() if path.name.startswith(("__", "."))]
    modes = {path.stat().st_mode & 0o777 for path in (world.env / "conda-meta").iterdir()}
    assert modes == {0o644}


def sha(tools: Path) -> str:
    return hashlib.sha256((tools / "micromamba").read_bytes()).hexdigest()
