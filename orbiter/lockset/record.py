"""The record of a release: the digests of its images and layers, stored in its lock set.

``digests.toml`` freezes a lock set. ``layers/`` has a list for each layer that Orbiter made, with
one line per entry of the layer's tar file, in the same order. A line has six hex digits of a sha256
of the entry without its time, which is the same for all entries. Paths are omitted to keep the
lists small: they can be read from a layer that differs. So a list still identifies the first file
that differs. Layers of base images have no list, because the lock set has their digests.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from orbiter.lockset import damage
from orbiter.lockset import folder as lockset_folder
from orbiter.lockset.folder import CHECKOUT, refuse_newer_format
from orbiter.lockset.model import BUILD, DIGESTS, LAYERS, LockSet, LockSetError
from resolvers.types.packages import FileSize

FORMAT = 1
BAKE_FILE = f"{BUILD}/docker-bake.json"
LAYER_LIST = re.compile(r"([0-9a-f]{6}\n)*")
LAYER_LIST_NAME = re.compile(r"[0-9a-f]{16}\.txt")
RELEASE_HINT = "build the images and record their digests: orbiter release"
Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]


class RecordedLayer(
    msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True
):
    """One layer.

    ``diff_id`` is the digest of its tar file, ``digest`` and ``size`` (bytes) are those of the
    compressed file.
    """

    diff_id: Digest
    digest: Digest
    size: FileSize


class RecordedImage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The image of one stage and platform, with the digests of its manifest and configuration."""

    digest: Digest
    config: Digest
    layers: tuple[RecordedLayer, ...]

    @property
    def size(self) -> int:
        """The size of the compressed layers, which users download."""
        return sum(layer.size for layer in self.layers)


