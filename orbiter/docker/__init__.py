"""The only access to the Docker engine: its SDK, buildx bake, and shells in images."""
