"""The builder alpine on a real engine: a chain of stages, what they share, and what is compiled for want of a wheel."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from resolvers.apk import manager as apk
from resolvers.npm import manager as npm
from resolvers.pip import manager as pip
from tests.engine.test_notebook import SERVE, Built, running
from tests.support.alpine_project import Project, inside, layers, project
from tests.support.alpine_world import (
    REPOSITORIES,
    base_image,
    docker,
    needs_world,
    served,
    tools,
    write_repository,
)
from tests.support.notebook import run_notebook

pytestmark = [pytest.mark.engine, pytest.mark.index, needs_world]

IMAGES = """
version = "0.1.0"
repository = "{repository}"

[builder.alpine]
from = "{base}"
python = "3.13"
pip-engine = "uv"

[image.alpine.core]
apk = ["bash", "ca-certificates", "curl", "python3", "sudo", "tini"]

[image.alpine.base]
from = "core"
apk = ["orbit-hello>=1.0"]

[image.alpine.base.build]
from = "core"
pip = ["altair", "jupyterlab", "matplotlib", "numpy", "pandas", "pip"]
postbuild = ["jupyter lab clean -y"]

[image.alpine.node]
from = "core"
apk = ["nodejs", "npm"]

[image.alpine.tools]
from = "node"

[image.alpine.tools.build]
from = "node"
pip = ["numpy", "pip"]
npm = ["semver"]
postbuild = ["semver 1.2.2 > /opt/env/postbuild"]

[image.alpine.more]
from = "node"
apk = ["orbit-script"]

[image.alpine.more.build]
from = "tools-build"
pip = ["patsy"]
npm = ["nopt"]
postbuild = ["semver 1.2.3 >> /opt/env/postbuild"]

[image.alpine.compiled]
from = "core"

[image.alpine.compiled.build]
from = "core"
apk = ["build-base", "python3-dev"]
pip = ["pip", "pyxattr"]
pip-sdist = ["pyxattr"]
postbuild = ["python -c 'import xattr'"]
"""
CHAINS = {
    "alpine-core": ("alpine-core",),
    "alpine-base": ("alpine-core", "alpine-base", "alpine-base-build"),
    "alpine-tools": ("alpine-core", "alpine-node", "alpine-tools-build"),
    "alpine-more": (
        "alpine-core",
        "alpine-node",
        "alpine-more",
        "alpine-tools-build",
        "alpine-more-build",
    ),
    "alpine-compiled": ("alpine-core", "alpine-compiled-build"),
}
"""Whose packages each image holds; those of apk that only a build stage asks for stay behind."""
CORE = ("bash", "ca-certificates", "curl", "python3", "sudo", "tini")
ASKED = {
    "alpine-core": CORE,
    "alpine-base": (*CORE, "orbit-hello>=1.0"),
    "alpine-tools": (*CORE, "nodejs", "npm"),
    "alpine-more": (*CORE, "nodejs", "npm", "orbit-script"),
    "alpine-compiled": CORE,
}
"""What each image asks of apk."""
SHARED = {
    "alpine-base": "alpine-core",
    "alpine-node": "alpine-core",
    "alpine-tools": "alpine-node",
    "alpine-tools-build": "alpine-node",
    "alpine-more": "alpine-node",
    "alpine-more-build": "alpine-tools-build",
    "alpine-compiled": "alpine-core",
}
"""What each stage stands on."""
every_image = pytest.mark.parametrize("image", CHAINS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """All images, built in one go."""
    folder, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with served() as place:
        own = write_repository(place, tools(tmp_path_factory.mktemp("tools")))
        with (
            base_image(own, *REPOSITORIES) as base,
            project(folder, cache, IMAGES.replace("{base}", base)) as made,
        ):
            made.lock()
            made.digests = made.build(
                "--output", str(folder / "archives"), *images("alpine-core", *SHARED)
            )
            for stage in CHAINS:
                docker("load", "--input", str(folder / f"archives/{stage}-0.1.0.tar"))
            yield made


def images(*stages: str) -> list[str]:
    return [word for stage in stages for word in ("--image", stage)]


@every_image
def test_apk_has_what_the_lock_names(built: Project, image: str) -> None:
    groups = tuple(name for name in CHAINS[image] if not name.endswith("-build"))
    pins = apk.select(built.lock_files("apk"), built.target(), groups)
    there = set(inside(built.tag(image), "apk info -v").split())
    assert there - set(inside(built.base, "apk info -v").split()) == {
        f"{pin.name}-{pin.version}" for pin in pins
    }


@every_image
def test_apk_notes_what_was_asked_for(built: Project, image: str) -> None:
    before = inside(built.base, "cat /etc/apk/world").split()
    assert inside(built.tag(image), "cat /etc/apk/world").split() == sorted(
        [*before, *ASKED[image]]
    )
    # apk, which has no package's file any more, finds nothing left to do.
    assert "(1/" not in inside(built.tag(image), "apk add --simulate --no-network", "--user", "0")


@pytest.mark.parametrize("image", ["alpine-base", "alpine-tools", "alpine-more", "alpine-compiled"])
def test_pip_has_what_the_lock_names(built: Project, image: str) -> None:
    pins = pip.select(built.lock_files("pip"), built.target(), CHAINS[image])
    listed = json.loads(inside(built.tag(image), "pip list --format json"))
    assert {canonicalize_name(each["name"]): each["version"] for each in listed} == {
        p.name: p.version for p in pins
    }


@pytest.mark.parametrize(
    ("image", "names"),
    [("alpine-tools", {"semver"}), ("alpine-more", {"abbrev", "nopt", "semver"})],
)
def test_npm_has_what_the_lock_names(built: Project, image: str, names: set[str]) -> None:
    pins = npm.select(built.lock_files("npm"), built.target(), CHAINS[image])
    tree = json.loads(inside(built.tag(image), "npm ls --all --json --prefix /opt/env/lib/npm"))
    assert dict(listed(tree)) == {pin.name: pin.version for pin in pins}
    assert names == {pin.name for pin in pins}


def listed(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """All packages of a tree of npm's, each at one version here."""
    for name, each in tree.get("dependencies", {}).items():
        yield name, each["version"]
        yield from listed(each)


