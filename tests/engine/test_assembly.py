"""Assembled images: the same files as in BuildKit's own images, and accepted by every tool."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from orbiter.assembly.file_system import FileSystem
from orbiter.assembly.image import AssembledImage
from orbiter.assembly.raw_image import RawImage, read_raw_images
from orbiter.assembly.raw_layer import read_layer, uncompressed
from orbiter.assembly.tree import Entry
from orbiter.build import assembled
from orbiter.build.build import build
from orbiter.build.built_image import BuiltImage
from orbiter.build.options import BuildOptions
from orbiter.lockset import folder as lockset_folder
from orbiter.oci.layout import blob_path
from orbiter.render.model import LAYER_TIME

pytestmark = pytest.mark.engine

REGISTRY = os.environ.get("ORBITER_WORLD_REGISTRY", "127.0.0.1:1")
# Each line makes what a base image or the step before does not have, or changes it.
KINDS = r"""
mkdir -m 2775 /opt/kinds && cd /opt/kinds
echo text > file && chown 12:34 file && chmod 4755 file
ln file hard && ln -s ../kinds/file soft && ln -s /absent dangling
mknod device c 1 3 && mknod pipe p
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
setcap cap_net_raw+ep /usr/bin/env
mkdir -p "a b/$(printf 'x%.0s' $(seq 200))/$(printf 'y%.0s' $(seq 120))"
echo deep > "a b/$(printf 'x%.0s' $(seq 200))/$(printf 'y%.0s' $(seq 120))/deep"
echo bytes > "$(printf 'na\377me')"
echo big > big && chown 3000000:3000001 big
rm /etc/issue && rm -r /etc/skel && mkdir /etc/issue && echo > /etc/skel
cd /usr/share && rm -r base-passwd && mkdir base-passwd && echo new > base-passwd/new
chmod 700 /srv
echo id > /etc/machine-id && echo log > /var/log/build.log && echo > /etc/subuid-
cd /opt/kinds && echo 'x = 1' > module.py && env -u PYTHONPYCACHEPREFIX python3 -c 'import module'
python3 -c 'import os; os.utime("module.py", (0, 0))' && rm -r __pycache__
python3 -m compileall -q --invalidation-mode timestamp module.py
"""
IMAGES = f"""
version = "0.1.0"
repository = "{REGISTRY}/orbiter-test/assembly"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
apt = ["libcap2-bin", "python3-minimal"]
postbuild = ['''{KINDS}''']
[image.debian.base]
from = "core"
postbuild = ["cd /opt/kinds; rm -r 'a b'; echo more > more; ln more same"]
"""
STATE = {"etc/machine-id", "etc/subuid-", "var/log/build.log"}
"""Files of the step that the documented rules leave out."""
FOLDERS = ("var/cache/", "var/lib/apt/lists/", "var/lib/dpkg/", "var/log/")
"""The start of paths of other such files."""


class Built:
    """Images, and the layouts that BuildKit made of the same stages, by name."""

    def __init__(self, project: Path, kept: Path) -> None:
        self.project = project
        self._kept = kept

    def build(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, BuiltImage]:
        """Build all images, and keep the layouts, which a build removes at its end."""
        read = read_raw_images

        def keep(layout: Path, lineage: Sequence[str]) -> tuple[RawImage, ...]:
            shutil.copytree(layout, self._kept / layout.name, copy_function=os.link)
            return read(self._kept / layout.name, lineage)

        monkeypatch.setattr(assembled, "read_raw_images", keep)
        locked = lockset_folder.read(self.project / "locks" / "0.1.0")
        images = build(locked, BuildOptions(**options), lambda _title: lambda _line: None)
        return {image.stage: image for image in images}

    def raw(self, name: str, scratch: Path) -> dict[str, Entry]:
        """Return the file system of the image that BuildKit made."""
        layout = self._kept / name
        index = json.loads((layout / "index.json").read_bytes())
        manifest = json.loads((layout / blob_path(index["manifests"][0]["digest"])).read_bytes())
        files = [layout / blob_path(layer["digest"]) for layer in manifest["layers"]]
        return file_system(files, scratch)


def file_system(layers: Sequence[Path], scratch: Path) -> dict[str, Entry]:
    system = FileSystem()
    for layer in layers:
        system.apply(read_layer(uncompressed(layer, scratch)))
    return system.tree


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Built, dict[str, BuiltImage]]]:
    project = tmp_path_factory.mktemp("project")
    (project / "images.toml").write_text(IMAGES)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("ORBITER_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        command = [sys.executable, "-m", "orbiter", "lock", "-q"]
        subprocess.run(command, cwd=project, check=True)
        made = Built(project, tmp_path_factory.mktemp("layouts"))
        yield made, made.build(monkeypatch)


def links(tree: dict[str, Entry]) -> set[frozenset[str]]:
    """Return the groups of paths that are hard links of one file."""
    groups: dict[int, set[str]] = defaultdict(set)
    for path, entry in tree.items():
        groups[entry.inode].add(path)
    groups.pop(0, None)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


@pytest.mark.parametrize("name", ["debian-core", "debian-base"])
def test_the_files_are_those_of_the_image_that_buildkit_makes(
    built: tuple[Built, dict[str, BuiltImage]], name: str, tmp_path: Path
) -> None:
    made, images = built
    raw = made.raw(name, tmp_path)
    (image,) = images[name].images
    own = file_system([layer.path for layer in image.layers], tmp_path)
    left_out = raw.keys() - own.keys()
    assert not own.keys() - raw.keys()
    assert {path for path in left_out if not is_state(path)} == set()
    assert left_out >= STATE
    assert "opt/kinds/__pycache__/module.cpython-313.pyc" not in own
    differing = [path for path in own if not own[path].equals(raw[path])]
    assert differing == []
    assert links({path: raw[path] for path in own}) == links(own)
    kinds = own["opt/kinds/file"]
    assert (oct(kinds.mode), kinds.uid, kinds.gid) == ("0o4755", 12, 34)
    assert "security.capability" in dict(own["usr/bin/env"].attributes)


def is_state(path: str) -> bool:
    """Return whether the documentation names a path as one that images lack."""
    return path in STATE or path.endswith((".pyc", "__pycache__")) or path.startswith(FOLDERS)


def test_every_entry_has_the_same_time(
    built: tuple[Built, dict[str, BuiltImage]], tmp_path: Path
) -> None:
    _, images = built
    (image,) = images["debian-base"].images
    base = len(json.loads(image.config)["rootfs"]["diff_ids"]) - own_layers(image)
    times: set[float] = set()
    for layer in image.layers[base:]:
        with tarfile.open(uncompressed(layer.path, tmp_path)) as tar:
            times.update(member.mtime for member in tar)
    assert times == {LAYER_TIME}


def own_layers(image: AssembledImage) -> int:
    """Return the number of layers that Orbiter made."""
    history = json.loads(image.config)["history"]
    return sum(step.get("created_by", "").startswith("orbiter: ") for step in history)


def test_an_image_shares_all_layers_of_its_parent(
    built: tuple[Built, dict[str, BuiltImage]],
) -> None:
    _, images = built
    (core,), (base,) = images["debian-core"].images, images["debian-base"].images
    assert base.layers[: len(core.layers)] == core.layers
    assert sum(layer.size for layer in base.layers[len(core.layers) :]) < 10_000


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_container_has_the_files(built: tuple[Built, dict[str, BuiltImage]]) -> None:
    _, images = built
    script = (
        "getcap /usr/bin/env; stat -c '%a %u %g %h' /opt/kinds/file; readlink /opt/kinds/soft;"
        " test -d /etc/issue; test -f /etc/skel; ls /usr/share/base-passwd;"
        " stat -c %u /opt/kinds/big; test ! -e '/opt/kinds/a b'; cat /opt/kinds/same"
    )
    output = run(
        "docker", "run", "--rm", "--user=0", images["debian-base"].tag, "sh", "-ec", script
    )
    assert output.splitlines() == [
        "/usr/bin/env cap_net_raw=ep",
        "4755 12 34 2",
        "../kinds/file",
        "new",
        "3000000",
        "more",
    ]


@pytest.mark.skipif(REGISTRY.endswith(":1"), reason="ORBITER_WORLD_REGISTRY names no registry")
def test_other_tools_copy_and_pull_the_image(
    built: tuple[Built, dict[str, BuiltImage]], tmp_path: Path
) -> None:
    made, images = built
    tag = images["debian-base"].tag
    command = [sys.executable, "-m", "orbiter", "build", "-q", "--image", "debian-base"]
    subprocess.run([*command, "--output", str(tmp_path)], cwd=made.project, check=True)
    archive = tmp_path / "debian-base-0.1.0.tar"
    # skopeo verifies the digests and sizes of all blobs, and the diff IDs as it unpacks them.
    run("skopeo", "copy", f"oci-archive:{archive}", f"dir:{tmp_path}/unpacked")
    copy = ["skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false"]
    run(*copy, f"oci-archive:{archive}", f"docker://{tag}-copied")
    run(*copy, f"oci-archive:{archive}", f"oci:{tmp_path}/layout:name")
    index = json.loads((tmp_path / "layout" / "index.json").read_bytes())
    assert index["manifests"][0]["digest"] == images["debian-base"].digest
    run("docker", "pull", "--quiet", f"{tag}-copied")
    inspected = run("docker", "image", "inspect", "--format={{.RepoDigests}}", f"{tag}-copied")
    assert images["debian-base"].digest in inspected
    assert run("docker", "run", "--rm", f"{tag}-copied", "cat", "/opt/kinds/more") == "more\n"
    run("docker", "image", "rm", f"{tag}-copied")
