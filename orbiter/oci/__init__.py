"""Container registries and OCI image layouts: reading and writing them."""
