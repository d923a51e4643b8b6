"""What was built of a release: the digests of its images and layers, kept beside the lock set that they were built of.

``digests.toml`` freezes a lock set. Below ``layers/`` lies a list for each layer with one line an entry of its tar, in
its order: six hex digits of a sha256 over what the entry is, three over its time. Paths are not in it, since a layer
that differs has them; so the lists stay small, and still tell the first file that differs.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from orbiter.lockset import folder
from orbiter.lockset.folder import CHECKOUT
from orbiter.lockset.model import BUILD, DIGESTS, LAYERS, LockSet, LockSetError

FORMAT = 1
BAKE_FILE = f"{BUILD}/docker-bake.json"
LIST = re.compile(r"([0-9a-f]{9}\n)*")
LIST_NAME = re.compile(r"[0-9a-f]{16}\.txt")
RELEASE = "orbiter release builds the images and records their digests"

Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class RecordedLayer(
    msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True
):
    """One layer: ``diff_id`` is the digest of its tar, ``digest`` and ``size`` (bytes) are as it is compressed."""

    diff_id: Digest
    digest: Digest
    size: int


class RecordedImage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The image of one stage for one platform: ``digest`` is that of its manifest, ``config`` of its configuration."""

    digest: Digest
    config: Digest
    layers: tuple[RecordedLayer, ...]


class RecordedBuilder(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What decides an image's bytes beside the lock set: the versions of BuildKit, as far as they can be asked.

    ``engine`` is empty for a builder that is none of the engine's own, ``buildkit`` where it does not tell it.
    ``exporter`` are its options, as the lock set's bake file has them.
    """

    buildkit: str = ""
    engine: str = ""
    buildx: str = ""
    exporter: Mapping[str, str] = {}

    def __str__(self) -> str:
        engine = f"Engine {self.engine}" if self.engine else ""
        if not self.buildkit:
            return f"the BuildKit of {engine}" if engine else "an unknown BuildKit"
        return f"BuildKit {self.buildkit}" + (f" of {engine}" if engine else "")


class Digests(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """digests.toml. ``lockset`` is the root digest of the lock set that was built.

    ``stages`` maps a stage and a platform to its image; ``lists`` a file below ``layers/`` to its sha256.
    """

    format: int = FORMAT
    release: str
    lockset: Digest
    builder: RecordedBuilder
    stages: Mapping[str, Mapping[str, RecordedImage]]
    lists: Mapping[str, Digest]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of a release and the texts of the lists that they name."""

    digests: Digests
    lists: Mapping[str, str]

    def entries(self, diff_id: str) -> list[str] | None:
        """The lines of a layer's list; None where there is none."""
        text = self.lists.get(layer_list_name(diff_id))
        return None if text is None else text.splitlines()

    def files(self) -> dict[str, str]:
        """All of it as it lies in a lock set, by path."""
        return {
            DIGESTS: digests_text(self.digests),
            **{f"{LAYERS}/{name}": found for name, found in self.lists.items()},
        }


def layer_list_name(diff_id: str) -> str:
    """The file name of a layer's list."""
    return f"{diff_id.partition(':')[2][:16]}.txt"


def digests_text(digests: Digests) -> str:
    """digests.toml as it stands on disk."""
    return msgspec.toml.encode(digests, order="sorted").decode()


def image_stages(locked: LockSet) -> dict[str, list[str]]:
    """All stages of a lock set that make an image, build stages too, with the platforms they are built for."""
    targets = json.loads(locked.files[BAKE_FILE])["target"] if locked.is_complete else {}
    return {name: target["platforms"] for name, target in targets.items() if "tags" in target}


def read(place: Path, locked: LockSet) -> Record:
    """Read what was recorded of a lock set, which lies in ``place``.

    Every list is checked against its sha256. Raises LockSetError naming the file that is missing, unknown or
    changed, or the image that is missing or not of the lock set.
    """
    digests = _digests(place / DIGESTS)
    if digests.lockset != locked.root:
        raise LockSetError(
            f"{place / DIGESTS} is of another lock set: it names {digests.lockset}, this one is {locked.root}",
            CHECKOUT,
        )
    _refuse_other_images(place / DIGESTS, digests, locked)
    for name in digests.lists:
        if not LIST_NAME.fullmatch(name):
            raise LockSetError(f"{place / DIGESTS}: '{name}' is no list of a layer", CHECKOUT)
    lists = {name: _list(place / LAYERS / name, wanted) for name, wanted in digests.lists.items()}
    for path in sorted((place / LAYERS).glob("*")):
        if LIST_NAME.fullmatch(path.name) and path.name not in lists:
            raise LockSetError(f"{path}: not named in {DIGESTS}", "remove it")
    return Record(digests=digests, lists=lists)


def _digests(path: Path) -> Digests:
    try:
        content: dict[str, Any] = msgspec.toml.decode(path.read_bytes().decode())
        if isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise LockSetError(
                f"{path}: format {content['format']} is newer than this Orbiter reads ({FORMAT})",
                "install a newer Orbiter",
            )
        return msgspec.convert(content, Digests)
    except FileNotFoundError:
        raise LockSetError(
            f"{path.parent} was not released: it has no {path.name}", RELEASE
        ) from None
    except (UnicodeDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise LockSetError(f"{path}: {error}", CHECKOUT) from None


def _refuse_other_images(path: Path, digests: Digests, locked: LockSet) -> None:
    wanted = {
        (stage, platform)
        for stage, platforms in image_stages(locked).items()
        for platform in platforms
    }
    found = {(stage, platform) for stage, images in digests.stages.items() for platform in images}
    for stage, platform in sorted(wanted ^ found):
        what = "names no" if (stage, platform) in wanted else "names an"
        end = "" if (stage, platform) in wanted else ", which the lock set does not build"
        raise LockSetError(f"{path}: {what} image of {stage} for {platform}{end}", CHECKOUT)


def _list(path: Path, wanted: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LockSetError(f"{path}: named in {DIGESTS}, but missing", CHECKOUT) from None
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise LockSetError(f"{path}: {DIGESTS} names {wanted}, the file has {found}", CHECKOUT)
    if not LIST.fullmatch(content.decode("ascii", "replace")):
        raise LockSetError(f"{path}: expected lines of nine hex digits", CHECKOUT)
    return content.decode("ascii")


def write(record: Record, place: Path) -> None:
    """Put the record into the lock set that it is of, at once: a run that is killed leaves all of it or nothing.

    Raises LockSetError where that lock set is not there any more, or was released meanwhile.
    """
    locked = folder.read(place)
    if locked.root != record.digests.lockset:
        raise LockSetError(
            f"{place} was locked anew while its images were built", "run orbiter release again"
        )
    folder.freeze(locked, place, record.files())
