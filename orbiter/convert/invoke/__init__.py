"""Convert invoke.yaml, the configuration of the original Orbiter, to an images.toml."""
