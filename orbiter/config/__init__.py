"""images.toml.

From the text people write to the frozen ImageSet, every mistake reported at once.
"""
