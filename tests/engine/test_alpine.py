"""The alpine builder on a real engine: stages, shared layers and compiled packages."""

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
from tests.support.alpine_project import Project, layer_digests, run_inside, temporary_project
from tests.support.alpine_world import (
    REPOSITORIES,
    base_image,
    docker,
    needs_world,
    served_folder,
    tools,
    write_repository,
)
from tests.support.notebook import run_notebook
from tests.support.served_image import SERVE, Built, running
from tests.support.syft import unlisted

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
"""The stages whose packages each image contains; apk's packages of build stages are not in it."""
CORE = ("bash", "ca-certificates", "curl", "python3", "sudo", "tini")
REQUIREMENTS = {
    "alpine-core": CORE,
    "alpine-base": (*CORE, "orbit-hello>=1.0"),
    "alpine-tools": (*CORE, "nodejs", "npm"),
    "alpine-more": (*CORE, "nodejs", "npm", "orbit-script"),
    "alpine-compiled": CORE,
}
"""The apk requirements of each image."""
PARENTS = {
    "alpine-base": "alpine-core",
    "alpine-node": "alpine-core",
    "alpine-tools": "alpine-node",
    "alpine-tools-build": "alpine-node",
    "alpine-more": "alpine-node",
    "alpine-more-build": "alpine-tools-build",
    "alpine-compiled": "alpine-core",
}
"""The stage that each stage starts from."""
every_image = pytest.mark.parametrize("image", CHAINS)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Lock and build all images at once."""
    folder, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with served_folder() as served:
        own = write_repository(served, tools(tmp_path_factory.mktemp("tools")))
        with (
            base_image(own, *REPOSITORIES) as base,
            temporary_project(folder, cache, IMAGES.replace("{base}", base)) as project,
        ):
            project.lock()
            project.digests = project.build(
                "--output", str(folder / "archives"), *image_options("alpine-core", *PARENTS)
            )
            for stage in CHAINS:
                docker("load", "--input", str(folder / f"archives/{stage}-0.1.0.tar"))
            yield project


def image_options(*stages: str) -> list[str]:
    return [word for stage in stages for word in ("--image", stage)]


@every_image
def test_apk_has_the_locked_packages(built: Project, image: str) -> None:
    groups = tuple(name for name in CHAINS[image] if not name.endswith("-build"))
    pins = apk.select(built.lock_files("apk"), built.target(), groups)
    installed = set(run_inside(built.tag(image), "apk info -v").split())
    assert installed - set(run_inside(built.base, "apk info -v").split()) == {
        f"{pin.name}-{pin.version}" for pin in pins
    }


@every_image
def test_the_world_of_apk_has_the_requirements(built: Project, image: str) -> None:
    before = run_inside(built.base, "cat /etc/apk/world").split()
    assert run_inside(built.tag(image), "cat /etc/apk/world").split() == sorted(
        [*before, *REQUIREMENTS[image]]
    )
    # apk finds nothing to do, although it no longer has the package files.
    assert "(1/" not in run_inside(
        built.tag(image), "apk add --simulate --no-network", "--user", "0"
    )


@pytest.mark.parametrize("image", ["alpine-base", "alpine-tools", "alpine-more", "alpine-compiled"])
def test_pip_has_the_locked_packages(built: Project, image: str) -> None:
    pins = pip.select(built.lock_files("pip"), built.target(), CHAINS[image])
    installed = json.loads(run_inside(built.tag(image), "pip list --format json"))
    assert {canonicalize_name(package["name"]): package["version"] for package in installed} == {
        pin.name: pin.version for pin in pins
    }


@pytest.mark.parametrize(
    ("image", "names"),
    [("alpine-tools", {"semver"}), ("alpine-more", {"abbrev", "nopt", "semver"})],
)
def test_npm_has_the_locked_packages(built: Project, image: str, names: set[str]) -> None:
    pins = npm.select(built.lock_files("npm"), built.target(), CHAINS[image])
    tree = json.loads(run_inside(built.tag(image), "npm ls --all --json --prefix /opt/env/lib/npm"))
    assert dict(installed_versions(tree)) == {pin.name: pin.version for pin in pins}
    assert names == {pin.name for pin in pins}


def installed_versions(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield all packages of npm's tree, each of which has one version here."""
    for name, package in tree.get("dependencies", {}).items():
        yield name, package["version"]
        yield from installed_versions(package)


def test_a_stage_inherits_packages_and_runs_its_own_commands(built: Project) -> None:
    script = "cat /opt/env/postbuild; python -c 'import numpy, patsy; print(patsy.__name__)'"
    assert run_inside(built.tag("alpine-more"), script) == "1.2.2\n1.2.3\npatsy\n"
    assert run_inside(built.tag("alpine-tools"), "cat /opt/env/postbuild") == "1.2.2\n"


