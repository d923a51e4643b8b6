"""The bytes of assembly format 1, which never change: released images depend on them.

If one of these tests fails, do not change the digests. Undo the change of the rules, or raise
``ASSEMBLY`` and keep the old rules for the lock sets of this format.
"""

import json
import struct
from pathlib import Path

import pytest

from orbiter.assembly.assemble import AssembledStage
from orbiter.assembly.documents import image_index, labelled
from orbiter.assembly.image import AssembledImage
from orbiter.config.layer_keys import Compression
from orbiter.lockset.model import ASSEMBLY
from orbiter.oci.registry import sha256
from tests.support.raw_layouts import (
    assemble,
    device,
    folder,
    hard_link,
    link,
    member,
    tar,
    xattr,
)

SITE = "opt/env/lib/python3.13/site-packages"
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0xFF80, 0)
LONG = "opt/" + "/".join(["n" * 80] * 4)
PYC = b"\xcb\x0d\x0d\x0a"
BASE = tar(
    folder("./"),
    folder("etc"),
    member("etc/removed", b"1"),
    folder("etc/removed.d"),
    member("etc/removed.d/x", b"2"),
    folder("etc/file"),
    member("etc/file/x", b"3"),
    member("etc/folder", b"4"),
    folder("etc/opaque"),
    member("etc/opaque/a", b"5"),
    member("etc/opaque/b", b"6"),
    member("etc/machine-id", b"7"),
    folder("tmp", mode=0o1777),
    folder("usr"),
    folder("usr/bin"),
    member("usr/bin/env", b"8", mode=0o755),
)
CORE = (
    tar(
        folder("etc", mode=0o750, gid=42),
        member("etc/.wh.removed"),
        member("etc/.wh.removed.d"),
        member("etc/file", b"now a file"),
        folder("etc/folder"),
        member("etc/folder/x", b"now in a folder"),
        folder("etc/opaque"),
        member("etc/opaque/.wh..wh..opq"),
        member("etc/opaque/b", b"6"),
        member("etc/machine-id", b"of this build"),
        folder("dev"),
        device("dev/null"),
        folder("tmp", mode=0o1777),
        member("tmp/x", b"left over"),
    ),
    tar(
        folder("usr"),
        folder("usr/bin"),
        member("usr/bin/sudo", b"#!", mode=0o4755),
        member("usr/bin/ping", b"ping", pax_headers=xattr("security.capability", CAPABILITY)),
        link("usr/bin/awk", "mawk", uid=5),
        link("usr/bin/long", "../" * 40 + "usr/bin/env"),
        member("usr/bin/b", b"linked", mode=0o755, uid=1000, gid=100),
        hard_link("usr/bin/a", "usr/bin/b"),
        member("usr/bin/caf\udce9", b"latin-1"),
        member("usr/bin/ö", b"utf-8"),
        member("usr/bin/big", b"uid", uid=3_000_000, gid=4_000_000_000),
        folder("usr/share"),
        member("usr/share/" + "x" * 150, b"a long name"),
        member("usr/bin/empty"),
        folder("opt"),
        *(folder("/".join(LONG.split("/")[:count])) for count in range(2, 6)),
        member(f"{LONG}/x", b"a long path"),
        folder("opt/timed"),
        folder("opt/timed/__pycache__"),
        member("opt/timed/__pycache__/m.cpython-313.pyc", PYC + bytes(12)),
        folder("opt/__pycache__"),
        member("opt/__pycache__/timed.cpython-313.pyc", PYC + bytes(12)),
        member("opt/__pycache__/hashed.cpython-313.pyc", PYC + b"\x01\0\0\0" + bytes(8)),
    ),
)
GEO = (
    tar(
        folder("opt", mode=0o755),
        *(folder("/".join(f"{SITE}/x".split("/")[:count])) for count in range(2, 6)),
        folder(f"{SITE}/large"),
        member(f"{SITE}/large/data", bytes(range(256)) * (16 << 10)),
        folder(f"{SITE}/large-1.dist-info"),
        member(f"{SITE}/large-1.dist-info/RECORD", b"large/data,,\n"),
        folder(f"{SITE}/small"),
        member(f"{SITE}/small/x.py", b"print()\n"),
        folder(f"{SITE}/small/tests"),
        member(f"{SITE}/small/tests/test_x.py", b"assert True\n"),
        folder(f"{SITE}/small-2.dist-info"),
        member(f"{SITE}/small-2.dist-info/RECORD", b"small/x.py,,\nsmall/tests/test_x.py,,\n"),
        folder("usr"),
        folder("usr/share"),
        folder("usr/share/orbiter"),
        member("usr/share/orbiter/packages.json", b"{}"),
        folder("var"),
        folder("var/log"),
        member("var/log/install.log", b"today"),
    ),
)
LAYERS = [
    (
        "core: removed files",
        "sha256:92f95b98618838c29b796c1e155ac8fc9fe8497e284aed241c98f4120508f0d5",
    ),
    ("core: files", "sha256:78d965b7ab5f9db6ab513ce93b5e9f790566026de04368f41b0c75efe76e4fb6"),
    ("geo: packages 6", "sha256:1f4f1a7702b7455bd613d1961447fdb99a6f332e7679c64a35edeaf397184d54"),
    ("geo: pip:large", "sha256:adf6220390a3eb776bc40f1aeb8a465718c0518f22d04cf7e8e5d3230761654d"),
    (
        "geo: package records",
        "sha256:a0b1b6304041b369a205ceddb94b3e8edcb220d86661c36102e7c4f3dd5e6fe8",
    ),
    ("geo: files", "sha256:9fd52bb840e45d54dc1f665436b57ec71ba9ff360ee594a15122b8a85ba42b4c"),
]
"""The words in the history, and the digests of the uncompressed layers."""
COMPRESSED: dict[Compression, tuple[str, ...]] = {
    "zstd": (
        "sha256:503227ffd2fdbed23e8e18379577365fd283b5f370d4dc50564a04b9db99c26f",
        "sha256:9c6c0bf0c558a93e0b6e2b302ea06c2e529a4eb285b6b2f34c24f04805d93bc3",
        "sha256:5c66844fc5099b6eb42cec57f1740dc1e1d30f8c925caa98b3bf71f9f5649967",
        "sha256:ec425dddfebc181dccadb6610038294e5fbdbc55b0d6b1c5d964bc168101b576",
        "sha256:8da49b05f65668abdfd4286ff67fd3a2b2fefe7f54fe608bb86d9f2719784289",
        "sha256:eb4a67796af6b2873159416729e9a108e97e130018456e14aba873d21b7687ac",
        "sha256:7027c59413e058f1f31a99c9ce53fbe2f4fa5b5845df3b13c5fbd347bc6ec42d",
        "sha256:37558f3999fde421c1fa5965f63774c16ef69740a066bd9cabd3ff06cf3ac8ee",
    ),
    "gzip": (
        "sha256:8071d00d12bc8bae19e2dce03362cf958e473230f5c6f288e2f91c482b204e59",
        "sha256:4cb159ff23e148d7e8b1d360c436c69ca36adebb86fc3c7b72bcc781c90fdd86",
        "sha256:deccfa913e3284d569d30d5aa23901f75f6591a3873a6f5b4996df5ec1379e51",
        "sha256:cbff29c1152cc71a2fb23ce89de831a1444ef8804bc7b8f4c2dc6b56b13fe24a",
        "sha256:51370fef583254ee40b4f94b1dc1b6d65ce6aaf9e2a618b872f4ea69e717b347",
        "sha256:2a25eaaf101df4b97b1a9a3665b53e7f171ada82ebf5ee8836af41d0b8e7bfbd",
        "sha256:7027c59413e058f1f31a99c9ce53fbe2f4fa5b5845df3b13c5fbd347bc6ec42d",
        "sha256:3a8c14f8b67e73de85e03373044974dab1947d7574fcb4a70c63ab1f2d3f3920",
    ),
}
"""The digests of the layers above the base image, of the configuration, and of the manifest."""
INDEX = "sha256:333af46c72e9263a9fd64cc9819103e25d8e61bddcd85cab7dcae369172e19a7"


def image(place: Path, compression: Compression) -> AssembledImage:
    stages = {"core": CORE, "geo": GEO}
    options = {"geo": AssembledStage(name="geo", rules=("tests",))}
    return assemble(place, stages, [BASE], options=options, compression=compression)


def test_the_layers_of_format_1(tmp_path: Path) -> None:
    made = image(tmp_path, "zstd")
    history = json.loads(made.config)["history"][1:]
    names = [line["created_by"].removeprefix("orbiter: ") for line in history]
    diff_ids = [each.diff_id for each in made.layers[1:]]
    assert [*zip(names, diff_ids, strict=True)] == LAYERS
    assert ASSEMBLY == 1


@pytest.mark.parametrize("compression", COMPRESSED)
def test_the_compressed_image_of_format_1(tmp_path: Path, compression: Compression) -> None:
    made = image(tmp_path, compression)
    digests = [each.digest for each in made.layers[1:]]
    assert (*digests, made.config_digest, made.digest) == COMPRESSED[compression]


def test_the_labels_and_the_index_of_format_1(tmp_path: Path) -> None:
    made = labelled(image(tmp_path, "zstd"), {"org.orbiter.lockset": "sha256:7"})
    assert sha256(image_index([made, made])) == INDEX
