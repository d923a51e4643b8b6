"""Import of invoke.yaml: the original file, compared with another YAML parser, and odd files."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orbiter.config.read import read_image_set
from orbiter.convert.invoke.image_set import convert
from resolvers.errors import ExpectedError
from tests.support.paths import TESTS

ORIGINAL = TESTS / "data" / "invoke" / "invoke.yaml"
TEXT = ORIGINAL.read_text()
RUN = "from orbiter.cli.import_ import import_file; import_file(prog_name='orbiter import')"
SMALL = """\
version: 1.2.3
docker: {repo: a/b}
build:
  micromamba:
    core:
      image: debian:trixie-slim
"""


def run(folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN, *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def convert_small(build: str, builder: str = "micromamba") -> tuple[dict[str, Any], list[str]]:
    """Return the images.toml of a file with ``build`` after ``core``, and the notes."""
    result = convert("invoke.yaml", SMALL.replace("micromamba", builder) + build)
    return tomllib.loads(result.text), [str(note) for note in result.notes]


def flat(value: Any) -> Iterator[str]:
    for each in value or ():
        if isinstance(each, list):
            yield from flat(each)
        else:
            yield from each.split()


def expanded(data: dict[str, Any], entries: list[str]) -> list[str]:
    texts: list[str] = []
    for entry in entries:
        texts += data["sets"][entry[1:]] if entry.startswith("@") else [entry]
    return texts


def stages(build: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield the builder, the image, "build" or "" and the data of each stage."""
    for builder, images in build.items():
        for image, stage in images.items():
            yield builder, image, "", stage
            if "build" in stage:
                yield builder, image, "build", stage["build"]


def test_the_originals_file_becomes_an_image_set(tmp_path: Path) -> None:
    done = run(tmp_path, ORIGINAL)
    expected = (0, "wrote images.toml: review it, then run orbiter lock\n")
    assert (done.returncode, done.stdout) == expected
    images = read_image_set(tmp_path / "images.toml")
    assert (images.version, images.repository) == ("0.1.1", "dorgeln/orbiter")
    assert images.maintainer == "Andreas Trawoeger <atrawog@dorgeln.org>"
    assert (images.user.name, images.user.uid, images.user.gid) == ("jovyan", 1000, 100)
    known = {stage.name: stage for stage in images.stages}
    stacked = known["micromamba-geospatial-build"]
    assert stacked.parent == "micromamba-base-build"
    assert "Pillow" in stacked.requirements["conda"]
    first_command = known["micromamba-base-build"].postbuild[0]
    assert first_command == "jupyter server extension enable --sys-prefix nbgitpuller"
    packages = known["micromamba-core"].requirements["apt"]
    assert packages == ("bash", "bzip2", "curl", "git", "sudo", "tar")


def test_every_package_of_the_originals_file_is_in_its_stage_in_its_order() -> None:
    data = tomllib.loads(convert("invoke.yaml", TEXT).text)
    original = yaml.safe_load(TEXT)
    count = 0
    for builder, image, kind, stage in stages(original["build"]):
        table = data["image"][builder][image]
        table = table[kind] if kind else table
        system = "apt" if builder == "micromamba" else "apk"
        original_lists = {
            system: stage.get("apk"),
            "conda": stage.get("conda", {}).get("dependencies"),
            "pip": stage.get("pip"),
            "npm": stage.get("npm"),
        }
        for manager, entries in original_lists.items():
            expected = list(dict.fromkeys(flat(entries)))
            actual = [text for text in expanded(data, table.get(manager, [])) if text != "python3"]
            assert actual == expected
            count += len(expected)
        commands = stage.get("postbuild", [])
        new_names = [text.replace("serverextension", "server extension") for text in commands]
        assert table.get("postbuild", []) == new_names
        assert table.get("from") == (None if image == "core" else stage["image"])
    assert count == 169  # apk 98, conda 31, pip 36, npm 4
    assert data["sets"] == {"alpine-core": ["bash", "tar", "bzip2", "curl", "sudo", "git"]}
    assert data["image"]["alpine"]["core"]["apk"][0] == "@alpine-core"
    assert data["image"]["alpine"]["core"]["apk"][-1] == "python3"
    assert data["builder"]["alpine"] == {"from": "alpine:20210212"}
    assert data["builder"]["micromamba"] == {
        "from": "debian:trixie-slim",
        "channels": ["conda-forge"],
    }


