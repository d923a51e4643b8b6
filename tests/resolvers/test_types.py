"""Types that threads decode into at once."""

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
        msgspec.json.decode(b"{{}}", type={kind})
    except msgspec.ValidationError:
        pass
threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("resolvers.apt_lock", "Lock"),
        ("resolvers.index", "_JsonPage"),
        ("resolvers.registry", "_Manifest"),
        ("resolvers.registry", "_Platform"),
    ],
)
def test_threads_may_decode_a_type_at_its_first_use(module: str, kind: str) -> None:
    """Without ``ready`` most of these processes end with a segmentation fault."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", SCRIPT.format(module=module, kind=kind)], check=True)
