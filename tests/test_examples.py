"""The image sets that the documentation shows as examples."""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orbiter.build.archives import write_archives
from orbiter.config.image_set import ImageSet
from orbiter.config.read import read_image_set
from orbiter.docker.bake_definition import artifact_place
from orbiter.locking.downloads import lock_downloads
from orbiter.locking.environment import LocalEnvironment
from orbiter.locking.work import LockOptions, LockRun
from orbiter.lockset.downloads import read_downloads
from orbiter.render.downloads import placed_downloads
from orbiter.render.lists import stage_lists
from orbiter.render.model import Plan, StagePlan, platform_slug
from orbiter.store.store import Store
from resolvers.conda import manager as conda
from resolvers.types.options import CondaOptions
from resolvers.types.packages import Package, Pin
from tests.support.conda_world import base, real_channel, request
from tests.support.loopback import Answer, serving
from tests.support.paths import ROOT, TESTS

EXAMPLES = sorted([*ROOT.glob("docs/examples/*.toml"), *ROOT.glob("examples/*/images.toml")])
RECORDS = TESTS / "data/conda-kernels"


@pytest.fixture
def channel(tmp_path: Path) -> str:
    """Write a channel with real records of R and PyTorch, and return its URL."""
    return real_channel(tmp_path, RECORDS)


def example(name: str) -> ImageSet:
    return read_image_set(ROOT / f"docs/examples/{name}.toml")


def solved(channel: str, requirements: tuple[str, ...], **virtual: str) -> dict[str, Package]:
    options = CondaOptions(
        channels=(channel,), virtual={f"__{name}": version for name, version in virtual.items()}
    )
    files = conda.resolve(request(channel, base(*requirements), conda=options))
    return {package.name: package for package in conda.read(files)}


def conda_requirements(image_set: ImageSet) -> tuple[str, ...]:
    (stage,) = (stage for stage in image_set.stages if "conda" in stage.requirements)
    return stage.requirements["conda"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_is_a_valid_image_set(path: Path) -> None:
    assert read_image_set(path).stages


def test_conda_solves_the_example_with_r(channel: str) -> None:
    packages = solved(channel, conda_requirements(example("r-conda")))
    assert packages["r-base"].version.startswith("4.3.")
    assert {"jupyterlab", "r-ggplot2", "r-irkernel"} <= set(packages)


def test_conda_solves_the_example_for_gpus(channel: str) -> None:
    image_set = example("gpu")
    settings = image_set.builders["micromamba"].conda
    assert settings
    packages = solved(channel, conda_requirements(image_set), **settings.virtual)
    assert "cuda129" in source(packages["pytorch"])
    assert packages["cuda-version"].version == "12.9"


def test_without_the_virtual_package_conda_locks_no_cuda(channel: str) -> None:
    packages = solved(channel, conda_requirements(example("gpu")))
    assert "cpu" in source(packages["pytorch"])
    assert "cuda-version" not in packages


def source(package: Package) -> str:
    (artifact,) = package.artifacts
    return artifact.source


@pytest.fixture
def julia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageSet]:
    """Yield the example with Julia; a local server stands in for hosts that tests cannot reach."""
    monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path / "cache"))
    text = (ROOT / "docs/examples/julia.toml").read_text(encoding="utf-8")
    with serving() as server:
        for url in re.findall(r'url = "(.*)"', text):
            path = urlsplit(url).path
            server.replies[path] = Answer(200, julia_archive(path))
            text = text.replace(url, server.url + path)
        (tmp_path / "images.toml").write_text(re.sub(r"sha256 = .*\n", "", text))
        yield read_image_set(tmp_path / "images.toml")


def julia_archive(path: str) -> bytes:
    """Return an archive with one executable file, whose content is its own address."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("julia-1.11.4/bin/julia")
        info.size, info.mode = len(path), 0o755
        tar.addfile(info, io.BytesIO(path.encode()))
    return buffer.getvalue()


def test_julia_is_locked_and_unpacked_for_both_platforms(julia: ImageSet, tmp_path: Path) -> None:
    run = LockRun(
        image_set=julia,
        previous=None,
        options=LockOptions(now=datetime(2026, 11, 1, tzinfo=UTC)),
        environment=LocalEnvironment(tmp_path),
        start_task=lambda _title: lambda _line: None,
        as_of=None,
    )
    locked = read_downloads(lock_downloads(run), "debian")
    (stage,) = (stage for stage in julia.stages if stage.name == "debian-julia")
    placed = placed_downloads(stage, julia.platforms, locked)
    pins: dict[str, dict[str, tuple[Pin, ...]]] = {platform: {} for platform in julia.platforms}
    stage_plan = StagePlan(stage=stage, pins=pins, downloads=placed)
    plan = Plan(image_set=julia, release="0.1.0", epoch=0, bases={}, stages=(stage_plan,))

    for platform, machine in (("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")):
        place = partial(artifact_place, tmp_path / "debian-julia", platform_slug(platform))
        for download in placed[platform]:
            Store().link(download.locked.digest, place(download.artifact.path))
        write_archives(plan, (platform,), tmp_path)
        listed = stage_lists(plan, stage_plan)[f"downloads-{platform_slug(platform)}.txt"]
        mode, owner, tar, target = listed.splitlines()[0].split(" ")
        assert (mode, owner, target) == ("tar", "0:0", "/opt/julia")
        with tarfile.open(place(tar.removeprefix("/artifacts/"))) as archive:
            program = archive.extractfile("bin/julia")
            assert program
            assert machine in program.read().decode()


def test_the_julia_kernel_is_registered_for_every_user(julia: ImageSet) -> None:
    (stage,) = (stage for stage in julia.stages if stage.name == "debian-julia")
    (command,) = stage.postbuild
    assert isinstance(command, str)
    path, text = re.fullmatch(  # type: ignore[union-attr]
        r"\s*mkdir .*\ncat > (\S+) <<'KERNEL'\n(.*)KERNEL\n?", command, re.DOTALL
    ).groups()
    assert path.startswith("/usr/share/jupyter/kernels/")
    argv = json.loads(text)["argv"]
    assert argv[0] == "/opt/julia/bin/julia"
    assert argv[-1] == "{connection_file}"
