"""Images from a real build: their contents, and the checks that reject wrong bytes."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orbiter.build.build import build
from orbiter.build.built_image import BuiltImage
from orbiter.build.inputs import build_definition, write_inputs
from orbiter.build.options import BuildOptions
from orbiter.config import snapshot
from orbiter.config.image_set import Builder, ImageSet, Stage
from orbiter.docker import client, containers, local_images
from orbiter.docker.bake import BakeOptions, run_bake
from orbiter.docker.bake_definition import bound
from orbiter.fetch.base_image import fetch_image
from orbiter.fetch.fill import artifacts_by_stage
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.model import LockSet, Manifest
from orbiter.oci import base_image
from orbiter.oci.layout import blob_path
from orbiter.render.derived import derive
from orbiter.store.store import Store
from orbiter.tasks import Report
from resolvers.errors import ExpectedError
from tests.support.byte_code import invalid_byte_code
from tests.support.git_server import GitServer, git_server
from tests.support.lock_sets import rendered
from tests.support.loopback import Answer, serving
from tests.support.npm_tarballs import tarball
from tests.support.quick_orbiter import use_quick_compression
from tests.support.wheel_index import Wheel, wheel_index

pytestmark = [pytest.mark.engine, pytest.mark.index]

AMD64, ARM64 = "linux/amd64", "linux/arm64"
BASE = "debian:trixie-slim"
REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "")
COMPILE = "env -u PYTHONPYCACHEPREFIX python -m compileall -q --invalidation-mode unchecked-hash"
IMAGES = f"""
version = "0.1.0"
repository = "{REGISTRY + "/" if REGISTRY else ""}orbiter-test/build"
maintainer = "Somebody <somebody@example.org>"
source = "https://git.example.org/team/images"

[index.lab]
url = "LAB"

[builder.debian]
from = "{BASE}"
python = "3.13"

[image.debian.core]
apt = ["default-jre-headless", "nodejs", "openssh-server", "python3", "ssl-cert"]
normalize = ["rm /etc/ssh/moduli"]

[image.debian.base]
from = "core"
pip = [
    "docopt", "markupsafe", "six",
    "orbit-git @ git+GIT@v1", "orbit-folder @ ./orbit-folder", "orbit-url @ URL",
    {{ requirement = "orbit-index", index = "lab" }},
]
pip-sdist = ["docopt", "orbit-git"]
npm = ["semver", NPM]
postbuild = [
    "semver 1.2.3 > /opt/env/postbuild",
    "python -c 'import six'",
    "env -u PYTHONPYCACHEPREFIX python -c 'import docopt'",
    "{COMPILE} /opt/env/lib/python3*/site-packages/markupsafe",
]
"""
PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "1"
[tool.setuptools]
py-modules = ["{module}"]
"""
COMPILED = [
    "/opt/env/lib/python3.13/site-packages/__pycache__/docopt.cpython-313.pyc",
    *(
        f"/opt/env/lib/python3.13/site-packages/markupsafe/__pycache__/{name}.cpython-313.pyc"
        for name in ("__init__", "_native")
    ),
]


