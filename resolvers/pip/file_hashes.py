"""The hashes of locked files for which the index has none."""

import hashlib
import re
from collections.abc import Callable

from resolvers.index.index_file import project_of
from resolvers.net import http
from resolvers.pip.index_proxy import IndexProxy

FILE_WITHOUT_HASH = re.compile(r'\{ path = "([^"]+)"(?!, hash)')


def with_hashes(text: str, proxy: IndexProxy, progress: Callable[[str], None]) -> str:
    """Return uv.lock with a hash for each file; downloads the files that have none.

    Raises HTTPError.
    """

    def complete(match: "re.Match[str]") -> str:
        name = match[1]
        progress(f"computing the hash of {name}, which the index does not have")
        url = proxy.files(project_of(name))[name].url
        return f'{match[0]}, hash = "sha256:{_sha256(url)}"'

    return FILE_WITHOUT_HASH.sub(complete, text)


def _sha256(url: str) -> str:
    digest = hashlib.sha256()
    for chunk in http.stream_chunks(url):
        digest.update(chunk)
    return digest.hexdigest()
