"""rattler's way to channels, as this machine is configured: credentials, netrc, mirrors, proxies and certificates."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattler import Client, Config

RETRIES = 2


def configured() -> "tuple[Config, Client]":
    """rattler's configuration of this machine, and a client that asks accordingly."""
    from rattler import Client, Config

    config = Config.load_from_default_locations("rattler")
    return config, Client.from_config(config, max_retries=RETRIES, user_agent="orbiter")
