"""The network profile that a command uses: the files that set it."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

VARIABLE = "ORBITER_CONFIG_FILE"
SYSTEM_FILE = Path("/etc/orbiter/config.toml")
WITHOUT_NETWORK = frozenset({"help", "man", "schema"})
"""Commands that also work with a mistake in the profile, because its error names them."""


def use_network_profile() -> None:
    """Use the network profile of this machine and its user, if there is one.

    Raises ConfigError with all mistakes of a file.
    """
    context = click.get_current_context(silent=True)
    if context and context.command.name in WITHOUT_NETWORK:
        return
    if files := tuple(_files()):
        from orbiter.config.network_profile import read_settings  # most machines have no profile
        from resolvers.net import profile

        profile.use(read_settings(files))


def _files() -> Iterator[Path]:
    """Yield the files of the profile; later ones override earlier ones."""
    if named := os.environ.get(VARIABLE):
        if named != os.devnull:
            yield Path(named)
        return
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    # Path.expanduser fails for a user without a home folder.
    user_file = Path(os.path.expanduser(folder), "orbiter", "config.toml")  # noqa: PTH111
    for path in (SYSTEM_FILE, user_file):
        if path.exists():
            yield path
