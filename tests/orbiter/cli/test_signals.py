"""Signals end a command that compresses, without a traceback, however many arrive."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENDLESS = r"""
import os
import sys
from pathlib import Path

from orbiter.assembly.compression import CHUNK, compress
from orbiter.cli.errors import guarded
from orbiter.threads import stoppable_threads
from resolvers.scratch import scratch_folder


@guarded
def command():
    def write(target):
        os.write(1, b"started\n")
        while True:
            target.write(bytes(CHUNK))

    with scratch_folder(Path(sys.argv[1]), "new-") as folder, stoppable_threads(2) as pool:
        for compression in ("zstd", "gzip"):
            pool.submit(compress, folder / compression, compression, write)
        pool.submit(print).result()


command()
"""
"""A command that would compress forever."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("several", [False, True])
def test_a_signal_ends_compression(tmp_path: Path, number: signal.Signals, several: bool) -> None:
    words = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            started = [process.stdout.readline() for _ in range(2)]
            process.send_signal(number)
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
                if several:
                    process.send_signal(number)
        finally:
            process.kill()
        _, stderr = process.communicate()
    assert started == ["started\n"] * 2
    # After the message, the next signal ends the process at once.
    assert process.returncode == 128 + number or (several and process.returncode == -number), stderr
    message = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    assert stderr == f"error: {message}\n"
    assert list(tmp_path.iterdir()) == []
