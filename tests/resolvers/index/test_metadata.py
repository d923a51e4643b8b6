"""The METADATA of wheels, each read once."""

from resolvers.index.index_file import IndexFile
from resolvers.index.metadata import MetadataReader
from tests.support.loopback import Answer, serving


def test_another_file_at_the_same_address_is_read_again() -> None:
    with serving() as server:
        url = f"{server.url}/acme-1.0-py3-none-any.whl"
        reader = MetadataReader()
        for digit in "12":
            server.replies["/acme-1.0-py3-none-any.whl.metadata"] = Answer(200, digit.encode())
            wheel = IndexFile(
                name="acme-1.0-py3-none-any.whl",
                url=url,
                hashes={"sha256": digit * 64},
                metadata={},
            )
            assert [reader.read(wheel) for _ in range(2)] == [digit.encode()] * 2
        assert len(server.requests) == 2
