"""Lock sets as one side of a comparison: the packages of each image on each platform."""

import json
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from orbiter.config import read as config_read
from orbiter.config import snapshot
from orbiter.diff import build_files
from orbiter.lockfiles import lock_set
from orbiter.lockfiles.types import Lock, PackageEntry, PackageFile, Scope
from orbiter.lockset import model
from orbiter.lockset.model import BuilderFacts, Installer, LockSet, Manifest
from resolvers.types.packages import Artifact, Pin
from tests.support.paths import TESTS

DATA = TESTS / "data"
IMAGES = """
version = "0.2.0"
repository = "a/b"
platforms = ["linux/amd64", "linux/arm64"]
[builder.debian]
from = "debian:trixie-slim"
python = "3.13"
pip-engine = "poetry"
[image.debian.core]
apt = ["python3", "tzdata"]
[image.debian.base]
from = "core"
[image.debian.base.build]
from = "core"
pip = ["docopt", "jinja2", "tqdm"]
npm = ["parent"]
network = true
"""
AMD, ARM = "linux/amd64", "linux/arm64"
SHA512 = "sha512-" + "A" * 86 + "=="
PARENT = "node_modules/parent"
NPM = {
    PARENT: {
        "version": "1.0.0",
        "integrity": SHA512,
        "bundleDependencies": ["inside"],
        "dependencies": {"inside": "1"},
    },
    f"{PARENT}/node_modules/inside": {"version": "1.0.0", "inBundle": True},
    "node_modules/other": {"version": "1.0.0", "integrity": SHA512},
}


def locked(tmp_path: Path, dockerfile: str = "FROM scratch\n", release: str = "0.2.0") -> LockSet:
    """Return a lock set of small real files, with groups named like the stages of the images."""
    (tmp_path / "images.toml").write_text(IMAGES)
    image_set = config_read.read_image_set(tmp_path / "images.toml")
    pip = {
        name: (DATA / "pip" / "poetry" / name).read_text()
        for name in ("pyproject.toml", "poetry.lock")
    }
    asked = {"name": "orbiter", "dependencies": {"parent": "*"}}
    groups = {"debian-base-build": ["parent"]}
    files = {
        "images.toml": snapshot.dump(image_set),
        "debian/apt.lock": (DATA / "apt" / "two-platforms.lock")
        .read_text()
        .replace('"core"', '"debian-core"'),
        "debian/package.json": json.dumps({**asked, "orbiter": {"groups": groups}}),
        "debian/package-lock.json": json.dumps(
            {"lockfileVersion": 3, "packages": {"": asked, **NPM}}
        ),
        "build/debian-core/Dockerfile": dockerfile,
        **{
            f"debian/{name}": text.replace('"base-build"', '"debian-base-build"')
            for name, text in pip.items()
        },
    }
    return model.seal(manifest(release), files)


def manifest(release: str) -> Manifest:
    tool = Artifact(file="uv.whl", hash="sha256:" + "b" * 64, source="uv/uv.whl")
    return Manifest(
        release=release,
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1793491200,
        tools={"poetry": "2.5.1"},
        bases={"debian:trixie-slim": {AMD: "sha256:" + "a" * 64, ARM: "sha256:" + "c" * 64}},
        builders={"debian": BuilderFacts(python="3.13.5", glibc={AMD: "2.41", ARM: "2.41"})},
        installers=(Installer(platform=AMD, pin=Pin(name="uv", version="0.13.8", artifact=tool)),),
    )


def read(tmp_path: Path) -> Lock:
    return lock_set.as_lock(locked(tmp_path), "0.2.0")


def by_name(lock: Lock, image: str, platform: str) -> Mapping[tuple[str, str], PackageEntry]:
    return {(each.manager, each.name): each for each in lock.packages[Scope(image, platform)]}


