"""The one door to the Docker engine: the SDK, buildx bake, shells in images."""