def test_differences_are_reported_on_stderr_and_in_the_file() -> None:
    result = convert("invoke.yaml", TEXT)
    reported = {str(note).partition(": ")[2].rpartition(": ")[0] for note in result.notes}
    build = "image.alpine.base.build: "
    stack = "image.alpine.geospatial.build: "
    expected = {
        "docker.mount 'book'",
        "python.version '3.8.8'",
        "python.required '>=3.8,<3.9'",
        "debug",
        "run",
        "builder.micromamba: from 'frolvlad/alpine-glibc'",
        "image.micromamba.core: apk",
        "image.micromamba.base.build: conda.name",
        "image.micromamba.geospatial.build: conda.name",
        "image.micromamba.base.build: postbuild 'jupyter serverextension'",
        "builder.alpine: from 'alpine:20210212'",
        "image.alpine.core: apk 'tar, bzip2, libffi'",
        build + "apk 'expat-dev, xz-dev, zlib-dev, libxml2-dev'",
        build + "compiling Python packages",
        build + "install scripts of npm packages",
        build + "postbuild 'jupyter serverextension'",
        stack + "apk 'gdal-dev gdal-tools'",
        stack + "pip 'fiona shapely'",
        "image.alpine.core: apk 'python3'",
        stack + "apk 'proj-dev, geos-dev'",
        stack + "compiling Python packages",
    }
    assert reported == expected
    words = " ".join(result.text.replace("\n#   ", " ").split())
    for note in result.notes:
        assert f"# {note.kind}: {note.what}: {note.why}" in words


def test_an_unknown_builder_is_reported_with_its_images() -> None:
    data, notes = convert_small(
        "  other:\n    core: {image: ubuntu}\n    base: {image: core}\n  empty:\n"
    )
    assert [*data["image"]] == ["micromamba"]
    assert [note for note in notes if "builder '" in note] == [
        "left out: builder 'other' with its images core, base: "
        "not a supported builder with images; the original has micromamba and alpine",
        "left out: builder 'empty': "
        "not a supported builder with images; the original has micromamba and alpine",
    ]
    with pytest.raises(ExpectedError, match="has no builder of the original Orbiter, only other"):
        convert_small("", "other")


def test_dry_run_prints_the_file_and_writes_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, ORIGINAL, "--dry-run")
    assert done.returncode == 0
    assert done.stdout == convert("invoke.yaml", TEXT).text
    assert not list(tmp_path.iterdir())


def test_an_existing_images_toml_is_kept(tmp_path: Path) -> None:
    (tmp_path / "images.toml").write_text("mine")
    done = run(tmp_path, ORIGINAL)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"error: images.toml already exists, and {ORIGINAL} describes a whole image set"
    )
    assert "\nhint: move images.toml away" in done.stderr
    assert (tmp_path / "images.toml").read_text() == "mine"


def test_the_type_of_a_file_is_detected_from_its_content(tmp_path: Path) -> None:
    (tmp_path / "set.txt").write_text(SMALL)
    (tmp_path / "invoke.yaml").write_text("dependencies: [numpy]\n")
    image = run(tmp_path, "set.txt", "--image", "micromamba-base")
    assert image.returncode == 2
    problem = "set.txt describes a whole image set, not the requirements of one image"
    assert image.stderr == f"error: {problem}\n\nhint: leave out --image\n"
    (tmp_path / "images.toml").write_text('version = "1.0.0"\nrepository = "a/b"\n')
    bare = run(tmp_path, "invoke.yaml")
    assert bare.returncode == 2
    assert bare.stderr == (
        "error: invoke.yaml has the packages of one image, and --image does not say which\n\n"
        "hint: run orbiter import invoke.yaml --image micromamba-base; an image that is missing "
        "is added to images.toml\n"
    )
    (tmp_path / "other.yaml").write_text("a: 1\n")
    other = run(tmp_path, "other.yaml")
    assert other.returncode == 2
    assert "other.yaml is not an image set" in other.stderr
    assert "--image micromamba-base" in other.stderr
    (tmp_path / "images.toml").unlink()
    assert run(tmp_path, "set.txt").returncode == 0
    assert run(tmp_path, "invoke.yaml", "--image", "micromamba-base").returncode == 0


