"""Changes to a built image, as somebody who wants to hide them would make: all digests fit."""

import io
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from orbiter.assembly.decompression import decompressed
from orbiter.assembly.raw_layer import CHUNK
from tests.support.layouts import Layout
from tests.support.oci_images import file, layer

Edit = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]
"""Returns a member of a layer with its content as it is to be; None removes it."""


def flipped(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """Flip a bit in the middle of a file."""
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return member, bytes(changed)


def last_byte(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """Flip a bit in the last byte but one of a file."""
    changed = bytearray(content)
    changed[-2] ^= 1
    return member, bytes(changed)


def removed(_member: tarfile.TarInfo, _content: bytes) -> None:
    """Remove a file."""


def with_mode(mode: int) -> Edit:
    """Return an edit that changes the mode of a file."""

    def edit(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        member.mode = mode
        return member, content

    return edit


def linked_to(target: str) -> Edit:
    """Return an edit that changes the target of a link."""

    def edit(member: tarfile.TarInfo, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
        member.linkname = target
        return member, content

    return edit


def paths(folder: Path) -> dict[str, tarfile.TarInfo]:
    """Return the members of all layers above the first one, by path."""
    layout = Layout(folder)
    found: dict[str, tarfile.TarInfo] = {}
    for position in range(1, len(layout.manifest["layers"])):
        for member, _ in _members(layout.layer(position)):
            found[member.name] = member
    return found


def tamper(
    folder: Path, edits: dict[str, Edit], added: dict[str, bytes], entrypoint: list[str]
) -> Path:
    """Change the image of a layout: files, a layer on top, and the entrypoint."""
    layout = Layout(folder)
    missing = set(edits)
    # A higher layer may replace a file, so its highest one is changed.
    for position in reversed(range(len(layout.manifest["layers"]))):
        members = _members(layout.layer(position))
        if missing.isdisjoint(member.name for member, _ in members):
            continue
        kept = [
            edits[member.name](member, content) if member.name in missing else (member, content)
            for member, content in members
        ]
        missing -= {member.name for member, _ in members}
        layout.replace_layer(position, _tar([each for each in kept if each is not None]))
    assert not missing
    words = layout.config["history"][-1]["created_by"]
    layout.add_layer(layer(file("opt", type=tarfile.DIRTYPE, mode=0o755), *added.items()), words)
    return layout.save(lambda config: config["config"].update(Entrypoint=entrypoint))


def _members(blob: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with blob.open("rb") as opened, decompressed(opened) as content:
        archive = io.BytesIO(b"".join(iter(partial(content.read, CHUNK), b"")))
    with tarfile.open(fileobj=archive, errors="surrogateescape") as tar:
        return [(member, _content(tar, member)) for member in tar]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member) if member.isreg() else None
    return content.read() if content else b""


def _tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape"
    ) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