class RecordedBuilder(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The versions that affect an image's bytes besides the lock set.

    ``engine`` is empty for a builder that is not part of a Docker Engine. ``buildkit`` is empty if
    the builder does not report it. ``compression`` names the library that compressed the layers.
    """

    buildkit: str = ""
    engine: str = ""
    buildx: str = ""
    compression: str = ""

    def __str__(self) -> str:
        engine = f"Engine {self.engine}"
        if self.buildkit and self.engine:
            return f"BuildKit {self.buildkit} of {engine}"
        if self.buildkit:
            return f"BuildKit {self.buildkit}"
        return f"the BuildKit of {engine}" if self.engine else "an unknown BuildKit"


class Digests(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of digests.toml.

    ``lockset`` is the root digest of the lock set that was built. ``stages`` maps stages and
    platforms to images. ``lists`` maps the files in ``layers/`` to their sha256.
    """

    format: int = FORMAT
    release: str
    lockset: Digest
    builder: RecordedBuilder
    stages: Mapping[str, Mapping[str, RecordedImage]]
    lists: Mapping[str, Digest]


class ReleaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of a release and the texts of its layer lists, by file name."""

    digests: Digests
    lists: Mapping[str, str]

    def entries(self, diff_id: str) -> list[str] | None:
        """Return the lines of a layer's list; None if the layer has no list."""
        text = self.lists.get(layer_list_name(diff_id))
        return None if text is None else text.splitlines()

    def files(self) -> dict[str, str]:
        """Return the files of the record by their path in the lock set."""
        lists = {f"{LAYERS}/{name}": text for name, text in self.lists.items()}
        return {DIGESTS: digests_text(self.digests), **lists}


def layer_list_name(diff_id: str) -> str:
    """Return the file name of a layer's list."""
    return f"{diff_id.partition(':')[2][:16]}.txt"


def digests_text(digests: Digests) -> str:
    """Return the text of digests.toml."""
    return msgspec.toml.encode(digests, order="sorted").decode()


def image_stages(lock_set: LockSet) -> dict[str, tuple[str, ...]]:
    """Return the stages whose images users pull, with their platforms."""
    if not lock_set.is_complete:
        return {}
    image_set = lock_set.image_set
    stages = [stage for stage in image_set.stages if stage.kind == "final"]
    return {stage.name: image_set.platforms for stage in stages}


def read(folder: Path, lock_set: LockSet) -> ReleaseRecord:
    """Read the record of a lock set from its folder, and check it.

    Raises LockSetError with the name of a file that is missing, unknown or changed, or with an
    image that is missing or not part of the lock set.
    """
    path = folder / DIGESTS
    # The manifest does not cover the record, so every file of it is checked here.
    digests = _read_digests(path)
    if digests.lockset != lock_set.root:
        problem = (
            f"{path} belongs to another lock set: "
            f"it has the root digest {digests.lockset}, this lock set has {lock_set.root}"
        )
        raise LockSetError(problem, CHECKOUT)
    _check_images(path, digests, lock_set)
    for name in digests.lists:
        if not LAYER_LIST_NAME.fullmatch(name):
            raise LockSetError(f"{path}: '{name}' is not the name of a layer list", CHECKOUT)
    lists_folder = folder / LAYERS
    lists = {
        name: _read_layer_list(lists_folder / name, sha256)
        for name, sha256 in digests.lists.items()
    }
    for other in sorted(lists_folder.glob("*")):
        if LAYER_LIST_NAME.fullmatch(other.name) and other.name not in lists:
            raise LockSetError(f"{other}: not listed in {DIGESTS}", "remove it")
    return ReleaseRecord(digests=digests, lists=lists)


def _read_digests(path: Path) -> Digests:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        problem = f"{path.parent} was not released: it has no {path.name}"
        raise LockSetError(problem, RELEASE_HINT) from None
    damage.refuse_damaged(path, content, path.parent)
    try:
        table: dict[str, Any] = msgspec.toml.decode(content.decode())
        refuse_newer_format(path, table, FORMAT)
        return msgspec.convert(table, Digests)
    except (ValueError, RecursionError) as error:
        raise LockSetError(f"{path}: {error}", CHECKOUT) from None


def _check_images(path: Path, digests: Digests, lock_set: LockSet) -> None:
    expected = _pairs(image_stages(lock_set))
    recorded = _pairs(digests.stages)
    for stage, platform in sorted(expected ^ recorded):
        problem = f"{path}: the image of {stage} for {platform} is missing"
        if (stage, platform) in recorded:
            problem = f"{path}: the lock set does not build the image of {stage} for {platform}"
        raise LockSetError(problem, CHECKOUT)


def _pairs(stages: Mapping[str, Mapping[str, Any] | tuple[str, ...]]) -> set[tuple[str, str]]:
    """Return the pairs of stage and platform."""
    return {(stage, platform) for stage, platforms in stages.items() for platform in platforms}


def _read_layer_list(path: Path, sha256: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LockSetError(f"{path}: listed in {DIGESTS}, but missing", CHECKOUT) from None
    actual = "sha256:" + hashlib.sha256(content).hexdigest()
    if actual != sha256:
        problem = f"{path}: {DIGESTS} lists {sha256}, but the file has {actual}"
        git_change = damage.changed_file(path, content, sha256, path.parents[1])
        raise git_change or LockSetError(problem, CHECKOUT)
    # A correct hash is not enough: digests.toml could have been changed together with the list.
    if not LAYER_LIST.fullmatch(content.decode("ascii", "replace")):
        raise LockSetError(f"{path}: expected lines of six hex digits", CHECKOUT)
    return content.decode("ascii")


def write(record: ReleaseRecord, folder: Path) -> None:
    """Write the record into its lock set, atomically.

    Raises LockSetError if the lock set was locked again or released in the meantime.
    """
    lock_set = lockset_folder.read(folder)
    if lock_set.root != record.digests.lockset:
        problem = f"{folder} was locked again while its images were built"
        raise LockSetError(problem, "run orbiter release again")
    lockset_folder.freeze(lock_set, folder, record.files())
