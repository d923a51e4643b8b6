"""Build images from a lock set and the store."""
