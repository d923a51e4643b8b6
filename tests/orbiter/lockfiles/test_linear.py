"""No reader of text takes more than linear time, however strange the text."""

import subprocess
import sys

import pytest

from tests.support import adversarial

PROGRAM = adversarial.__file__


@pytest.mark.parametrize("index", range(len(adversarial.HEADS)))
def test_no_reader_takes_more_than_linear_time(index: int) -> None:
    result = subprocess.run(
        [sys.executable, PROGRAM, str(index)], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.returncode) == ("", 0), result.stderr
