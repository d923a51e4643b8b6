"""Types that several threads decode into at the same time."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading, msgspec
sys.setswitchinterval(1e-6)
from {module} import {kind}
start = threading.Barrier(8)
def decode():
    start.wait()
    try:
        msgspec.json.decode({text!r}, type={kind})
    except msgspec.ValidationError:
        pass
threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize(
    ("module", "kind", "text"),
    [
        (
            "resolvers.apt.lock_file",
            "AptLock",
            '{"format": 1, "platforms": {"linux/amd64": {"apt": "3", "glibc": "2"}}}',
        ),
        (
            "resolvers.index.page",
            "_JsonPage",
            '{"files": [{"filename": "x-1.zip", "url": "x-1.zip", "hashes": {}}]}',
        ),
        (
            "orbiter.oci.base_image",
            "_Manifest",
            '{"layers": [{"digest": "sha256:00", "size": 1, "mediaType": "x"}]}',
        ),
        ("orbiter.oci.base_image", "_Platform", '{"os": "linux", "architecture": "amd64"}'),
    ],
)
def test_threads_can_decode_into_a_type_at_its_first_use(module: str, kind: str, text: str) -> None:
    """Start five processes; without ``thread_safe_decoding`` most crash on a quiet machine."""
    for _ in range(5):
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(module=module, kind=kind, text=text)], check=True
        )
