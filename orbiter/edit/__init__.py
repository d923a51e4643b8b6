"""From packages on the command line to an edited images.toml and its lock set."""
