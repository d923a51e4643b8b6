"""The texts of sdists that anybody may have made."""

import gzip
import io

import pytest

from resolvers.errors import ExpectedError
from resolvers.pip.sdists import text_in
from tests.support.hostile_tar import tar_of_negative_size


def test_a_hostile_tar_file_is_not_a_valid_sdist() -> None:
    sdist = io.BytesIO(gzip.compress(tar_of_negative_size()))
    with pytest.raises(ExpectedError, match=r"a-1\.tar\.gz is not a valid sdist: .* -512 bytes"):
        text_in("a-1.tar.gz", sdist, "PKG-INFO")
