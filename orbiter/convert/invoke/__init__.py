"""The first Orbiter's invoke.yaml, converted to an images.toml."""
