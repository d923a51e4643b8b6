"""From a lock set to images, built from nothing but the store."""
