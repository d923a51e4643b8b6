"""Plans of images, whose build folders are in tests/golden."""

import json
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from orbiter.config.image_set import (
    Builder,
    CondaSettings,
    Download,
    DownloadedFile,
    ImageSet,
    Stage,
)
from orbiter.config.runtime import Healthcheck, Runtime
from orbiter.lockset.downloads import LockedDownload
from orbiter.render.downloads import placed_downloads
from orbiter.render.model import Plan, StagePlan
from resolvers.types.packages import Artifact, Pin

AMD64, ARM = "linux/amd64", "linux/arm/v7"
BASE = "debian:trixie-slim"


def pin(name: str, version: str, file: str, algorithm: str = "sha256") -> Pin:
    digits = 64 if algorithm == "sha256" else 128
    digest = f"{sum(file.encode()):x}".zfill(digits)
    artifact = Artifact(
        file=file, hash=f"{algorithm}:{digest}", size=len(file), source=f"{name}/{file}"
    )
    return Pin(name=name, version=version, artifact=artifact)


APT = pin("apt", "3.0.3", "apt_3.0.3_amd64.deb")
BASE_FILES = pin("base-files", "13.8+deb13u7", "base-files_13.8+deb13u7_amd64.deb")
PYTHON = pin("libpython3.13-stdlib", "3.13.5-2", "libpython3.13-stdlib_3.13.5-2_amd64.deb")
NODE = pin("nodejs", "20.19.2", "nodejs_20.19.2_amd64.deb")
SIX = pin("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl")
SDIST = pin("made", "1.0", "made-1.0.tar.gz")
FLIT = pin("flit-core", "3.12.0", "flit_core-3.12.0-py3-none-any.whl")
CPYTHON = pin("python", "3.12.2", "python-3.12.2-h1_0_cpython.conda")
MICROMAMBA = pin("micromamba", "2.6.2", "micromamba-2.6.2-0.tar.bz2")
RATTLER = pin("py-rattler", "0.28.0", "py_rattler-0.28.0-cp310-abi3-manylinux_2_17_x86_64.whl")
CANVAS = pin("@x/canvas", "3.0.0", "x__canvas-3.0.0.tgz", "sha512")
BASH = pin("bash", "5.3.3-r1", "bash-5.3.3-r1.apk")
MUSL_DEV = pin("musl-dev", "1.2.5-r21", "musl-dev-1.2.5-r21.apk")
UV = pin("uv", "0.8.0", "uv-0.8.0-py3-none-manylinux_2_17_x86_64.whl")
NPM = pin("npm", "10.9.2", "npm-10.9.2.tgz", "sha512")
NPM_LOCK = {
    "packages": {
        "": {"dependencies": {"@x/canvas": "*"}},
        "node_modules/@x/canvas": {"version": "3.0.0", "bin": {"paint": "./bin/paint.js"}},
    }
}


def stage(name: str, **more: object) -> Stage:
    fields = {
        "name": f"debian-{name}",
        "builder": "debian",
        "image": name.split("-", maxsplit=1)[0],
        "kind": "final",
    }
    return Stage(**{**fields, **more})  # type: ignore[arg-type]


