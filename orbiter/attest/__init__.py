"""Signed statements about an image: how it was made, from its lock set and its record."""
