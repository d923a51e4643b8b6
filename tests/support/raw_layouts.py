"""Layers as BuildKit writes them, and OCI layouts of such layers."""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orbiter.assembly.assemble import (
    AssembledStage,
    Assembler,
    AssemblyOptions,
    BaseLayers,
)
from orbiter.assembly.blobs import Blobs
from orbiter.assembly.image import AssembledImage, Layer
from orbiter.assembly.raw_image import RawImage, read_raw_images
from orbiter.config.layer_keys import Compression
from orbiter.oci.registry import OCI_INDEX, OCI_MANIFEST, sha256
from tests.support.oci_images import AMD64, CONFIG, TAR

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CREATED = 1785542400
Member = tuple[tarfile.TarInfo, bytes]
"""An entry of a tar file, and the bytes of its file."""
Stages = Mapping[str, Sequence[bytes]]
"""The layers of each stage, the lowest stage first."""
SETTINGS = {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["sh"], "WorkingDir": "/"}


def member(path: str, content: bytes = b"", **attributes: Any) -> Member:
    """Return a file with these attributes of ``TarInfo``."""
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = len(content), 0o644, 1_700_000_000
    for name, value in attributes.items():
        setattr(info, name, value)
    return info, content


def folder(path: str, mode: int = 0o755, **attributes: Any) -> Member:
    return member(path, type=tarfile.DIRTYPE, mode=mode, **attributes)


def link(path: str, target: str, **attributes: Any) -> Member:
    return member(path, type=tarfile.SYMTYPE, linkname=target, mode=0o777, **attributes)


def hard_link(path: str, target: str) -> Member:
    return member(path, type=tarfile.LNKTYPE, linkname=target)


def device(path: str, kind: bytes = tarfile.CHRTYPE) -> Member:
    return member(path, type=kind, devmajor=1, devminor=3)


def xattr(name: str, value: bytes) -> dict[str, str]:
    """Return the headers of a file with an extended attribute, whose value may be binary."""
    return {f"SCHILY.xattr.{name}": value.decode(errors="surrogateescape")}


def tar(*members: Member) -> bytes:
    """Return a tar file with these entries."""
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer,
        mode="w",
        format=tarfile.PAX_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_image(
    layout: Path,
    stages: Stages,
    base: Sequence[bytes] = (),
    *,
    platform: str = AMD64,
    base_history: Iterable[Mapping[str, Any]] | None = None,
    history: Iterable[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write the blobs of an image, and return the descriptor of its manifest.

    ``history`` replaces the whole history, ``base_history`` the lines of the base image.
    """
    if base_history is None:
        base_history = [{"created_by": "base"}] * len(base)
    if history is None:
        history = [
            *base_history,
            *(line for each in stages.items() for line in stage_history(*each)),
        ]
    layers = [*base, *(layer for own in stages.values() for layer in own)]
    config: dict[str, Any] = {
        **dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)),
        "created": "2024-01-01T00:00:00Z",
        "config": {**SETTINGS, "Labels": {"org.orbiter.stage": [*stages][-1], "some": "label"}},
        "history": list(history),
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG, **write_blob(layout, json.dumps(config).encode())},
        "layers": [{"mediaType": TAR, **write_blob(layout, layer)} for layer in layers],
    }
    return {"mediaType": OCI_MANIFEST, **write_blob(layout, json.dumps(manifest).encode())}


def stage_history(name: str, layers: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the lines of a stage: its marker, its steps, and a setting at the end."""
    return [
        {"created_by": f"LABEL org.orbiter.stage={name}", "empty_layer": True},
        *({"created_by": f"RUN step {number}"} for number in range(len(layers))),
        {"created_by": "USER 1000", "empty_layer": True},
    ]


def write_blob(layout: Path, content: bytes) -> dict[str, Any]:
    """Write a blob, and return its digest and size as in a descriptor."""
    path = layout / "blobs" / "sha256" / sha256(content).partition(":")[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": sha256(content), "size": len(content)}


def index_text(manifests: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def write_index(layout: Path, *manifests: Mapping[str, Any]) -> None:
    (layout / "index.json").write_bytes(index_text(manifests))


def raw_image(layout: Path, stages: Stages, base: Sequence[bytes] = (), **options: Any) -> RawImage:
    """Write a layout with one image, and read it."""
    write_index(layout, write_image(layout, stages, base, **options))
    (raw,) = read_raw_images(layout, [*stages])
    return raw


def base_layers(folder: Path, *tars: bytes) -> BaseLayers:
    """Return a base image of these layers, without compression."""
    layers = []
    for content in tars:
        path = folder / f"base-{sha256(content).partition(':')[2]}"
        path.write_bytes(content)
        digest = sha256(content)
        layers.append(
            Layer(diff_id=digest, digest=digest, size=len(content), media_type=TAR, path=path)
        )
    return BaseLayers(tuple(layers), {"history": [{"created_by": "base"}] * len(tars)})


def assembler(scratch: Path, compression: Compression = "gzip") -> Assembler:
    """Return an assembler with the cache of the test."""
    scratch.mkdir(parents=True, exist_ok=True)
    return Assembler(Blobs(), scratch, AssemblyOptions(compression=compression, created=CREATED))


def assemble(
    place: Path,
    stages: Stages,
    base: Sequence[bytes] = (),
    *,
    options: Mapping[str, AssembledStage] | None = None,
    compression: Compression = "gzip",
) -> AssembledImage:
    """Return the image of the last stage, above a base image of some layers.

    ``place`` is an empty folder. ``options`` are the stages that have rules or own files.
    """
    layout = place / "layout"
    raw = raw_image(layout, stages, base)
    lineage = [(options or {}).get(name, AssembledStage(name=name)) for name in stages]
    lower = base_layers(layout, *base)
    return assembler(place / "scratch", compression).assemble(raw, lineage, lower, print)


def tars(image: AssembledImage) -> list[bytes]:
    """Return the uncompressed layers of an image, after a check of all digests."""
    return [_tar(layer) for layer in image.layers]


def _tar(layer: Layer) -> bytes:
    content = layer.path.read_bytes()
    assert sha256(content) == layer.digest
    if layer.media_type.endswith("+zstd"):
        content = zstd.decompress(content)
    elif layer.media_type.endswith("+gzip"):
        content = gzip.decompress(content)
    assert sha256(content) == layer.diff_id
    return content