class Built:
    """The images of one lock set, and a folder with the inputs of their build."""

    def __init__(self, locked: LockSet, cache: Path, place: Path) -> None:
        self.locked, self.place = locked, place
        self._cache = cache
        derived = derive(locked)
        self._definition = bound(build_definition(derived, locked.root), place)
        self.images = {image.stage: image for image in self.build()}
        with self._settings():
            write_inputs(locked, derived, artifacts_by_stage(locked), (), Store(), place)

    @contextmanager
    def _settings(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ORBITER_CACHE_DIR", str(self._cache))
            use_quick_compression(patch.setattr)
            yield

    def build(self, **options: object) -> tuple[BuiltImage, ...]:
        with self._settings():
            return build(self.locked, BuildOptions(**options), silent)  # type: ignore[arg-type]

    def run_steps(self, stage: str) -> None:
        """Run the steps of a stage with the files that are in the folder now."""
        run_bake(self.place, self._definition, BakeOptions(targets=(stage,)), silent)

    def tag(self, stage: str = "debian-base") -> str:
        return self.images[stage].tag


def silent(_title: str) -> Report:
    return lambda _line: None


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Lock, archive and build; the build has only files from the archive."""
    project, cache = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cache")
    with wheel_index() as lab:
        name, content = wheel_of("orbit_index")
        lab.wheels["orbit-index"] = {name: Wheel(name, content, attributes={}, hashed=True)}
        with git_server(tmp_path_factory.mktemp("git")) as server, serving() as files:
            server.commit("orbit-git", source_of("orbit-git"), tag="v1")
            name, content = wheel_of("orbit_url")
            files.replies[f"/{name}"] = Answer(200, content)
            images = IMAGES.replace("GIT", server.repository_url("orbit-git"))
            images = images.replace("URL", f"{files.url}/{name}").replace("LAB", lab.url)
            (project / "images.toml").write_text(images.replace("NPM", npm_list(server)))
            for path, text in source_of("orbit-folder").items():
                (project / "orbit-folder").mkdir(exist_ok=True)
                (project / "orbit-folder" / path).write_text(text)
            run_orbiter(project, cache, "lock")
            # Locking puts pip's files of addresses into the store, but not those of npm.
            run_orbiter(project, cache, "fetch")
        # The files of addresses are in the store; nothing serves them any more.
        run_orbiter(project, cache, "archive", "kept")
    other_cache = tmp_path_factory.mktemp("other_cache")
    run_orbiter(project, other_cache, "fetch", "--from", "kept")
    locked = lockset_folder.read(project / "locks" / "0.1.0")
    return Built(locked, other_cache, tmp_path_factory.mktemp("place"))


def npm_list(repositories: GitServer) -> str:
    """Return an alias, the address of a tarball, and a repository that needs this tarball."""
    package_json = json.dumps({"name": "odd", "version": "1.0.0", "dependencies": {"leaf": "*"}})
    index = "module.exports = require('leaf') + 1\n"
    repositories.commit("odd", {"package.json": package_json, "index.js": index}, "v1")
    repositories.server.replies["/leaf.tgz"] = Answer(200, tarball("leaf", "1.0.0", "41"))
    leaf = f"{repositories.server.url}/leaf.tgz"
    odd = f"git+{repositories.repository_url('odd')}#v1"
    return f'"number@npm:is-number@7", "leaf@{leaf}", "odd@{odd}"'


def run_orbiter(project: Path, cache: Path, *words: str) -> None:
    env = {**os.environ, "ORBITER_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "orbiter", *words, "-q"]
    subprocess.run(command, cwd=project, env=env, check=True)


def source_of(name: str) -> dict[str, str]:
    """Return the files of a made-up Python project with one module."""
    module = name.replace("-", "_")
    return {
        "pyproject.toml": PYPROJECT.format(name=name, module=module),
        f"{module}.py": f"name = {name!r}\n",
    }


def wheel_of(module: str) -> tuple[str, bytes]:
    """Return the file name and the content of a made-up wheel with one module."""
    folder = f"{module}-1.dist-info"
    texts = {
        f"{module}.py": f"name = {module!r}\n",
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    texts[f"{folder}/RECORD"] = "".join(f"{path},,\n" for path in (*texts, f"{folder}/RECORD"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
    return f"{module}-1-py3-none-any.whl", content.getvalue()


def inside(tag: str, script: str, *words: str) -> list[str]:
    command = [
        "docker",
        "run",
        "--rm",
        "--network=none",
        *words,
        tag,
        "sh",
        "-c",
        f"set -e\n{script}",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_notebook_user_has_what_it_needs(built: Built) -> None:
    found = inside(
        built.tag(),
        "id -un; id -u; id -g; pwd; echo $HOME $NB_USER $NB_UID $NB_GID $LANG; "
        "bash -lc 'which python semver'",
        "--init",
    )
    environment = "/home/jovyan jovyan 1000 100 C.UTF-8"
    assert found == [
        "jovyan",
        "1000",
        "100",
        "/home/jovyan",
        environment,
        "/opt/env/bin/python",
        "/opt/env/bin/semver",
    ]
    assert inside(
        built.tag(),
        "touch ~/a /opt/env/a; python -c 'import docopt, six, markupsafe._speedups'; semver 1.2.3",
    ) == ["1.2.3"]


def test_packages_from_other_places_than_the_index_are_installed(built: Built) -> None:
    code = "import orbit_folder as a, orbit_git as b, orbit_index as c, orbit_url as d; "
    code += "print(a.name, b.name, c.name, d.name)"
    names = "orbit-folder orbit-git orbit_index orbit_url"
    assert inside(built.tag(), f"python -c '{code}'") == [names]


def test_npm_packages_from_a_repository_and_an_address_are_installed(built: Built) -> None:
    script = "console.log(require('number')(1), require('odd'))"
    found = inside(built.tag(), f'cd /opt/env/lib/npm; node -e "{script}"; ls node_modules')
    assert found == ["true 42", "leaf", "number", "odd", "semver"]
    artifacts = built.locked.files["build/debian-base/artifacts-linux-amd64.txt"]
    assert " npm/odd-1.0.0.tgz npm:git+http://127.0.0.1:" in artifacts
    assert " npm/leaf-1.0.0.tgz url:http://127.0.0.1:" in artifacts


def test_any_uid_may_write_to_the_home(built: Built) -> None:
    assert inside(built.tag(), "mkdir ~/.cache; touch ~/.cache/x; id -u", "--user", "12345") == [
        "12345"
    ]


def test_labels_name_the_origin_of_an_image(built: Built) -> None:
    labels = local_images.image_labels(built.tag())
    assert labels is not None
    image = "org.opencontainers.image"
    assert labels[f"{image}.title"] == "debian-base"
    assert labels[f"{image}.version"] == "0.1.0"
    assert labels[f"{image}.authors"] == "Somebody <somebody@example.org>"
    assert labels[f"{image}.source"] == "https://git.example.org/team/images"
    assert labels[f"{image}.revision"] == labels["org.orbiter.lockset"] == built.locked.root
    assert labels[f"{image}.created"] == built.locked.manifest.cutoff
    assert labels["org.orbiter.hermetic"] == "true"
    assert "org.orbiter.stage" not in labels
    assert local_images.image_labels("orbiter-test/nothing:here") is None


def test_the_image_contains_its_package_list(built: Built) -> None:
    listed = json.loads("".join(inside(built.tag(), "cat /usr/share/orbiter/packages.json")))
    assert listed["format"] == 1
    names = {(package["manager"], package["name"]) for package in listed["packages"]}
    assert {("apt", "python3"), ("apt", "nodejs"), ("npm", "semver"), ("pip", "six")} <= names
    assert listed["packages"] == sorted(
        listed["packages"], key=lambda p: (p["manager"], p["name"], p["version"])
    )


def test_nothing_is_left_over(built: Built) -> None:
    leftovers = "ls -d /artifacts /lock /opt/uv /usr/sbin/policy-rc.d /tmp/* 2>/dev/null || true"
    old = "find / -xdev '(' -name uv_cache.json -o -path '/var/lib/dpkg/*-old' "
    old += "-o -path '/usr/share/man/man?/*' -type f ')'"
    byte_code = "find /opt/env /usr/lib/python3 -name '*.pyc' | sort"
    assert inside(built.tag(), f"{leftovers}; {old}; {byte_code}", "--user", "0") == COMPILED
    # Files of the base image stay, such as the empty locks of apt.
    state = "find /var/lib/apt/lists /var/cache/apt /var/log -type f -exec sha256sum {} +"
    own, of_base = (set(inside(tag, state, "--user", "0")) for tag in (built.tag(), BASE))
    assert own <= of_base
    assert inside(
        built.tag(),
        "python3 -c 'import json; print(json.__cached__)'; ls /usr/lib/python3.13/json/__pycache__",
    )


def test_all_byte_code_is_valid_without_times(built: Built) -> None:
    invalid, count = invalid_byte_code(built.tag())
    assert invalid == []
    assert count > 500


def test_host_keys_are_created_when_the_service_first_starts(built: Built) -> None:
    """Neither keys nor a generated certificate are in the image."""
    script = """\
exec 2> /tmp/errors
ls /etc/ssh/*key* /etc/ssl/private/* /etc/ssl/certs/ssl-cert-snakeoil.pem || true
service ssh start > /dev/null
# sshd becomes a daemon before it listens.
for attempt in $(seq 1000); do
    ssh-keyscan -t ed25519 127.0.0.1 | grep ssh-ed25519 && break
    sleep 0.1
done
ssh-keygen -l -f /etc/ssh/ssh_host_rsa_key.pub | cut -c1-4
service ssh status > /dev/null
"""
    keys = [inside(built.tag("debian-core"), script, "--user", "0") for _ in range(2)]
    for key, length in keys:
        assert key.startswith("127.0.0.1 ssh-ed25519 ")
        assert length == "3072"
    assert keys[0] != keys[1]


def test_java_has_the_certificates_of_debian(built: Built) -> None:
    script = "keytool -list -cacerts -storepass changeit | grep trustedCertEntry"
    entries = inside(built.tag("debian-core"), script)
    assert len(entries) > 100
    assert {entry.split(", ", 1)[1] for entry in entries} == {"Jan 1, 2000, trustedCertEntry, "}


def test_rules_of_the_image_set_apply_too(built: Built) -> None:
    assert inside(built.tag("debian-core"), "ls /etc/ssh/moduli || true") == []


def test_two_builds_without_cache_have_one_digest(built: Built) -> None:
    (again,) = built.build(images=("debian-base",), no_cache=True, load=False)
    assert again.digest == built.images["debian-base"].digest


def test_the_engine_and_a_kept_archive_have_the_reported_digest(
    built: Built, tmp_path: Path
) -> None:
    (image,) = built.build(images=("debian-core",), output=tmp_path, load=False)
    assert image.file == tmp_path / "debian-core-0.1.0.tar"
    with tarfile.open(image.file) as archive:
        index = json.loads(archived(archive, "index.json"))
        manifest = archived(archive, blob_path(image.digest))
    assert [entry["digest"] for entry in index["manifests"]] == [image.digest]
    assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == image.digest
    assert [path.name for path in tmp_path.iterdir()] == ["debian-core-0.1.0.tar"]
    assert client.connect().images.get(image.tag).id == image.digest


def archived(archive: tarfile.TarFile, path: str) -> bytes:
    file = archive.extractfile(path)
    assert file is not None
    return file.read()


@pytest.mark.parametrize(
    "path", ["apt/nodejs", "pip/markupsafe", "npm/semver", "tools/uv", "tools/npm"]
)
def test_a_flipped_byte_fails_the_installation(built: Built, path: str, tmp_path: Path) -> None:
    stage = "debian-core" if path.startswith("apt/") else "debian-base"
    folder, _, name = path.partition("/")
    (file,) = (built.place / "artifacts" / stage / folder / "linux-amd64").glob(f"{name}[-_]*")
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    # The file is a hard link into the store, and its permissions are part of BuildKit's cache.
    original = file.rename(tmp_path / "original")
    file.write_bytes(changed)
    try:
        with pytest.raises(ExpectedError, match=f"building {stage} failed at '(apt|pip|npm)'"):
            built.run_steps(stage)
    finally:
        original.replace(file)


def test_a_failing_step_is_reported_with_its_last_lines(built: Built) -> None:
    file = built.place / "build/debian-base/Dockerfile"
    text = file.read_text()
    file.write_text(text.replace("\n semver 1.2.3 >", "\n echo 'this is why' >&2; false >"))
    try:
        with pytest.raises(
            ExpectedError, match=r"building debian-base failed at 'postbuild':\n.*this is why"
        ):
            built.run_steps("debian-base")
    finally:
        file.write_text(text)


def test_a_step_that_wants_the_network_says_that_it_is_off(built: Built) -> None:
    file = built.place / "build/debian-base/Dockerfile"
    text = file.read_text()
    download = """node -e 'require("https").get("https://nodejs.example/headers.tar.gz")'"""
    file.write_text(text.replace("\n semver 1.2.3 >", f"\n {download} >"))
    try:
        with pytest.raises(ExpectedError, match="building debian-base failed at") as caught:
            built.run_steps("debian-base")
    finally:
        file.write_text(text)
    assert "the network is off during builds" in caught.value.hint


@pytest.mark.skipif(not REGISTRY, reason="ORBITER_WORLD_REGISTRY names no registry to push to")
def test_a_pushed_image_keeps_its_digest(built: Built) -> None:
    (image,) = built.build(images=("debian-core",), load=False, push=True, force=True)
    assert base_image.pin(image.tag, AMD64).digest == image.digest


def test_one_of_several_platforms_is_built_from_a_base_without_a_registry() -> None:
    pinned = base_image.pin(BASE, AMD64, mirrors=client.mirrors())
    fetch_image(pinned, Store(), mirrors=client.mirrors())
    stage = Stage(
        name="debian-core", builder="debian", image="core", kind="final", postbuild=("touch /made",)
    )
    unreachable = "nowhere.invalid/debian:1"
    image_set = ImageSet(
        version="0.1.0",
        repository="orbiter-test/platforms",
        platforms=(AMD64, ARM64),
        builders={"debian": Builder(name="debian", base=unreachable)},
        stages=(stage,),
    )
    manifest = Manifest(
        release="0.1.0",
        cutoff="2026-11-01T00:00:00Z",
        source_date_epoch=1,
        bases={unreachable: {AMD64: pinned.digest, ARM64: f"sha256:{0:064}"}},
    )
    locked = rendered(manifest, {"images.toml": snapshot.dump(image_set)})
    (image,) = build(locked, BuildOptions(platforms=(AMD64,)), silent)
    assert image.platforms == (AMD64,)
    assert inside(image.tag, "ls /made /usr/share/orbiter/packages.json")


def test_a_shell_runs_in_the_pinned_image(tmp_path: Path) -> None:
    pinned = base_image.pin(BASE, AMD64, mirrors=client.mirrors())
    shell = containers.image_shell(BASE, pinned.digest, AMD64)
    script = "cat /etc/debian_version; id -u; echo kept > /cache/file"
    assert shell(script, platform=AMD64, cache=str(tmp_path)).splitlines()[1:] == ["0"]
    assert (tmp_path / "file").read_text() == "kept\n"
    with pytest.raises(ExpectedError, match="exit code 3"):
        shell("exit 3", platform=AMD64)
