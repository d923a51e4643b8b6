"""From a lock set to a filled store: who has a file, and getting it."""