def test_the_hint_for_the_packages_of_one_image_works(tmp_path: Path) -> None:
    images = tmp_path / "images.toml"
    images.write_text(
        'version = "0.1.0"\nrepository = "a/b"\n[builder.micromamba]\nfrom = "debian:trixie-slim"\n'
    )
    (tmp_path / "environment.yml").write_text("dependencies: [numpy]\n")
    hint = run(tmp_path, "environment.yml").stderr.partition("hint: run orbiter import ")[2]
    done = run(tmp_path, *hint.partition(";")[0].split())
    assert done.returncode == 0
    assert "numpy" in images.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("build: [", "invoke.yaml cannot be read: YAML"),
        (SMALL.replace("version: 1.2.3", ""), "invoke.yaml: version is missing"),
        (SMALL.replace("repo", "rope"), "invoke.yaml: docker.repo is missing"),
        (
            SMALL.replace("1.2.3", "1.2"),
            'images.toml with invoke.yaml: version: "1.2" is not valid',
        ),
        (
            SMALL.replace("core", "Odd name"),
            'images.toml with invoke.yaml: image.micromamba."Odd name"',
        ),
        (SMALL + "      conda: {channels: ['a b']}\n", "invoke.yaml: 'a b' is not a channel"),
        (
            SMALL + "      conda: {channels: ['https://me:hunter2@c.example.org/x']}\n",
            "credentials",
        ),
        (SMALL + "user: [a]\n", "images.toml with invoke.yaml: user.name: is a list"),
    ],
)
def test_mistakes_are_reported_and_nothing_is_written(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "invoke.yaml").write_text(text)
    done = run(tmp_path, "invoke.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "\nhint: " in done.stderr
    assert "hunter2" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["invoke.yaml"]


def test_odd_entries_are_reported() -> None:
    data, notes = convert_small("""\
      builder: my_template
      secret: hunter2
      apk: [git, zlib-dev, git]
      pip:
        - git+https://me:hunter2@git.example.org/x.git
        - -r requirements.txt
        - numpy
        - numpy>=2
        - {a: b}
      conda:
        channels: [defaults, conda-forge, nodefaults]
        token: hunter2
        dependencies:
          - python=3.12  # what most have
          - pip: [dask, "foo bar>=1"]
      postbuild:
        - |
          echo a
          echo b
        - echo "c"
    other:
      image: ubuntu
      build: nothing
    none:
password: hunter2
""")
    core = data["image"]["micromamba"]["core"]
    assert core == {
        "apt": ["git"],
        "conda": ["python=3.12"],
        "pip": ["numpy", "dask"],
        "postbuild": ['echo "c"'],
    }
    assert data["builder"]["micromamba"] == {
        "from": "debian:trixie-slim",
        "channels": ["conda-forge"],
    }
    assert not any("hunter2" in note for note in notes)
    parts = [note.partition(": ")[2] for note in notes]
    for start in (
        "password: ",
        "builder.micromamba: image 'none': ",
        "builder.micromamba: from 'ubuntu': a builder has one",
        "builder.micromamba: channel 'defaults': ",
        "builder.micromamba: channel 'nodefaults': ",
        "image.micromamba.core: builder 'my_template': ",
        "image.micromamba.core: secret: ",
        "image.micromamba.core: conda.token: ",
        "image.micromamba.core: apk 'zlib-dev': this is the name in Alpine",
        "image.micromamba.core: apk 'git': listed more than once",
        "image.micromamba.core: pip 'numpy>=2': the list already has",
        "image.micromamba.core: pip '-r requirements.txt': ",
        "image.micromamba.core: pip 'a': not a string",
        "image.micromamba.core: pip 'git+https://…@git.example.org/x.git': ",
        "image.micromamba.core: pip 'foo bar>=1': ",
        "image.micromamba.core: postbuild 'echo …': ",
        "image.micromamba.other: build 'nothing': ",
    ):
        assert any(part.startswith(start) for part in parts), start


def test_comments_of_entries_are_kept() -> None:
    text = (
        SMALL
        + "      conda:\n        dependencies:\n          - numpy  # for all\n          - zlib\n"
    )
    assert '    "numpy",  # for all\n    "zlib",\n' in convert("invoke.yaml", text).text


def test_anchors_become_sets_if_their_lists_stay_the_same() -> None:
    data, notes = convert_small("""\
      apk: &Core_Tools [git, curl]
      pip: &both [git, numpy]
      npm: &words ["canvas vega-lite"]
    base:
      image: core
      apk: [bash, *Core_Tools, *Core_Tools]
      pip: [*both, dask]
      npm: *words
    more:
      image: core
      apk: *both
      conda: {dependencies: [*both]}
      postbuild: &empty []
""")
    images = data["image"]["micromamba"]
    assert data["sets"] == {"core-tools": ["git", "curl"], "both": ["git", "numpy"]}
    assert images["core"] == {
        "apt": ["@core-tools"],
        "pip": ["@both"],
        "npm": ["canvas", "vega-lite"],
    }
    assert images["base"]["apt"] == ["bash", "@core-tools"]
    assert images["base"]["pip"] == ["@both", "dask"]
    assert images["base"]["npm"] == ["canvas", "vega-lite"]
    assert images["more"] == {"from": "core", "apt": ["git"], "conda": ["@both"]}
    assert any("apk 'numpy'" in note for note in notes)
    assert any("apk 'git, curl': listed more than once" in note for note in notes)


def test_two_anchors_with_one_name_are_not_mixed() -> None:
    data, _ = convert_small("""\
      pip: &a_b [numpy]
    base:
      image: core
      pip: &A-b [dask]
""")
    assert data["sets"] == {"a-b": ["numpy"]}
    assert data["image"]["micromamba"]["base"]["pip"] == ["dask"]
