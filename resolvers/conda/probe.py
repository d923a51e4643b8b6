"""The first bytes of a channel's index, requested as rattler requests the whole index."""

import asyncio

from resolvers.conda import rattler_solver
from resolvers.conda.channels import Channel, hide_secrets, join_causes
from resolvers.conda.fetch import configured_client, status_of
from resolvers.errors import ExpectedError
from resolvers.net import http
from resolvers.redaction import redact

INDEX = "repodata.json"
ABSENT = "orbiter-doctor-asks-for-no-package"
"""The name of a package that no channel has."""


class _EnoughError(Exception):
    """Ends a download after its first bytes."""


class _FirstBytes:
    """A writer that ends the download."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> None:
        """Keep the bytes, and end the download."""
        self.content = content
        raise _EnoughError


def index_address(channel: Channel, subdir: str) -> str:
    """Return the address of a channel's index for a subdir, with the values of its variables."""
    from rattler import Channel as RattlerChannel

    return f"{RattlerChannel(channel.address()).base_url.rstrip('/')}/{subdir}/{INDEX}"


def check_index(channel: Channel, subdir: str) -> None:
    """Request the first bytes of an index with rattler's proxies, certificates and logins.

    Raises HTTPError if the server does not have it, otherwise ExpectedError.
    """
    url = index_address(channel, subdir)
    start = asyncio.run(_first_bytes(url, channel, subdir))
    if not start.lstrip().startswith(b"{"):
        raise ExpectedError(f"{redact(url)} is not a page of a package index: no JSON")


async def _first_bytes(url: str, channel: Channel, subdir: str) -> bytes:
    from rattler.package_streaming import download_to_writer

    writer = _FirstBytes()
    try:
        await download_to_writer(configured_client()[1], url, writer)
    except Exception as error:  # rattler's exceptions have no common base class
        if writer.content:
            return writer.content
        reason = join_causes(hide_secrets(str(error), (channel,)))
        if status := status_of(reason):
            raise http.HTTPError(f"{channel.url}: {reason}", status=status) from None
        await _explain(channel, subdir)
        raise ExpectedError(f"{channel.url}: {reason}") from error
    return writer.content


async def _explain(channel: Channel, subdir: str) -> None:
    """Raise ExpectedError with all causes, which only rattler's access to indexes reports."""
    from rattler import Channel as RattlerChannel

    source = [RattlerChannel(channel.address())]
    gateway = rattler_solver.open_gateway()
    try:
        # In rattler's types, a subdir is a Literal of all known ones.
        await gateway.query(source, [subdir], [ABSENT], recursive=False)  # type: ignore[list-item]
    except Exception as error:  # rattler's exceptions have no common base class
        raise rattler_solver.unreadable_channels(error, (channel,), subdir) from error
    finally:
        rattler_solver.protect_cache()