@every_image
def test_no_temporary_files_remain(built: Project, image: str) -> None:
    absent = "/artifacts /lock /opt/uv /opt/wheels"
    empty = "/home/jovyan /root /tmp /var/cache/apk /var/log"
    script = f"ls -d {absent} 2> /dev/null || true; find {empty} -mindepth 1"
    assert run_inside(built.tag(image), script, "--user", "0") == ""


def test_any_user_can_run_jupyterlab(built: Project) -> None:
    assert (
        run_inside(
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
    image = Built(built.folder, built.cache, built.tag("alpine-base"))
    with running(image, "--mount", str(tmp_path), image="alpine-base") as url:
        assert run_notebook(url, tmp_path).stat().st_size > 0


@pytest.mark.parametrize(("stage", "parent"), PARENTS.items())
def test_a_stage_shares_the_layers_of_its_parent(built: Project, stage: str, parent: str) -> None:
    inherited, layers = (
        layer_digests(built.folder / f"archives/{name}-0.1.0.tar") for name in (parent, stage)
    )
    assert layers[: len(inherited)] == inherited
    assert len(layers) > len(inherited)


def test_a_single_image_without_cache_gets_the_same_digest_from_only_the_stages_it_needs(
    built: Project,
) -> None:
    process = built.start("build", "--no-load", "--no-cache", "--image", "alpine-more")
    assert process.returncode == 0, process.stderr
    assert built.digests["alpine-more"] in process.stdout
    stages = set(re.findall(r"^(alpine-[a-z-]+): ", process.stderr, re.MULTILINE))
    assert stages == {
        "alpine-core",
        "alpine-node",
        "alpine-tools-build",
        "alpine-more-build",
        "alpine-more",
    }


def test_a_package_without_a_musl_wheel_is_compiled_once(built: Project, tmp_path: Path) -> None:
    """A wheel was not compiled again if it is still the same file in the build cache."""
    pins = {
        pin.name: pin.artifact
        for pin in pip.select(built.lock_files("pip"), built.target(), ("alpine-compiled-build",))
    }
    assert pins["pyxattr"].file.endswith(".tar.gz")
    wheels = cached_wheels(built)
    assert len(wheels) == 1
    assert re.search(r"/pyxattr-.*-cp313-cp313-linux_x86_64\.whl ", wheels[0])
    changed = built.copy(tmp_path)
    changed.edit('pip = ["pip", "pyxattr"]', 'pip = ["pip", "pyxattr", "six"]')
    changed.lock()
    warm = changed.build(
        "--image", "alpine-compiled", "--no-load", "--output", str(tmp_path / "kept")
    )
    assert warm["alpine-compiled"] != built.digests["alpine-compiled"]
    assert cached_wheels(changed) == wheels
    before, after = (
        set(layer_digests(folder / "alpine-compiled-0.1.0.tar"))
        for folder in (built.folder / "archives", tmp_path / "kept")
    )
    assert len(after - before) == 2, "the layer of six, and the list of packages"
    rebuilt = changed.build("--image", "alpine-compiled", "--no-load", "--no-cache")
    assert rebuilt == warm
    assert cached_wheels(changed) != wheels


def cached_wheels(built: Project) -> list[str]:
    """Return path, inode and time of the wheels that the build of alpine-compiled keeps."""
    dockerfile = built.lock_set().files["build/alpine-compiled-build/Dockerfile"]
    (mount,) = re.findall(r"--mount=type=cache,id=\S+,target=(?:/opt/wheels)", dockerfile)
    script = (
        f": {uuid.uuid4()}; find /opt/wheels -name '*.whl' -exec stat -c '%n %i %z' {{}} + > /found"
    )
    with TemporaryDirectory() as context:
        Path(context, "Dockerfile").write_text(
            f"FROM {built.base} AS list\nRUN {mount} {script}\n"
            "FROM scratch\nCOPY --from=list /found /\n"
        )
        docker("build", "--quiet", "--output", context, context)
        return Path(context, "found").read_text().splitlines()


@pytest.mark.parametrize("image", ["alpine-base", "alpine-more"])
def test_the_bill_of_materials_has_everything_that_syft_finds(built: Project, image: str) -> None:
    archive = built.folder / f"archives/{image}-0.1.0.tar"
    found = unlisted(archive, built.folder / "locks/0.1.0", image)
    # The base image has packages that no lock set names.
    inherited = set(run_inside(built.base, "apk info -v").split())
    assert [each for each in found if f"{each.name}-{each.version}" not in inherited] == []