def plan(*platforms: str, network: bool = False) -> Plan:
    core = stage("core")
    build = stage(
        "base-build",
        kind="build",
        parent="debian-core",
        sources={"npm": ("@x/canvas",), "pip": ("made",)},
        postbuild=("jupyter lab clean -y", "true"),
        network=network,
    )
    base = stage("base", parent="debian-core", build="debian-base-build")
    jupyter = (("pip", "jupyterlab", "4.4.0"), ("apt", "nodejs", "20.19.2"))
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            maintainer='Some $body "Else" <somebody@example.org>',
            platforms=platforms,
            builders={"debian": Builder(name="debian", base=BASE)},
            stages=(core, build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={BASE: {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(stage=core, pins={p: {"apt": (PYTHON,)} for p in platforms}),
            StagePlan(
                stage=build,
                pins={
                    p: {"apt": (NODE,), "pip": (SIX, SDIST), "npm": (CANVAS,)} for p in platforms
                },
                tools=dict.fromkeys(platforms, (UV, NPM)),
                build_pins=dict.fromkeys(platforms, (FLIT, SIX)),
                files={
                    "package.json": "{}\n",
                    "package-lock.json": json.dumps(NPM_LOCK) + "\n",
                    "build-requirements.txt": "flit-core==3.12.0\n",
                },
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                packages=dict.fromkeys(platforms, jupyter),
            ),
        ),
    )


def from_packages(*platforms: str) -> Plan:
    """Return the plan with a base made of Debian packages."""
    base = Stage(
        name="debian", builder="debian", image="", kind="base", requirements={"apt": ("apt",)}
    )
    image = plan(*platforms)
    core, *rest = image.stages
    core = replace(core, stage=replace(core.stage, parent="debian"))
    pins = {p: {"apt": (APT, BASE_FILES)} for p in platforms}
    return replace(
        image,
        image_set=replace(
            image.image_set, builders={"debian": Builder(name="debian", suite="trixie")}
        ),
        bases={},
        stages=(StagePlan(stage=base, pins=pins), core, *rest),
    )


def conda(settings: CondaSettings, *platforms: str) -> Plan:
    """Return a plan with conda packages, and pip on top."""
    build = stage(
        "base-build", builder="micromamba", kind="build", requirements={"conda": ("python",)}
    )
    base = stage("base", builder="micromamba", build="debian-base-build")
    pins = {"conda": (CPYTHON,), "pip": (SIX,), "apt": (PYTHON,)}
    packages = (("conda", "python", "3.12.2"), ("conda", "jupyterlab", "4.4.0"))
    tool = MICROMAMBA if settings.installer == "micromamba" else RATTLER
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            platforms=platforms,
            builders={"micromamba": Builder(name="micromamba", base=BASE, conda=settings)},
            stages=(build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={BASE: {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(
                stage=build,
                pins=dict.fromkeys(platforms, pins),
                tools=dict.fromkeys(platforms, (tool, UV)),
                packages=dict.fromkeys(platforms, packages),
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                packages=dict.fromkeys(platforms, packages),
            ),
        ),
    )


RUNTIME = Runtime(
    env={"A": "a \"b\" \\ # '$$5' ${PATH}", "PATH": "${SPARK}/bin:${PATH}", "SPARK": "/opt/x"},
    workdir="${HOME}/work",
    entrypoint=("start.sh", "$HOME", 'a "b"\n'),
    cmd=(),
    labels={
        "org.example.team": 'data "science" $x',
        "org.opencontainers.image.authors": "Ada",
    },
    expose=("53/udp", "8888/tcp"),
    healthcheck=Healthcheck(
        test=("curl", "-f", "http://localhost/?a=1&b"),
        interval="1m30s",
        timeout="3s",
        start_period="500ms",
        retries=3,
    ),
    user="1000:100",
    stop_signal="SIGINT",
    volumes=("/data", "/srv/x"),
)


def with_settings(*platforms: str, core: Runtime = RUNTIME) -> Plan:
    """Return the plan with settings of containers in an image and in one on top of it."""
    image = plan(*platforms)
    changed = {
        "debian-core": core,
        "debian-base": Runtime(healthcheck=Healthcheck(test=()), env={"B": "${A}"}),
    }
    stages = tuple(
        replace(
            stage_plan,
            stage=replace(stage_plan.stage, runtime=changed.get(stage_plan.stage.name, UNSET)),
        )
        for stage_plan in image.stages
    )
    image_set = replace(image.image_set, stages=tuple(each.stage for each in stages))
    return replace(image, image_set=image_set, stages=stages)


def alpine(*platforms: str) -> Plan:
    """Return a plan on Alpine that compiles a Python package.

    It has bash if there is one platform.
    """
    core = stage("core", builder="alpine", requirements={"apk": ("bash",)})
    build = stage(
        "base-build", builder="alpine", kind="build", parent="debian-core", postbuild=("true",)
    )
    base = stage("base", builder="alpine", parent="debian-core", build="debian-base-build")
    bash = (("apk", "bash", "5.3.3-r1"),) if len(platforms) == 1 else ()
    worlds = {f"apk-{platform.replace('/', '-')}.world": "bash\n" for platform in platforms}
    return Plan(
        image_set=ImageSet(
            version="0.1.0",
            repository="somebody/images",
            platforms=platforms,
            builders={"alpine": Builder(name="alpine", base="alpine:3.23")},
            stages=(core, build, base),
        ),
        release="0.1.0",
        epoch=1_750_000_000,
        bases={"alpine:3.23": {platform: f"sha256:{len(platform):064x}" for platform in platforms}},
        stages=(
            StagePlan(
                stage=core,
                pins={p: {"apk": (BASH,)} for p in platforms},
                files=worlds,
                packages=dict.fromkeys(platforms, bash),
            ),
            StagePlan(
                stage=build,
                pins={
                    p: {"apk": (MUSL_DEV,), "pip": (SIX, SDIST), "npm": (CANVAS,)}
                    for p in platforms
                },
                tools=dict.fromkeys(platforms, (UV, NPM)),
                build_pins=dict.fromkeys(platforms, (FLIT,)),
                toolchain=f"sha256:{7:064x}",
                files={
                    **worlds,
                    "package.json": "{}\n",
                    "package-lock.json": json.dumps(NPM_LOCK) + "\n",
                    "build-requirements.txt": "flit-core==3.12.0\n",
                },
            ),
            StagePlan(
                stage=base,
                pins={p: {} for p in platforms},
                files=worlds,
                packages=dict.fromkeys(platforms, bash),
            ),
        ),
    )


def with_downloads(*platforms: str) -> Plan:
    """Return the plan with a file, an archive for root, and one for the notebook user."""
    image = plan(*platforms)

    def download(name: str, target: str, **more: Any) -> Download:
        files = {
            platform: DownloadedFile(url=f"https://example.org/{platform}/{name}", target=target)
            for platform in platforms
        }
        return Download(platforms=files, **more)

    downloads = (
        download("tool", "/usr/local/bin/a tool", mode="0755"),
        download("app.zip", "/opt/app", unpack=True, strip=1),
        download("app.zip", "/opt/env/app", unpack=True),
    )
    urls = {file.url: p for each in downloads for p, file in each.platforms.items()}
    locked = {
        url: LockedDownload(
            url=url, platforms=(platform,), sha256=f"{sum(url.encode()):064x}", size=len(url)
        )
        for url, platform in urls.items()
    }
    core, *rest = image.stages
    stage = replace(core.stage, downloads=downloads)
    changed = replace(core, stage=stage, downloads=placed_downloads(stage, platforms, locked))
    return replace(image, stages=(changed, *rest))
