"""Differences between builders: real locks, small hand-made locks, and the command's output."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from orbiter.config import read, snapshot
from orbiter.config.image_set import Builder, ImageSet
from orbiter.diff.builders import BuilderDifference, builder_differences
from orbiter.lockset import folder, model
from orbiter.lockset.inputs import LOCK_FILES, inputs_digest, locked_files
from orbiter.lockset.model import BuilderFacts, LockSet, Manifest
from orbiter.report.builders import format_differences
from resolvers.conda import lock_file
from resolvers.conda.lock_file import CondaEntry, CondaLock, FileHashes
from tests.support.conda_world import channel, record
from tests.support.paths import ROOT

DATA = ROOT / "tests" / "data"
AMD64 = "linux/amd64"
HEAD = 'version = "0.1.0"\nrepository = "a/b"\n'
DEBIAN = """
[builder.debian]
from = {{ debian = "trixie" }}
[image.debian.base.build]
{}
[image.debian.base]
"""
ALPINE = """
[builder.alpine]
from = "alpine:3.23"
[image.alpine.base.build]
{}
[image.alpine.base]
"""
MICROMAMBA = """
[builder.micromamba]
[image.micromamba.base.build]
{}
[image.micromamba.base]
"""
OWN_PIP = (
    'pip = ["altair", "jupyterlab", "jupyter-server-proxy", "matplotlib", "nbgitpuller", '
    '"numpy", "sphinx-thebe"]'
)
PIP = 'pip = ["attrs", "docopt", "jinja2", "tqdm"]'


def sealed(
    tmp_path: Path, images: str, files: Mapping[str, str], *pythons: tuple[str, str]
) -> LockSet:
    """Return a lock set of these files, which match images.toml; complete if it has Pythons."""
    (tmp_path / "images.toml").write_text(HEAD + images)
    image_set = read.read_image_set(tmp_path / "images.toml")
    known = dict(pythons)
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1,
        builders={
            name: _facts(image_set, builder, known.get(name, "3.13.5"), files)
            for name, builder in image_set.builders.items()
        },
    )
    complete = {"build/docker-bake.json": "{}"} if pythons else {}
    return model.seal(manifest, {**files, **complete, "images.toml": snapshot.dump(image_set)})


def _facts(
    image_set: ImageSet, builder: Builder, python: str, files: Mapping[str, str]
) -> BuilderFacts:
    facts = BuilderFacts(python=python, glibc={AMD64: "2.41"})
    managers = [
        each
        for each in LOCK_FILES
        if any(f"{builder.name}/{file}" in files for file in LOCK_FILES[each])
    ]
    asked = {manager: inputs_digest(image_set, builder, manager, facts, {}) for manager in managers}
    return BuilderFacts(python=python, glibc={AMD64: "2.41"}, inputs=asked)


def own(manager: str) -> dict[str, str]:
    """Return the files of one manager in a release of the project itself."""
    files = locked_files(folder.read(ROOT / "locks" / "0.2.0"), "debian", manager)
    return {f"debian/{name}": text for name, text in files.items()}


def pip(builder: str, *changes: tuple[str, str], more: str = "") -> dict[str, str]:
    """Return small files of Poetry for the only stage of a builder, with some text replaced."""
    found = {}
    for name in ("pyproject.toml", "poetry.lock"):
        text = (DATA / "pip" / "poetry" / name).read_text().replace('"core"', '"base-build"')
        for old, new in (('"base-build"', f'"{builder}-base-build"'), *changes):
            text = text.replace(old, new)
        found[f"{builder}/{name}"] = text
    return {**found, f"{builder}/pyproject.toml": found[f"{builder}/pyproject.toml"] + more}


def conda(*packages: tuple[str, str, str]) -> dict[str, str]:
    """Return a conda-lock.yml with packages: name, version and requirements."""
    entries = tuple(
        CondaEntry(
            name=name,
            version=version,
            platform="linux-64",
            dependencies={need: ""} if need else {},
            url=f"https://example.invalid/linux-64/{name}-{version}-0.conda",
            hash=FileHashes(sha256="a" * 64),
            category="micromamba-base-build",
        )
        for name, version, need in packages
    )
    lock = CondaLock(channels=(), content_hashes={"linux-64": "b" * 64}, entries=entries)
    return {"micromamba/conda-lock.yml": lock_file.format_lock(lock)}


def npm(builder: str, entries: Mapping[str, str], *asked: str) -> dict[str, str]:
    """Return the files of npm: versions by path, and the names that the only stage requests."""
    groups = {"orbiter": {"groups": {f"{builder}-base-build": asked}}}
    packages = {f"node_modules/{path}": {"version": version} for path, version in entries.items()}
    lock = {"lockfileVersion": 3, "packages": {"": {}, **packages}}
    return {
        f"{builder}/package.json": json.dumps(groups),
        f"{builder}/package-lock.json": json.dumps(lock),
    }


def found(lock_set: LockSet) -> dict[str, Mapping[str, tuple[str, ...]]]:
    return {each.name: each.versions for each in builder_differences(lock_set)}


def test_real_locks_of_pip_and_conda(tmp_path: Path) -> None:
    packed = (
        DATA / "locks" / "pairs" / "conda-lock" / "06-pangeo-4-platforms" / "new.conda-lock.yml.gz"
    )
    files = {
        **own("pip"),
        **own("npm"),
        "micromamba/conda-lock.yml": gzip.decompress(packed.read_bytes()).decode(),
    }
    asked = (
        'conda = ["jupyterlab", "matplotlib-base", "numpy", "python=3.12", "sphinx-thebe", '
        '"xarray"]'
    )
    images = DEBIAN.format(OWN_PIP + '\nnpm = ["vega-lite"]') + MICROMAMBA.format(asked)
    lock_set = sealed(tmp_path, images, files, ("debian", "3.13.5"), ("micromamba", "3.12.12"))
    all_of_them = builder_differences(lock_set)
    assert format_differences(all_of_them).splitlines() == [
        "99 packages differ between builders:",
        "    jupyter-server-proxy 4.6.0 debian, 4.4.0 micromamba",
        "    jupyterlab 4.6.6 debian, 4.4.4 micromamba",
        "    nbgitpuller 1.3.0 debian, 1.2.2 micromamba",
        "    numpy 2.5.5 debian, 2.3.4 micromamba",
        "    python 3.13.5 debian, 3.12.12 micromamba",
        "    and 94 more that images.toml does not request by name",
    ]
    names = {each.name for each in all_of_them}
    assert {"typing-extensions", "python-json-logger"} <= names  # conda writes typing_extensions
    assert "tzdata" not in names  # to conda that is data without Python
    assert "vega-lite" not in names


def test_equal_versions_are_not_reported(tmp_path: Path) -> None:
    lock = conda(
        ("attrs", "25.3.0", "python"), ("docopt", "0.6.2.0", "python"), ("tqdm", "4.67.1", "python")
    )
    images = DEBIAN.format(PIP) + MICROMAMBA.format('conda = ["tqdm"]')
    agreed = sealed(tmp_path, images, {**pip("debian"), **lock}, ("debian", "3.13.5"))
    assert found(agreed) == {"attrs": {"debian": ("24.3.0",), "micromamba": ("25.3.0",)}}


def test_packages_for_other_systems_are_not_compared(tmp_path: Path) -> None:
    files = {**pip("debian"), **conda(("colorama", "0.4.5", "python"))}
    assert 'name = "colorama"' in files["debian/poetry.lock"]
    assert (
        found(
            sealed(tmp_path, DEBIAN.format(PIP) + MICROMAMBA.format('conda = ["colorama"]'), files)
        )
        == {}
    )


def test_conda_packages_without_python_are_not_distributions(tmp_path: Path) -> None:
    lock = conda(
        ("tqdm", "12.0", ""), ("jinja2", "2.0", "python_abi"), ("MarkupSafe", "1.0", "python")
    )
    lock_set = sealed(
        tmp_path,
        DEBIAN.format(PIP) + MICROMAMBA.format('conda = ["tqdm"]'),
        {**pip("debian"), **lock},
    )
    assert set(found(lock_set)) == {"jinja2", "markupsafe"}
    assert {each.name: each.direct for each in builder_differences(lock_set)} == {
        "jinja2": True,
        "markupsafe": False,
    }


def test_the_lock_of_pip_names_the_distributions_of_conda(tmp_path: Path) -> None:
    """The name in conda is another one, and that of another conda package is misleading."""
    lock = conda(
        ("python", "3.13.5", ""), ("safe-markup", "1.0", "python"), ("markupsafe", "7", "python")
    )
    provided = '[tool.orbiter.conda."micromamba-base-build"]\nmarkupsafe = "3.0.1"\n'
    parts = {
        **pip("debian"),
        **lock,
        **pip("micromamba", ('version = "3.0.2"', 'version = "3.0.1"'), more=provided),
    }
    images = DEBIAN.format(PIP) + MICROMAMBA.format('conda = ["python", "safe-markup"]\n' + PIP)
    lock_set = sealed(tmp_path, images, parts)
    assert found(lock_set) == {"markupsafe": {"debian": ("3.0.2",), "micromamba": ("3.0.1",)}}


def test_only_requested_npm_packages_are_compared(tmp_path: Path) -> None:
    files = {
        **npm(
            "debian",
            {"is-odd": "3.0.1", "is-number": "6.0.0", "is-odd/node_modules/kind-of": "6.0.3"},
            "is-odd",
        ),
        **npm(
            "alpine",
            {"is-odd": "3.0.1", "is-number": "7.0.0", "is-odd/node_modules/is-number": "6.0.0"},
            "is-odd",
        ),
        **npm("micromamba", {"is-odd": "3.0.0", "kind-of": "5.0.0"}, "is-odd", "kind-of"),
    }
    asked = 'npm = ["is-odd"]'
    images = (
        DEBIAN.format(asked)
        + ALPINE.format(asked)
        + MICROMAMBA.format('npm = ["is-odd", "kind-of"]')
    )
    told = format_differences(builder_differences(sealed(tmp_path, images, files)))
    assert (
        told == "1 package differs between builders:\n"
        "    is-odd 3.0.1 alpine and debian, 3.0.0 micromamba"
    )


def test_one_builder_has_no_differences(tmp_path: Path) -> None:
    assert (
        builder_differences(
            sealed(tmp_path, DEBIAN.format(OWN_PIP), own("pip"), ("debian", "3.13.5"))
        )
        == ()
    )


def test_the_python_of_an_incomplete_lock_set_is_not_compared(tmp_path: Path) -> None:
    images, parts = DEBIAN.format(PIP) + ALPINE.format(PIP), {**pip("debian"), **pip("alpine")}
    pythons = (("debian", "3.13.5"), ("alpine", "3.12.0"))
    whole = sealed(tmp_path, images, parts, *pythons)
    assert found(whole) == {"python": {"alpine": ("3.12.0",), "debian": ("3.13.5",)}}
    alone = {path: text for path, text in whole.files.items() if not path.startswith("build/")}
    assert found(model.seal(whole.manifest, alone)) == {}


def test_a_stale_part_is_not_compared(tmp_path: Path) -> None:
    lock = conda(("tqdm", "1.0", "python"))
    lock_set = sealed(
        tmp_path,
        DEBIAN.format(PIP) + MICROMAMBA.format('conda = ["tqdm"]'),
        {**pip("debian"), **lock},
    )
    assert set(found(lock_set)) == {"tqdm"}
    snapshot = lock_set.files["images.toml"].replace('"docopt"', '"docopt>=0.6"')
    assert found(model.seal(lock_set.manifest, {**lock_set.files, "images.toml": snapshot})) == {}


def test_several_versions_in_one_builder() -> None:
    versions = {"alpine": ("2.2.6", "2.5.1"), "debian": ("2.5.1",)}
    told = format_differences((BuilderDifference(name="numpy", versions=versions, direct=True),))
    assert told.splitlines()[1] == "    numpy 2.2.6 and 2.5.1 alpine, 2.5.1 debian"


def test_no_direct_package_differs() -> None:
    versions = {"alpine": ("1",), "debian": ("2",)}
    two = tuple(
        BuilderDifference(name=name, versions=versions, direct=False) for name in ("a", "b")
    )
    assert (
        format_differences(two)
        == "2 packages differ between builders; images.toml requests none of them by name"
    )


def orbiter(place: Path, *words: str) -> str:
    command = [sys.executable, "-m", "orbiter", "lock", "--only", "conda,pip", *words]
    env = {**os.environ, "DOCKER_HOST": "unix:///nowhere.sock"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.index
def test_lock_prints_the_differences_after_a_change(tmp_path: Path) -> None:
    records = [
        record("python", "3.12.4"),
        record("attrs", "23.1.0", "python"),
        record("idna", "2.0", "python"),
    ]
    address = channel(tmp_path / "channel", *(each | {"subdir": "linux-64"} for each in records))
    debian = DEBIAN.format('pip = ["attrs==23.2.0"]').replace(
        "[image.", 'python = "3.12"\npip-engine = "uv"\n[image.', 1
    )
    micromamba = MICROMAMBA.format('conda = ["attrs", "python"]').replace(
        "[image.", f'channels = ["{address}"]\n[image.', 1
    )
    images = tmp_path / "images.toml"
    images.write_text(HEAD + debian + micromamba)
    line = "1 package differs between builders:\n    attrs 23.2.0 debian, 23.1.0 micromamba\n"
    assert f"{line}dry run: " in orbiter(tmp_path, "--dry-run")
    assert f"{line}wrote " in orbiter(tmp_path)
    assert "differ" not in orbiter(tmp_path)
    images.write_text(images.read_text().replace("23.2.0", "23.1.0"))
    assert "differ" not in orbiter(tmp_path)
