"""The program uv: engine for pip, and the tool that runs Poetry and conda-lock."""

import os
from collections.abc import Sequence
from pathlib import Path

from resolvers import process
from resolvers.index import index
from resolvers.net import pip_config
from resolvers.net.certificates import CERTIFICATE_VARIABLES
from resolvers.net.loopback import no_proxy_variables
from resolvers.net.once import Lazy

KEPT = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_HTTP_",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_SYSTEM_CERTS",
)
"""Variables of uv that decide how it works, not what it answers; it does not get to see the others."""


def _find_program() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


_program = Lazy(_find_program)  # find_uv_bin uses sysconfig, which is not thread-safe at first use


def program() -> str:
    """The path of the uv that came with Orbiter."""
    return _program()


def version() -> str:
    """The version of that uv."""
    from importlib.metadata import version

    return version("uv")


def run(arguments: Sequence[str | Path], *, cwd: Path | None = None, view: str = "") -> str:
    """Run uv with the package index of this machine, or a view of it; gives standard output. Raises ProgramError."""
    ours = _viewing(view) if view else environment()
    foreign = [name for name in os.environ if name.startswith("UV_") and not name.startswith(KEPT)]
    without = [word for name in foreign if name not in ours for word in ("-u", name)]
    command = [
        process.find("env"),
        *without,
        program(),
        "--no-config",
        "--color",
        "never",
        *arguments,
    ]
    return process.run(command, cwd=cwd, env=ours, name="uv")


def environment() -> dict[str, str]:
    """pip's configuration of this machine in uv's words."""
    configured = index.configured()
    names = {
        "UV_INDEX_STRATEGY": "unsafe-best-match"
    }  # as pip: all indexes are asked, the best version wins
    if configured.urls:
        names["UV_DEFAULT_INDEX"] = configured.urls[-1]
        names["UV_INDEX"] = " ".join(configured.urls[:-1])  # uv asks these first
    else:
        names["UV_NO_INDEX"] = "1"
    if configured.find_links:
        names["UV_FIND_LINKS"] = ",".join(configured.find_links)
    bundle = next(
        filter(None, map(os.environ.get, CERTIFICATE_VARIABLES)),
        pip_config.settings().get("cert"),
    )
    return names | ({"SSL_CERT_FILE": bundle} if bundle else {})


def _viewing(url: str) -> dict[str, str]:
    return {"UV_DEFAULT_INDEX": url, **no_proxy_variables()}
