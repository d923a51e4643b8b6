"""Read images.toml: from its text to the frozen ImageSet, with all mistakes reported at once."""