def test_scopes_are_the_published_images(tmp_path: Path) -> None:
    lock = read(tmp_path)
    images = [
        ("debian-core", AMD),
        ("debian-core", ARM),
        ("debian-base", AMD),
        ("debian-base", ARM),
    ]
    places = [*images, ("installers", AMD), ("installers", ARM)]
    assert set(lock.packages) == {Scope(*each) for each in places}
    (uv,) = lock.packages[Scope("installers", AMD)]
    assert (uv.manager, uv.name, uv.version, uv.files[0].hashes) == (
        "pip",
        "uv",
        "0.13.8",
        ("sha256:" + "b" * 64,),
    )
    assert (lock.name, lock.format, lock.release) == ("0.2.0", "lock set 1", "0.2.0")


def test_an_image_contains_the_packages_of_its_stages_and_environment(tmp_path: Path) -> None:
    lock = read(tmp_path)
    apt = {("apt", "python3"), ("apt", "python3.13"), ("apt", "tzdata")}
    assert set(by_name(lock, "debian-core", AMD)) == apt
    pip = {("pip", name) for name in ("docopt", "jinja2", "markupsafe", "tqdm")}
    assert set(by_name(lock, "debian-base", ARM)) == apt | pip | {
        ("npm", "parent"),
        ("npm", "inside"),
    }


def test_requirements_of_the_stages_are_direct(tmp_path: Path) -> None:
    found = by_name(read(tmp_path), "debian-base", AMD)
    assert {name for (_, name), each in found.items() if each.direct} == {
        "python3", "tzdata", "docopt", "jinja2", "tqdm", "parent",
    }  # fmt: skip
    assert found["pip", "jinja2"].requires == ("markupsafe",)
    assert found["npm", "parent"].requires == ("inside",)
    assert found["pip", "jinja2"].groups == ("debian-base-build",)


def test_files_and_sizes_depend_on_the_platform(tmp_path: Path) -> None:
    lock = read(tmp_path)
    amd, arm = (by_name(lock, "debian-base", platform) for platform in (AMD, ARM))
    assert amd["apt", "python3"].files == (
        PackageFile("python3_3.13.5-1_amd64.deb", ("sha256:" + "1" * 64,)),
    )
    assert (amd["apt", "python3"].size, arm["apt", "python3"].size) == (28260, 28261)
    assert (amd["apt", "python3.13"].version, arm["apt", "python3.13"].version) == (
        "3.13.5-2",
        "3.13.5-2+b1",
    )
    assert "x86_64" in amd["pip", "markupsafe"].files[0].name
    assert "aarch64" in arm["pip", "markupsafe"].files[0].name
    assert amd["npm", "inside"].files == ()


def test_facts(tmp_path: Path) -> None:
    facts = dict(read(tmp_path).facts)
    assert facts == {
        "base image": {
            "debian:trixie-slim linux/amd64": "sha256:" + "a" * 64,
            "debian:trixie-slim linux/arm64": "sha256:" + "c" * 64,
        },
        "platform": {AMD: "locked", ARM: "locked"},
        "python": {"debian": "3.13.5"},
        "tool": {"poetry": "2.5.1"},
        "network while building": {"debian-base-build": "allowed"},
    }


def test_release_and_date_do_not_change_a_dockerfile(tmp_path: Path) -> None:
    template = (DATA.parent / "golden" / "one-platform" / "debian-core" / "Dockerfile").read_text()
    assert "# debian-core, rendered by Orbiter" in template
    template = template.replace(
        "core, rendered", "core 0.1.0, rendered"
    )  # as the first releases have it
    later = template.replace("0.1.0", "0.2.0").replace('created="2025', 'created="2027')
    assert later.count("2027") == 1
    other = later.replace("USER", "# another line\nUSER", 1)
    now = later.replace("core 0.2.0, rendered", "core, rendered")
    assert now != later
    first, second, third, fourth = (
        build_files.texts(locked(tmp_path, each))["build/debian-core/Dockerfile"]
        for each in (template, later, now, other)
    )
    assert first == second == third != fourth


def test_parts_without_a_lock_are_noted(tmp_path: Path) -> None:
    complete = locked(tmp_path)
    files = {path: text for path, text in complete.files.items() if not path.endswith(".lock")}
    lock = lock_set.as_lock(model.seal(replace(complete.manifest, files={}), files), "x")
    assert set(by_name(lock, "debian-base", AMD)) == {("npm", "parent"), ("npm", "inside")}
    assert "builder debian: apt is not locked" in lock.notes
