"""The program uv: an engine of pip, and the tool that runs Poetry and conda-lock."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from resolvers import process
from resolvers.errors import ExpectedError, ProgramError
from resolvers.index import index
from resolvers.net import pip_config
from resolvers.net.loopback import no_proxy_variables
from resolvers.net.once import Lazy
from resolvers.net.profile import CERTIFICATE_VARIABLES

PASSED_VARIABLES = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_HTTP_",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_SYSTEM_CERTS",
)
"""Names and prefixes of the UV_ variables that uv may see: none of them changes its results."""


def _find_program() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


_program = Lazy(_find_program)  # find_uv_bin uses sysconfig, which is not thread-safe at first use


def program() -> str:
    """Return the path of the uv that is installed with Orbiter."""
    return _program()


def version() -> str:
    """Return the version of that uv."""
    from importlib.metadata import version

    return version("uv")


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    index_url: str = "",
    env: Mapping[str, str] = {},
) -> str:
    """Run uv and return its standard output.

    uv uses the package indexes in pip's configuration, or only ``index_url`` if it is given.
    ``env`` is added to its environment. Raises ProgramError.
    """
    variables = _environment_for(index_url) if index_url else environment()
    # process.run can set variables but not remove them, so env removes them.
    hidden = (name for name in os.environ if _is_hidden(name) and name not in variables)
    unset = [word for name in hidden for word in ("-u", name)]
    options = ["--no-config", "--color", "never"]
    if index_url:
        options.append("--no-cache")  # its keys contain the address, which differs every time
    command = [process.find("env"), *unset, program(), *options, *arguments]
    return process.run(command, cwd=cwd, env={**variables, **env}, name="uv")


def _is_hidden(variable: str) -> bool:
    return variable.startswith("UV_") and not variable.startswith(PASSED_VARIABLES)


def _environment_for(index_url: str) -> dict[str, str]:
    # The proxy of the index repeats requests itself.
    return {"UV_DEFAULT_INDEX": index_url, "UV_HTTP_RETRIES": "0", **no_proxy_variables()}


def environment() -> dict[str, str]:
    """Return pip's configuration of this machine as environment variables of uv."""
    configured = index.configured()
    # A package on a later index may belong to somebody else.
    variables = {"UV_INDEX_STRATEGY": "first-index"}
    if configured.urls:
        *others, last = configured.urls
        variables["UV_INDEX"] = " ".join(others)  # uv searches them before the default index
        variables["UV_DEFAULT_INDEX"] = last
    else:
        variables["UV_NO_INDEX"] = "1"
    if configured.find_links:
        variables["UV_FIND_LINKS"] = ",".join(configured.find_links)
    if bundle := _certificates():
        variables["SSL_CERT_FILE"] = bundle
    return variables


def _certificates() -> str | None:
    """Return the path of the configured certificates; the precedence is as in net.certificates."""
    for variable in CERTIFICATE_VARIABLES:
        if bundle := os.environ.get(variable):
            return bundle
    return pip_config.settings().get("cert")


def tool_python(
    tool: str, version: str, progress: Callable[[str], None], needs: Sequence[str] = ()
) -> str:
    """Return the path of a Python in an isolated environment that contains only the tool.

    Installs the tool from the package index if uv has not cached that environment. ``needs`` are
    requirements for packages that the tool uses. Raises HTTPError, ExpectedError and ProgramError.
    """
    print_path = ["python", "-I", "-c", "import sys; print(sys.executable)"]
    source = ["--from", f"{tool}=={version}", "--python", sys.executable]
    source += [word for requirement in needs for word in ("--with", requirement)]
    try:
        return run(["tool", "run", "--offline", *source, *print_path]).strip()
    except ProgramError:
        progress(f"installing {tool} {version} in an isolated environment")
        # uv's error about an index that does not answer has many lines.
        if not index.configured().files(tool):
            raise ExpectedError(
                f"the package index has no package '{tool}', which Orbiter runs",
                "add it to the index, or use an index that has it: PIP_INDEX_URL",
            ) from None
        return run(["tool", "run", *source, *print_path]).strip()
