"""Read the packages that a Dockerfile installs, as far as they are certain."""