def test_a_stage_has_what_those_below_it_have_and_runs_its_own_commands(built: Project) -> None:
    script = "cat /opt/env/postbuild; python -c 'import numpy, patsy; print(patsy.__name__)'"
    assert inside(built.tag("alpine-more"), script) == "1.2.2\n1.2.3\npatsy\n"
    assert inside(built.tag("alpine-tools"), "cat /opt/env/postbuild") == "1.2.2\n"


@every_image
def test_nothing_is_left_over(built: Project, image: str) -> None:
    left = "/artifacts /lock /opt/uv /opt/wheels"
    empty = "/home/jovyan /root /tmp /var/cache/apk /var/log"
    script = f"ls -d {left} 2> /dev/null || true; find {empty} -mindepth 1"
    assert inside(built.tag(image), script, "--user", "0") == ""


def test_any_user_serves(built: Project) -> None:
    assert (
        inside(
            built.tag("alpine-base"),
            f"bash <<'END'\n{SERVE}\nid -u\nEND",
            "--init",
            "--user",
            "12345",
        )
        == "12345\n"
    )


@pytest.mark.browser
def test_the_image_runs_a_notebook(built: Project, tmp_path: Path) -> None:
    made = Built(built.folder, built.cache, built.tag("alpine-base"))
    with running(made, "--mount", str(tmp_path), image="alpine-base") as url:
        assert run_notebook(url, tmp_path).stat().st_size > 0


@pytest.mark.parametrize(("above", "below"), SHARED.items())
def test_a_stage_shares_the_layers_of_what_it_stands_on(
    built: Project, above: str, below: str
) -> None:
    shared, all_of_it = (
        layers(built.folder / f"archives/{stage}-0.1.0.tar") for stage in (below, above)
    )
    assert all_of_it[: len(shared)] == shared
    assert len(all_of_it) > len(shared)


def test_alone_and_without_cache_an_image_is_built_of_what_it_needs_to_the_same_digest(
    built: Project,
) -> None:
    done = built.orbiter("build", "--no-load", "--no-cache", "--image", "alpine-more")
    assert done.returncode == 0, done.stderr
    assert built.digests["alpine-more"] in done.stdout
    stages = set(re.findall(r"^(alpine-[a-z-]+): ", done.stderr, re.MULTILINE))
    assert stages == {
        "alpine-core",
        "alpine-node",
        "alpine-tools-build",
        "alpine-more-build",
        "alpine-more",
    }


def test_what_has_no_musl_wheel_is_compiled_once(built: Project, tmp_path: Path) -> None:
    """A wheel that is still the same file of the build cache was not compiled again."""
    pins = {
        pin.name: pin.artifact
        for pin in pip.select(built.lock_files("pip"), built.target(), ("alpine-compiled-build",))
    }
    assert pins["pyxattr"].file.endswith(".tar.gz")
    kept = cached_wheels(built)
    assert len(kept) == 1
    assert re.search(r"/pyxattr-.*-cp313-cp313-linux_x86_64\.whl ", kept[0])
    changed = built.copy(tmp_path)
    changed.edit('pip = ["pip", "pyxattr"]', 'pip = ["pip", "pyxattr", "six"]')
    changed.lock()
    warm = changed.build(
        "--image", "alpine-compiled", "--no-load", "--output", str(tmp_path / "kept")
    )
    assert warm["alpine-compiled"] != built.digests["alpine-compiled"]
    assert cached_wheels(changed) == kept
    before, after = (
        layers(place / "alpine-compiled-0.1.0.tar")
        for place in (built.folder / "archives", tmp_path / "kept")
    )
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 2, (
        "six's own, and the list of packages"
    )
    anew = changed.build("--image", "alpine-compiled", "--no-load", "--no-cache")
    assert anew == warm
    assert cached_wheels(changed) != kept


def cached_wheels(built: Project) -> list[str]:
    """The wheels that the build of alpine-compiled keeps: path, inode, and when they were written."""
    dockerfile = built.locked().files["build/alpine-compiled-build/Dockerfile"]
    (mount,) = re.findall(r"--mount=type=cache,id=\S+,target=(?:/opt/wheels)", dockerfile)
    script = (
        f": {uuid.uuid4()}; find /opt/wheels -name '*.whl' -exec stat -c '%n %i %z' {{}} + > /found"
    )
    with TemporaryDirectory() as context:
        Path(context, "Dockerfile").write_text(
            f"FROM {built.base} AS looked\nRUN {mount} {script}\nFROM scratch\nCOPY --from=looked /found /\n"
        )
        docker("build", "--quiet", "--output", context, context)
        return Path(context, "found").read_text().splitlines()
